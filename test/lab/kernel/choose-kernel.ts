/**
 * Which kernel guests get: the first of a list that boots on this machine, by trial, or the one that
 * STILLPOINT_LAB_KERNEL names. What worked is remembered in the cache for this processor and this machine's kernel,
 * and not for ever; a kernel that was only second best is remembered for a day.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { release } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { cacheRoot } from '../cache.ts';
import { lockFile } from '../file-lock.ts';
import { startGuestProcess } from '../guest-process.ts';
import { type Progress, runPhase } from '../progress.ts';
import { createTemporaryFolder } from '../temporary-folder.ts';
import { programsRun } from './early-userspace.ts';
import { emulatedMachine } from './emulated.ts';
import type { GuestKernel, PreparedKernel } from './guest-kernel.ts';
import { installedUserModeLinux, userModeLinuxAt, userModeLinuxOf } from './user-mode-linux.ts';

/** The newest first: it starts programs in half the time, and runs on every processor that we know. */
const guestKernels: readonly GuestKernel[] = [
  userModeLinuxOf('forky'),
  userModeLinuxOf('sid'),
  userModeLinuxOf('trixie'),
  installedUserModeLinux,
  emulatedMachine,
];

const day = 24 * 3_600_000;
/** Two packages of 40 MB in all, or an emulator of 200. */
const prepareSeconds = 600;
const trialSeconds = 60;
const memorySchema = z.strictObject({ machine: z.string(), name: z.string(), title: z.string(), until: z.number() });

/** A kernel that boots here. Throws with the reason of each when there is none. */
export async function chooseKernel(context: {
  readonly progress: Progress;
  readonly signal: AbortSignal;
}): Promise<PreparedKernel> {
  const { signal } = context;
  const forced = process.env['STILLPOINT_LAB_KERNEL'] ?? '';
  const candidates = forced === '' ? guestKernels : [kernelNamed(forced)];
  const memory = join(cacheRoot(), `kernel-${forced === '' ? 'chosen' : forced.replaceAll('/', '_')}.json`);
  const remembered = await recall(memory, candidates, signal);
  if (remembered !== undefined) return remembered;

  await mkdir(cacheRoot(), { recursive: true, mode: 0o700 });
  await using _lock = await lockFile(join(cacheRoot(), 'kernel.lock'), signal);
  const chosenMeanwhile = await recall(memory, candidates, signal);
  if (chosenMeanwhile !== undefined) return chosenMeanwhile;
  const reasons: string[] = [];
  for (const candidate of candidates) {
    try {
      const kernel = await runPhase(
        { name: `kernel ${candidate.name}: fetched`, seconds: prepareSeconds },
        context,
        async (limit) => await candidate.prepare(limit),
      );
      await runPhase(
        { name: `kernel ${candidate.name}: a trial`, seconds: trialSeconds },
        context,
        async (limit) => await tryKernel(kernel, limit),
      );
      await remember(memory, kernel, reasons.length === 0 ? 30 * day : day);
      return kernel;
    } catch (error) {
      signal.throwIfAborted();
      const reason = `${candidate.name}: ${(error as Error).message}`;
      context.progress.note(reason);
      reasons.push(reason);
    }
  }
  throw new Error(`No kernel for guests runs on this machine. ${reasons.join(' ')}`);
}

function kernelNamed(name: string): GuestKernel {
  if (isAbsolute(name)) return userModeLinuxAt(name);
  const found = guestKernels.find((kernel) => kernel.name === name);
  if (found !== undefined) return found;
  const names = guestKernels.map((kernel) => kernel.name).join(', ');
  throw new Error(
    `STILLPOINT_LAB_KERNEL names no kernel that the lab knows, "${name}". ` +
      `It knows ${names}, and the path of a User-Mode Linux program`,
  );
}

/** Boots `kernel` as far as its first program. Throws with one sentence when it does not get there. */
async function tryKernel(kernel: PreparedKernel, signal: AbortSignal): Promise<void> {
  await using folder = await createTemporaryFolder('trial');
  const guest = await startGuestProcess({ kernel, directory: folder.path, disks: [], memoryMiB: 256 }, signal);
  try {
    await guest.waitForEnd(signal);
    if (!(await readFile(guest.consoleLog, 'utf8')).includes(programsRun)) throw guest.endedSignal.reason;
  } finally {
    await guest.kill();
  }
}

async function recall(
  file: string,
  candidates: readonly GuestKernel[],
  signal: AbortSignal,
): Promise<PreparedKernel | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const memory = memorySchema.parse(JSON.parse(text));
    if (memory.machine !== (await describeMachine()) || memory.until < Date.now()) return undefined;
    const kernel = await candidates.find(({ name }) => name === memory.name)?.prepare(signal);
    return kernel?.title === memory.title ? kernel : undefined;
  } catch {
    signal.throwIfAborted();
    return undefined; // what cannot be understood or had any more is chosen anew
  }
}

async function remember(file: string, kernel: PreparedKernel, forMs: number): Promise<void> {
  const { name, title } = kernel;
  const memory = { machine: await describeMachine(), name, title, until: Date.now() + forMs };
  const unfinished = `${file}.${String(process.pid)}`;
  await writeFile(unfinished, `${JSON.stringify(memory)}\n`);
  await rename(unfinished, file);
}

/** What decides whether a kernel runs: the processor's features and this machine's own kernel. */
async function describeMachine(): Promise<string> {
  const processors = await readFile('/proc/cpuinfo', 'utf8');
  const flags = /^flags\s*:.*$/m.exec(processors)?.[0] ?? '';
  return createHash('sha256').update(`${flags}\0${release()}`).digest('hex').slice(0, 20);
}
