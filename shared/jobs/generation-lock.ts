/**
 * A lock between processes that outlives none of them: a folder of numbered files, of which the highest says who holds
 * the lock. To take it over from a holder that let go or died, create the next number; of several who try, one succeeds.
 *
 * The highest number is never removed, only replaced by its own holder (when it lets go) or outnumbered. So nobody can
 * mistake a fresh holder for the dead one that was there a moment ago, which is how locks that are broken by deleting
 * a file come to have two holders.
 *
 * Crash story: a holder that dies leaves its number. The next one finds the process gone, takes the following number
 * and learns that its predecessor did not finish (`abandoned`).
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../base/clock.ts';
import { invariant } from '../base/errors.ts';
import { makeFolders } from '../base/make-folders.ts';
import { identifyProcess, isAlive, type ProcessIdentity } from '../base/process-identity.ts';
import { createFileOnce, readIfThere, refreshFile, replaceFile, storeError, timeAt } from './files.ts';
import { processIdentitySchema } from './process-identity-schema.ts';

const entrySchema = z.object({
  holder: processIdentitySchema,
  state: z.enum(['held', 'released', 'released-unclean']),
});

/** How often those who wait look again. */
const POLL_MS = 250;
/** Much shorter than the silence after which a holder counts as dead. */
const BEAT_EVERY_MS = 60_000;

export interface HeldLock extends AsyncDisposable {
  /** The holder before us died, or said on leaving that it could not clean up. */
  readonly uncleanBefore: boolean;
  /**
   * With `clean: false` the next holder learns that something was left behind. Without a call, disposing releases as
   * clean.
   */
  release(options: { readonly clean: boolean }): Promise<void>;
}

/** Takes the lock when it is free. */
export async function tryLock(folder: string): Promise<HeldLock | undefined> {
  await makeFolder(folder);
  const before = await highest(folder);
  let uncleanBefore = false;
  if (before > 0) {
    const path = join(folder, String(before));
    const entry = parseEntry((await readIfThere(path)) ?? '');
    if (entry?.state === 'held' && (await isAlive(entry.holder, () => silenceOf(path, folder)))) return undefined;
    uncleanBefore = entry?.state !== 'released';
  }
  const own = before + 1;
  const holder = await identifyProcess();
  invariant(holder, 'a process can find itself');
  const path = join(folder, String(own));
  const write = (state: 'held' | 'released' | 'released-unclean'): string => `${JSON.stringify({ holder, state })}\n`;
  if (!(await createFileOnce(path, write('held')))) return undefined;
  // A process that read the folder long ago may create a number that was outnumbered and removed meanwhile.
  if ((await highest(folder)) > own) {
    await rm(path, { force: true });
    return undefined;
  }
  await removeBelow(folder, own);
  let beat: Promise<void> = Promise.resolve();
  // Those who cannot see our process know that we live by this.
  const beating = setInterval(() => {
    beat = refreshFile(path).catch(() => undefined);
  }, BEAT_EVERY_MS).unref();
  let released = false;
  const release = async ({ clean }: { readonly clean: boolean }): Promise<void> => {
    if (released) return;
    released = true;
    clearInterval(beating);
    await beat;
    await replaceFile(path, write(clean ? 'released' : 'released-unclean'));
  };
  return { uncleanBefore, release, [Symbol.asyncDispose]: () => release({ clean: true }) };
}

/** How long the holder gave no sign of life, by the clock of the folder. */
async function silenceOf(path: string, folder: string): Promise<number> {
  const seen = await stat(path).catch(() => undefined);
  return seen === undefined ? 0 : (await timeAt(folder)).getTime() - seen.mtimeMs;
}

/**
 * Waits until the lock is ours. That is a turn which comes when the holder ends, however long that takes: no failure,
 * and so nothing for `base/retry.ts`, whose waits grow and end. `onHeld` is called with the present holder when the
 * waiting begins.
 */
export async function takeLock(
  folder: string,
  clock: Clock,
  signal: AbortSignal,
  onHeld?: (holder: ProcessIdentity | undefined) => void | Promise<void>,
): Promise<HeldLock> {
  for (let isFirst = true; ; isFirst = false) {
    signal.throwIfAborted();
    const lock = await tryLock(folder);
    if (lock !== undefined) return lock;
    if (isFirst)
      await onHeld?.(parseEntry((await readIfThere(join(folder, String(await highest(folder))))) ?? '')?.holder);
    await clock.sleep(POLL_MS, signal);
  }
}

const numbered = (name: string): boolean => /^[1-9][0-9]*$/.test(name);

async function highest(folder: string): Promise<number> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw storeError(folder, error);
  });
  return Math.max(0, ...names.filter(numbered).map(Number));
}

async function removeBelow(folder: string, own: number): Promise<void> {
  const names = await readdir(folder);
  const old = names.filter((name) => numbered(name) && Number(name) < own);
  await Promise.all(old.map((name) => rm(join(folder, name), { force: true })));
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await makeFolders(folder, 0o700);
  } catch (error) {
    throw storeError(folder, error);
  }
}

function parseEntry(text: string): z.infer<typeof entrySchema> | undefined {
  try {
    return entrySchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
