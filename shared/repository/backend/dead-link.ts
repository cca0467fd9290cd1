/**
 * Folders of a repository may be links to another disk. One that leads nowhere hides what is stored: a listing that left
 * it out would look complete, and everything behind it lost.
 */
import { StillpointError } from '../../base/errors.ts';

/** @param name below the folder of the repository, as "data/1a" */
export function deadLink(name: string, location: string, target: string | undefined, cause: unknown): StillpointError {
  const where = target === undefined ? 'it is a link' : `it is a link to ${JSON.stringify(target)}`;
  return new StillpointError(
    'backend.failed',
    `"${name}" in ${location} leads nowhere: ${where}, and nothing is there.`,
    {
      advice:
        'What lies behind it is out of sight, which does not mean lost. Mount the disk to which it leads, or correct the link, and start again.',
      details: { link: name, target },
      cause,
    },
  );
}

/** The names of folders of packs: the first two digits of the packs in them. */
export const isPackFolder = (name: string): boolean => /^[0-9a-f]{2}$/.test(name);

/** Whether a name may be that of a stored file: only what is stored is missed when a link to it is dead. */
export const mayBeStored = (name: string): boolean => /^[0-9a-f]{64}$/.test(name);

/** A pack in the folder of other packs is never found, whatever a listing says. */
export const isMisplaced = (name: string, folder: string): boolean => mayBeStored(name) && !name.startsWith(folder);
