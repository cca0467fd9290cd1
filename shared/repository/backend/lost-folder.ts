/** A folder of a repository that is not there as a whole: a check would end with the same words, so none is advised. */
import { isStillpointError, StillpointError } from '../../base/errors.ts';
import type { FileType } from './backend.ts';

/** Any other error as it is. */
export function lostFolder(error: unknown, type: FileType): unknown {
  if (!isStillpointError(error, 'backend.not-found')) return error;
  const { message, details, cause } = error;
  const without =
    type === 'index'
      ? ' Where there is no copy, make an empty folder of that name and run "stillpoint repair index".'
      : '';
  return new StillpointError('backend.not-found', message, {
    advice: `Check that the file system is mounted and the path is right. If the folder is lost, bring it back from a copy of the files of this repository.${without}`,
    details,
    cause,
  });
}
