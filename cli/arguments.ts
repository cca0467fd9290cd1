/** What people type, made into names and numbers; every mistake says what was typed and what would be right. */
import { isAbsolute, join, resolve } from 'node:path';
import { StillpointError } from '../shared/base/errors.ts';
import { hasLostBytes, lostBytesError } from '../shared/base/lost-bytes.ts';
import { type RepositoryName, repositoryName } from '../shared/domain/names.ts';
import { wordOfShell } from '../shared/domain/shell-words.ts';
import type { Stillpoint } from '../shared/stillpoint.ts';
import type { Surroundings } from './surroundings.ts';

/** What a command says of its argument HOST. */
export const HOST = 'a host of the configuration, or a name that ssh finds';

/** How a command takes its repository, for what is said when another thing was given. */
export interface RepositoryPlace {
  /** Named by an option and not by an argument. */
  readonly isOption?: boolean;
  /** What the command takes ids of; default: restore points. */
  readonly ids?: string;
  /** How an id is given to the command beside a repository; default: it takes none. */
  readonly withId?: (repository: string, id: string) => string;
}

/** The named repository; without a name the only one there is. */
export async function chooseRepository(
  stillpoint: Stillpoint,
  given: string | undefined,
  place: RepositoryPlace = {},
): Promise<RepositoryName> {
  if (given !== undefined) {
    if (looksLikeId(given)) refuseId(given, await stillpoint.listRepositories(), place);
    return repositoryName(given);
  }
  const repositories = await stillpoint.listRepositories();
  const [only, ...others] = repositories;
  if (only !== undefined && others.length === 0) return only.name;
  if (only === undefined) {
    throw new StillpointError('config.unknown-repository', `"${stillpoint.configFile}" names no repository.`, {
      advice:
        'Add one under "repositories" with its "location" and "passwordFile"; or "stillpoint setup HOST" makes one for a host.',
      cause: undefined,
    });
  }
  throw new StillpointError('usage.invalid', `There are several repositories: ${namesOf(repositories)}.`, {
    advice: place.isOption === true ? 'Name one with --repository.' : 'Say which one you mean.',
    cause: undefined,
  });
}

function looksLikeId(text: string): boolean {
  return text === 'latest' || /^[0-9a-f]{4,64}$/i.test(text);
}

/** Someone who types an id does not want to hear that the configuration has no repository of that name. */
function refuseId(given: string, repositories: readonly Named[], { ids, withId }: RepositoryPlace): void {
  const [first] = repositories;
  if (first === undefined || repositories.some(({ name }) => name === given)) return;
  const what =
    given === 'latest' ? 'it stands for a restore point' : `it looks like the id of a ${ids ?? 'restore point'}`;
  const right =
    withId === undefined
      ? 'The command works on a whole repository.'
      : `With an id the command is written: ${withId(first.name, given)}`;
  throw new StillpointError('config.unknown-repository', `There is no repository "${given}"; ${what}.`, {
    advice: `The name of a repository is wanted here: ${namesOf(repositories)}. ${right}`,
    details: { name: given, known: repositories.map(({ name }) => name).slice(0, 100) },
    cause: undefined,
  });
}

interface Named {
  readonly name: RepositoryName;
}

function namesOf(repositories: readonly Named[]): string {
  return repositories.map(({ name }) => `"${name}"`).join(', ');
}

export function optionalRepository(given: string | undefined): RepositoryName | undefined {
  return given === undefined ? undefined : repositoryName(given);
}

export function wholeNumber(option: string, text: string, least: number, most: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new StillpointError('usage.invalid', `${option} is "${text}".`, {
    advice: `Give a whole number from ${least} to ${most}.`,
    cause: undefined,
  });
}

/**
 * A path inside a restore point, typed as `ls` shows it: bytes that are not text and control characters as `\xNN`,
 * `\n` or `\t`. It always begins at the root of the restore point.
 */
export function pathInPoint(text: string): string {
  // A variable of a shell script that is empty by mistake must not stand for everything.
  if (text === '') {
    throw new StillpointError('usage.invalid', 'A path is empty.', {
      advice: 'Write "/" for everything that the restore point holds.',
      cause: undefined,
    });
  }
  const step = text.split('/').find((part) => part === '.' || part === '..');
  if (step !== undefined) {
    throw new StillpointError(
      'usage.invalid',
      `"${text}" has a "${step}", and nothing in a restore point is called so.`,
      {
        advice: 'Write the path as it is from the top of the restore point, beginning with "/".',
        cause: undefined,
      },
    );
  }
  const trimmed = text.replace(/\/+$/, '');
  return trimmed.startsWith('/') ? trimmed : `/${trimmed}`;
}

export type Here = Pick<Surroundings, 'workingFolder' | 'homeFolder'>;

/** An absolute path, of one that may be meant from the folder that the person stands in. */
export function fromHere({ workingFolder, homeFolder }: Here, text: string): string {
  if (text === '~' || text.startsWith('~/')) return join(homeFolder, text.slice(1));
  const word = wordOfShell(text);
  if (word !== undefined) throw shellWord(text, word);
  if (isAbsolute(text) || !hasLostBytes(workingFolder)) return resolve(workingFolder, text);
  throw lostBytesError(
    `The working folder, "${workingFolder}",`,
    'Give the whole path, or work in a folder with another name.',
  );
}

function shellWord(text: string, word: string): StillpointError {
  return new StillpointError('usage.invalid', `"${text}" begins with "${word}", which the shell has not replaced.`, {
    advice: `Leave the quotes out so that it does, or write the whole path; for a name that begins so, "./${word}".`,
    cause: undefined,
  });
}

/** A file on this machine, absolute. */
export function localFile(here: Here, text: string): string {
  if (text !== '' && !text.includes('\0')) return fromHere(here, text);
  throw new StillpointError('usage.invalid', 'The name of the file is empty or holds a zero byte.', {
    advice: 'Name a file on this machine.',
    cause: undefined,
  });
}

/** A folder on this machine, absolute, because the job runs in another process and folder. */
export function localFolder(here: Here, text: string): string {
  if (text !== '' && !text.includes('\0')) return fromHere(here, text);
  throw new StillpointError('usage.invalid', 'The name of the folder is empty or holds a zero byte.', {
    advice: 'Name a folder on this machine.',
    cause: undefined,
  });
}
