/** The error of a snapshot that is not what it was. */
import { StillpointError } from '../base/errors.ts';

export function identityChanged(id: string, host: string, details: Readonly<Record<string, unknown>>): StillpointError {
  return new StillpointError(
    'snapshot.identity-changed',
    `What was read on "${host}" is no longer the snapshot "${id}" that was made.`,
    {
      advice: 'Something on the host removed or replaced it; look for other snapshot tools, then run again.',
      details: { host, snapshot: id, ...details },
      cause: undefined,
    },
  );
}
