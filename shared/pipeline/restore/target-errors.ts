/** Why a folder cannot be restored into. */
import { StillpointError } from '../../base/errors.ts';
import type { SkippedEntries } from '../../domain/verbs/restore.ts';
import { type TargetFacts, WORK_PREFIX } from './target.ts';

interface LookedAt {
  readonly state: 'missing' | 'ready' | 'not-folder' | 'closed' | 'shared-link' | 'repository';
  readonly reason: string;
  /** Something that is in it. */
  readonly holds: string;
}

/** Of a look that changed nothing. */
export function refusalOfLook(
  target: string,
  { state, reason, holds }: LookedAt,
  mayHoldMore: boolean,
): StillpointError | undefined {
  if (state === 'missing') return undefined;
  const found =
    state !== 'ready' || mayHoldMore || holds === ''
      ? state
      : holds.startsWith(WORK_PREFIX)
        ? 'left-over'
        : 'not-empty';
  if (found === 'ready') return undefined;
  const { what, advice } = REFUSALS[found];
  return targetError(what(target, found === 'left-over' ? holds : reason), advice);
}

export function refusalOf(target: string, facts: TargetFacts): StillpointError | undefined {
  const refusal = refusalFor(target, facts);
  if (refusal !== undefined) return refusal;
  if (!facts.tar.includes('GNU tar')) {
    return new StillpointError('remote.tool-missing', `GNU tar is needed to restore, and it is not here.`, {
      advice: 'Install the package "tar".',
      details: { found: facts.tar },
      cause: undefined,
    });
  }
  return undefined;
}

/** For what is the matter with the folder itself. */
export function refusalFor(
  target: string,
  { state, reason }: Pick<TargetFacts, 'state' | 'reason'>,
): StillpointError | undefined {
  const refusal = { ready: undefined, ...REFUSALS }[state];
  return refusal === undefined ? undefined : targetError(refusal.what(target, reason), refusal.advice);
}

interface Refusal {
  readonly what: (target: string, reason: string) => string;
  readonly advice: string;
}

const because = (reason: string): string => (reason === '' ? '' : ` (${reason})`);

/** The folder was moved, or something else is where it was. */
const EXCHANGED_FOLDER: Refusal = {
  what: (target) => `The folder "${target}" is no longer the one in which the restore began.`,
  advice: 'The restore stopped. See who moves folders there, and restore again.',
};

const REFUSALS: Readonly<Record<Exclude<TargetFacts['state'], 'ready'>, Refusal>> = {
  'not-empty': {
    what: (target) => `The folder "${target}" is not empty.`,
    advice:
      'Restore into a new folder, or say with --overwrite what becomes of what is there; with --dry-run it only says what it would do.',
  },
  'left-over': {
    what: (target, name) => `The folder "${target}" holds what an interrupted restore left: "${name}".`,
    advice: 'Take out what you need of it, remove it, and restore again; or restore into another folder.',
  },
  'not-folder': {
    what: (target) => `"${target}" is not a folder, or something in its path is not.`,
    advice: 'Name a folder that is empty or does not exist.',
  },
  closed: {
    what: (target, reason) => `The folder "${target}" cannot be written to${because(reason)}.`,
    advice: 'Choose another folder, or restore as a user who may write there.',
  },
  'not-made': {
    what: (target, reason) => `The folder "${target}" could not be made${because(reason)}.`,
    advice: 'Choose another place, or make the folder yourself.',
  },
  'shared-link': {
    what: (target) =>
      `The way to "${target}" leads through a symbolic link in a folder that other users can change, so they could redirect the restore.`,
    advice: 'Name the folder by its own path, without that link.',
  },
  exchanged: EXCHANGED_FOLDER,
  repository: {
    what: (target, folder) => `"${target}" lies inside a repository ("${folder}").`,
    advice: 'Files there would disturb the repository. Choose a folder outside of it.',
  },
};

/** What may belong to a restore that runs, or is none of ours. */
export function leftOver(target: string, name: string): StillpointError {
  return targetError(REFUSALS['left-over'].what(target, name), REFUSALS['left-over'].advice);
}

/** Asked twice, it answered in two ways. */
export function targetRestless(target: string): StillpointError {
  return targetError(
    `What is in "${target}" changes while it is looked at.`,
    'Restore when nobody works there, or into another folder.',
  );
}

export function withoutProc(): StillpointError {
  return new StillpointError(
    'remote.tool-missing',
    'Files are put into a folder with other things through /proc, and it is not here.',
    {
      advice: 'Restore into a new folder, and move from there what you want to have back.',
      cause: undefined,
    },
  );
}

/** Why an entry is in the way that nobody wants to move away: what is mounted is restored into by itself. */
export const MOUNTED_THERE = 'another file system is mounted there';

/** Nothing was put in place yet. */
export function notOnTheDisk(target: string, reason: string): StillpointError {
  return targetError(
    `What was restored for "${target}" did not get to its disk: ${reason || 'the system gave no reason'}.`,
    'Look at the kernel\'s log ("dmesg") and at the health of the disk, and restore to another one.',
  );
}

export function inTheWay(target: string, { count, named }: SkippedEntries): StillpointError {
  const shown = named.slice(0, 10).map(({ path, reason }) => `"${path}" (${reason})`);
  const more = count > shown.length ? ` and ${count - shown.length} more` : '';
  return targetError(
    `In "${target}" something is in the way of ${count === 1 ? 'an entry' : `${count} entries`}: ${shown.join(', ')}${more}.`,
    named.some(({ reason }) => reason === MOUNTED_THERE)
      ? 'No other file system is entered. Leave those paths out with --exclude, and restore each of them by itself: what is mounted as the target, with --strip for the folders above it.'
      : 'A folder never goes for something else, nor anything for a folder. Move it away, or leave those paths out.',
    { count, named: named.slice(0, 200) },
  );
}

export function notAbsolute(target: string): StillpointError {
  return targetError(`"${target}" is not an absolute path.`, 'Begin the path with "/".');
}

export function targetFull(target: string, path: string, reason: string): StillpointError {
  return targetError(
    `The file system of "${target}" is full: "${path}" could not be written (${reason}).`,
    'The restore stopped. Make room or choose another place, and restore again.',
  );
}

export function tooLittleRoom(target: string, what: string): StillpointError {
  return targetError(
    `The file system of "${target}" has too little room: ${what}.`,
    'Make room, choose another place, or restore some of the paths only.',
  );
}

/** @param names of entries, each with what is wrong with it */
export function namesDoNotFit(target: string, count: number, names: readonly string[]): StillpointError {
  const shown = names.slice(0, 10).join(', ');
  const more = count > 10 ? ` and ${count - 10} more` : '';
  return targetError(
    `The file system of "${target}" cannot hold ${count === 1 ? 'one of the names' : `${count} of the names`} as ${count === 1 ? 'it is' : 'they are'}: ${shown}${more}.`,
    'Choose a file system that takes names as Linux does, restore other paths, or let the restore give them other names (on the command line: --rename).',
    { count, names },
  );
}

/** Other users could exchange a folder for a link, since this one cannot be closed to them. */
export function targetOpen(target: string): StillpointError {
  return targetError(
    `The file system of "${target}" keeps neither owners nor permissions, but can hold symbolic links: anyone who may write there could redirect what root restores.`,
    'Restore as the user who owns the files there, or mount it so that it keeps permissions.',
  );
}

export function targetExchanged(target: string): StillpointError {
  return targetError(EXCHANGED_FOLDER.what(target, ''), EXCHANGED_FOLDER.advice);
}

export function notAllMoved(target: string, work: string, left: readonly string[]): StillpointError {
  const named = left
    .slice(0, 3)
    .map((name) => `"${name}"`)
    .join(', ');
  return targetError(
    `Everything was restored, but ${named} could not be moved to its place in "${target}", where something of that name appeared meanwhile.`,
    `What was not moved lies in "${work}". Move it yourself, and remove that folder.`,
  );
}

function targetError(message: string, advice: string, details?: Readonly<Record<string, unknown>>): StillpointError {
  return new StillpointError('restore.target', message, { advice, ...(details && { details }), cause: undefined });
}
