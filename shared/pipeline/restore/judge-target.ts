/**
 * What can be said of a folder to restore into before a repository is opened, a password asked and a lock taken for it. It only
 * looks: who makes the work folder (`target.ts`) looks again, more closely, and has the last word.
 */
import { constants } from 'node:fs';
import { access, lstat, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path/posix';
import { getSystemErrorMessage } from 'node:util';
import { systemErrorCode } from '../../base/errors.ts';
import { type TargetFacts, WORK_PREFIX } from './target.ts';
import { notAbsolute, refusalFor } from './target-errors.ts';

type Judged = Pick<TargetFacts, 'state' | 'reason'>;

const READY: Judged = { state: 'ready', reason: '' };

/**
 * Errors: `restore.target`.
 *
 * @param mayHoldMore whether it is restored over what is there
 */
export async function judgeTarget(target: string, mayHoldMore: boolean): Promise<void> {
  if (!target.startsWith('/') || target.includes('\0')) throw notAbsolute(target);
  const refusal = refusalFor(target, await judge(target, mayHoldMore));
  if (refusal !== undefined) throw refusal;
}

async function judge(target: string, mayHoldMore: boolean): Promise<Judged> {
  for (let folder = target; ; folder = dirname(folder)) {
    if (await looksLikeRepository(folder)) return { state: 'repository', reason: folder };
    if (folder === '/') break;
  }
  try {
    if (!(await stat(target)).isDirectory()) return { state: 'not-folder', reason: '' };
    const names = mayHoldMore ? [] : (await readdir(target)).filter((name) => name !== 'lost+found');
    const left = names.find((name) => name.startsWith(WORK_PREFIX));
    if (left !== undefined) return { state: 'left-over', reason: left };
    if (names.length > 0) return { state: 'not-empty', reason: '' };
  } catch (error) {
    switch (systemErrorCode(error)) {
      // Whatever else is the matter is found out where the folder is made.
      case 'ENOENT':
        return (await isThere(target)) ? { state: 'not-folder', reason: '' } : READY;
      case 'ENOTDIR':
        return { state: 'not-folder', reason: '' };
      default:
        return { state: 'closed', reason: wordsOf(error) };
    }
  }
  return await access(target, constants.W_OK | constants.X_OK).then(
    () => READY,
    (error: unknown) => ({ state: 'closed', reason: wordsOf(error) }) as const,
  );
}

/** Also a link that leads nowhere. */
const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

async function looksLikeRepository(folder: string): Promise<boolean> {
  const kinds = await Promise.all(
    ['config', 'data', 'index', 'keys', 'snapshots'].map((name) =>
      stat(join(folder, name)).then(
        (found) => (name === 'config' ? found.isFile() : found.isDirectory()),
        () => false,
      ),
    ),
  );
  return !kinds.includes(false);
}

/** As the programs of a host say it. */
function wordsOf(error: unknown): string {
  const { errno } = error as NodeJS.ErrnoException;
  const words = errno === undefined ? '' : getSystemErrorMessage(errno);
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`;
}
