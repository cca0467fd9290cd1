/** What people type, made into names and numbers; every mistake says what was typed and what would be right. */
import { resolve } from 'node:path';
import { StillpointError } from '../shared/base/errors.ts';
import { type RepositoryName, repositoryName } from '../shared/domain/names.ts';
import type { Stillpoint } from '../shared/stillpoint.ts';

/** The named repository; without a name the only one there is. */
export async function chooseRepository(stillpoint: Stillpoint, given: string | undefined): Promise<RepositoryName> {
  if (given !== undefined) return repositoryName(given);
  const [only, ...others] = await stillpoint.listRepositories();
  if (only !== undefined && others.length === 0) return only.name;
  if (only === undefined) {
    throw new StillpointError('config.unknown-repository', `"${stillpoint.configFile}" names no repository.`, {
      advice: 'Add one under "repositories" with its "location" and "passwordFile".',
      cause: undefined,
    });
  }
  const names = [only, ...others].map((repository) => `"${repository.name}"`).join(', ');
  throw new StillpointError('usage.invalid', `There are several repositories: ${names}.`, {
    advice: 'Say which one you mean.',
    cause: undefined,
  });
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
  const trimmed = text.replace(/\/+$/, '');
  return trimmed.startsWith('/') ? trimmed : `/${trimmed}`;
}

/** A file on this machine, absolute. */
export function localFile(workingFolder: string, text: string): string {
  if (text !== '' && !text.includes('\0')) return resolve(workingFolder, text);
  throw new StillpointError('usage.invalid', 'The name of the file is empty or holds a zero byte.', {
    advice: 'Name a file on this machine.',
    cause: undefined,
  });
}

/** A folder on this machine, absolute, because the job runs in another process and folder. */
export function localFolder(workingFolder: string, text: string): string {
  if (text !== '' && !text.includes('\0')) return resolve(workingFolder, text);
  throw new StillpointError('usage.invalid', 'The name of the folder is empty or holds a zero byte.', {
    advice: 'Name a folder on this machine.',
    cause: undefined,
  });
}
