/** The small files of a repository: restore points, keys, locks, index files, and whatever else lies beside them. */
import { hash } from 'node:crypto';
import { hostname } from 'node:os';
import { formatBytes } from '../../base/bytes.ts';
import { isStillpointError } from '../../base/errors.ts';
import { describeFile, type FileType, type StoredFile } from '../backend/backend.ts';
import { isKeyFault } from '../find-key.ts';
import { decodeKeyFile } from '../format/key-file.ts';
import { isId } from '../ids.ts';
import { listLocks } from '../locks/find-locks.ts';
import { holderName } from '../locks/judge-lock.ts';
import type { OpenedRepository } from '../opened-repository.ts';
import type { RestorePoint } from '../restore-point.ts';
import type { StoredFiles } from '../stored-files.ts';
import { type Timestamp, timestampToDate } from '../timestamp.ts';
import type { Damage } from './damage.ts';

/** Clocks of different machines differ by this much without anything being wrong. */
const CLOCK_SLACK_MS = 10 * 60_000;

const UNLOCK_ALL = 'If nothing works on the repository any more, remove it with "stillpoint unlock --remove-all".';
const UNLOCK = 'If nothing works on the repository any more, remove it with "stillpoint unlock".';

export async function checkPoints(
  repository: OpenedRepository,
  damage: Damage,
  signal: AbortSignal,
): Promise<readonly RestorePoint[]> {
  const { points, findings } = await repository.listRestorePoints(signal);
  for (const { message, affects } of findings) {
    const [name = ''] = affects;
    const advice =
      'Bring the file back from a copy of the files of the repository. If there is none, this restore point is lost: "stillpoint repair points --forget" removes what is left of it.';
    damage.add(`point:${name}`, message, advice);
    damage.hit(`point:${name}`, [`${name.slice(0, 8)}:/`]);
  }
  for (const { id, time } of points) {
    if (!isAhead(repository, time)) continue;
    const message = `Restore point ${id.slice(0, 8)} says that it was made at ${time}, which is in the future.`;
    damage.add(`time:${id}`, message, CLOCK_ADVICE, 'warning');
    damage.hit(`time:${id}`, [`${id.slice(0, 8)}:/`]);
  }
  return points;
}

const CLOCK_ADVICE =
  'The clock of this machine or of the one that wrote it is wrong. Set it right; keep rules go by these times.';

function isAhead({ parts }: OpenedRepository, time: Timestamp): boolean {
  return timestampToDate(time).getTime() > parts.clock.now().getTime() + CLOCK_SLACK_MS;
}

export async function checkKeys({ files }: OpenedRepository, damage: Damage, signal: AbortSignal): Promise<void> {
  for (const name of await files.listNames('keys', signal)) {
    const fault = await keyFault(files, name, signal);
    if (fault === undefined) continue;
    damage.add(
      `key:${name}`,
      `${fault} Its password may not open the repository.`,
      'Other passwords are not affected. Bring the file back from a copy of the files of the repository, or remove it and add the password again.',
    );
  }
}

/** What is wrong with a key file, as a sentence. */
async function keyFault(files: StoredFiles, name: string, signal: AbortSignal): Promise<string | undefined> {
  const file = { type: 'keys', name } as const;
  try {
    const content = await files.backend.load(file, undefined, signal);
    if (content.length === 0) return `The file of ${describeFile(file)} is empty.`;
    if (hash('sha256', content, 'hex') !== name) return `The file of ${describeFile(file)} does not match its name.`;
    decodeKeyFile(content, describeFile(file));
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (isStillpointError(error, 'backend.not-found')) return undefined;
    if (!isKeyFault(error)) throw error;
    // Where the whole place has gone, it is not the key.
    await files.backend.stat({ type: 'config', name: '' }, signal);
    return error.message;
  }
}

/** Whether anybody else works on the repository now; `own` locks of this process do not count. */
export async function checkLocks(
  repository: OpenedRepository,
  damage: Damage,
  signal: AbortSignal,
): Promise<{ readonly othersWork: boolean }> {
  const { clock, logger, notify } = repository.parts;
  const locks = await listLocks({ files: repository.files, clock, logger, notify }, signal, (name, error) =>
    damage.add(`lock:${name}`, `${error.message} Its owner is unknown, and it keeps others out.`, UNLOCK_ALL),
  );
  let othersWork = false;
  for (const { name, lock, state, reason } of locks) {
    const message = `Lock ${name.slice(0, 8)} of ${holderName(lock)}, from ${lock.time},`;
    if (isAhead(repository, lock.time)) {
      damage.add(`lock:${name}`, `${message} has a time in the future.`, `${CLOCK_ADVICE} ${UNLOCK}`, 'warning');
    } else if (state !== 'held') {
      damage.add(`lock:${name}`, `${message} looks abandoned: ${reason}.`, UNLOCK, 'warning');
    } else if (lock.pid !== process.pid || lock.hostname !== hostname()) othersWork = true;
  }
  return { othersWork };
}

/** Reads the index anew; the names of index files that cannot be read. */
export async function readIndexes(
  repository: OpenedRepository,
  signal: AbortSignal,
): Promise<readonly { readonly name: string; readonly message: string }[]> {
  const damaged: { name: string; message: string }[] = [];
  await repository.reloadIndex(signal, (name, error) => damaged.push({ name, message: error.message }));
  return damaged;
}

/** Files that are not part of a repository, and what interrupted writes left. */
export class ForeignFiles {
  readonly #damage: Damage;
  #leftovers = 0;
  #leftoverBytes = 0;

  constructor(damage: Damage) {
    this.#damage = damage;
  }

  /** False for a file that does not belong to the repository. */
  sort(type: FileType, { name, sizeBytes }: StoredFile): boolean {
    if (isId(name)) {
      if (type === 'locks' && sizeBytes === 0) this.#emptyLock(name);
      return true;
    }
    if (name.includes('-tmp-')) {
      this.#leftovers += 1;
      this.#leftoverBytes += sizeBytes;
      return false;
    }
    const message = `The folder "${type}" holds ${JSON.stringify(name)}, which is not a file of a repository. It is not used.`;
    this.#damage.add(`foreign:${type}/${name}`, message, 'If it is not needed there, move it away.', 'warning');
    return false;
  }

  #emptyLock(name: string): void {
    const message = `The file of lock ${name.slice(0, 8)} is empty. It keeps no one out.`;
    this.#damage.add(`lock:${name}`, message, 'An interrupted write left it. It may be removed.', 'warning');
  }

  async look({ files }: OpenedRepository, types: readonly FileType[], signal: AbortSignal): Promise<void> {
    for (const type of types) {
      for await (const file of files.backend.list(type, signal)) this.sort(type, file);
    }
  }

  /** While another process writes, a temporary file may be its own. */
  tellLeftovers(othersWork: boolean): void {
    if (this.#leftovers === 0 || othersWork) return;
    const what = `Temporary files of interrupted writes: ${this.#leftovers} (${formatBytes(this.#leftoverBytes)}).`;
    this.#damage.add(
      'leftovers',
      what,
      'They are never read. Remove the files with "-tmp-" in their names when no job runs.',
      'warning',
    );
  }
}
