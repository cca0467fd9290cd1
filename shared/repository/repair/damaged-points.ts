/** Finding the files of restore points that are damaged, by reading each a second time. */
import { hash } from 'node:crypto';
import { isStillpointError } from '../../base/errors.ts';
import { describeFile } from '../backend/backend.ts';
import type { Structure } from '../check/structure.ts';
import type { OpenedRepository } from '../opened-repository.ts';
import { readsDiffer } from './make-plan.ts';

export interface DamagedFile {
  readonly name: string;
  /** SHA-256 of what was read: the same damage reads the same. */
  readonly digest: string;
}

/**
 * @param names of all files of restore points, listed before they were read
 * @throws where one could not be read and now reads otherwise
 */
export async function findDamagedPoints(
  repository: OpenedRepository,
  { points, damage }: Structure,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly DamagedFile[]> {
  const good = new Set<string>(points.map(({ id }) => id));
  const told = new Set(damage.findings.map(({ message }) => message));
  const damaged: DamagedFile[] = [];
  for (const name of names) {
    if (good.has(name)) continue;
    const fault = await faultOf(repository, name, signal);
    if (fault === 'gone') continue;
    const file = { type: 'snapshots', name } as const;
    // Also one that was not there when it was read, although it was listed.
    if (fault === undefined || !told.has(fault)) throw readsDiffer(describeFile(file));
    // What is whole and says nothing that this program understands may say something to another.
    if (!fault.startsWith('The file of')) continue;
    const content = await repository.files.backend.load(file, undefined, signal);
    damaged.push({ name, digest: hash('sha256', content, 'hex') });
  }
  return damaged;
}

async function faultOf(repository: OpenedRepository, name: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    await repository.findRestorePoint(name, signal);
    return undefined;
  } catch (error) {
    if (isStillpointError(error, 'repository.unknown-point')) return 'gone';
    if (isStillpointError(error, 'repository.damaged') || isStillpointError(error, 'backend.not-found'))
      return error.message;
    throw error;
  }
}
