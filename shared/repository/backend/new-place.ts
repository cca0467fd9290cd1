/** Where a new repository is to be made: what may be there already, and what is said where none can be made. */
import { displayName } from '../../base/bytes.ts';
import { StillpointError, systemErrorCode } from '../../base/errors.ts';

/** Of a repository that lies in a folder. */
export const FOLDERS = ['keys', 'index', 'snapshots', 'locks', 'data'] as const;

/** What a new repository may find: the remains of an `init` that was cut, and what file systems put there. */
export const OWN_NAMES: ReadonlySet<string> = new Set(['config', ...FOLDERS, 'lost+found']);

/** So many of the names are shown. */
const SHOWN = 3;

/**
 * A repository is not mixed with other files, which a mistyped location may name. Hidden ones are passed over: they are
 * of the file system or the file manager. `place` as "the folder /srv/backup".
 */
export function refuseForeign(names: readonly string[], place: string): void {
  const foreign = names.filter((name) => !OWN_NAMES.has(name) && !name.startsWith('.'));
  if (foreign.length === 0) return;
  throw new StillpointError('usage.invalid', `${capital(place)} is not empty: it holds ${namesOf(foreign)}.`, {
    advice: 'Choose a new or an empty folder for the repository.',
    cause: undefined,
  });
}

/** The first of them, for a sentence. */
export function namesOf(names: readonly string[]): string {
  const shown = names.toSorted().slice(0, SHOWN);
  const more = names.length > SHOWN ? ' and more' : '';
  return `${shown.map((name) => `"${displayName(Buffer.from(name))}"`).join(', ')}${more}`;
}

/** What is wrong with the place itself, whatever else may be right; undefined for every other error of node:fs. */
export function unfitFolder(cause: unknown, doing: string): StillpointError | undefined {
  const code = systemErrorCode(cause);
  const why = WHY[code ?? ''];
  if (why === undefined) return undefined;
  return unfit(doing, why, cause);
}

/** `doing` as "a repository could not be made in /proc/x". */
export function unfit(doing: string, why: string, cause: unknown): StillpointError {
  return new StillpointError('backend.failed', `${capital(doing)}: ${why}.`, {
    advice: 'Choose another location, in a folder in which you can make folders.',
    cause,
    retry: 'never',
  });
}

export const NO_FOLDERS_THERE = 'no folder can be made there';

const WHY: Readonly<Record<string, string>> = {
  // Every folder on the way was asked for, so it is the file system that takes none: /proc, an automount without a mount
  ENOENT: NO_FOLDERS_THERE,
  EOPNOTSUPP: NO_FOLDERS_THERE,
  EINVAL: NO_FOLDERS_THERE,
  ENOTDIR: 'something on the way there is not a folder',
  EEXIST: 'something that is not a folder is in the way',
};

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}
