/** Why a folder cannot be restored into. */
import { StillpointError } from '../../base/errors.ts';
import type { TargetFacts } from './target.ts';

export function refuseTarget(target: string, facts: TargetFacts): void {
  const refusal = { ready: undefined, ...REFUSALS }[facts.state];
  if (refusal !== undefined) {
    throw targetError(
      `${refusal.what(target)}${facts.reason === '' ? '' : ` (${facts.reason.trim()})`}.`,
      refusal.advice,
    );
  }
  if (!facts.tar.includes('GNU tar')) {
    throw new StillpointError('remote.tool-missing', `GNU tar is needed to restore, and it is not here.`, {
      advice: 'Nothing was written. Install the package "tar".',
      details: { found: facts.tar },
      cause: undefined,
    });
  }
}

const REFUSALS = {
  'not-empty': {
    what: (target: string) => `The folder "${target}" is not empty`,
    advice: 'Nothing was written. Restore into a new folder, and move from there what you want to have back.',
  },
  'not-folder': {
    what: (target: string) => `"${target}" is there, and it is not a folder`,
    advice: 'Nothing was written. Name a folder that is empty or does not exist.',
  },
  closed: {
    what: (target: string) => `The folder "${target}" cannot be written to`,
    advice: 'Nothing was written. Choose another folder, or restore as a user who may write there.',
  },
  'not-made': {
    what: (target: string) => `The folder "${target}" could not be made`,
    advice: 'Nothing was written. Choose another place, or make the folder yourself.',
  },
} as const;

export function notAbsolute(target: string): StillpointError {
  return targetError(`"${target}" is not an absolute path.`, 'Nothing was written. Begin the path with "/".');
}

export function targetFull(target: string, path: string, reason: string): StillpointError {
  return targetError(
    `The file system of "${target}" is full: "${path}" could not be written (${reason}).`,
    'The restore stopped, and what is in the folder is not complete. Empty the folder, make room or choose another place, and restore again.',
  );
}

function targetError(message: string, advice: string): StillpointError {
  return new StillpointError('restore.target', message, { advice, cause: undefined });
}
