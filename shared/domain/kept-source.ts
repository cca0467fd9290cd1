import { StillpointError } from '../base/errors.ts';
import type { HostName } from './names.ts';
import type { Source } from './source.ts';

/** Snapshots of a source are kept on its own host. Errors: `usage.invalid`. */
export function requireOwnHost({ name, host: own }: Pick<Source, 'name' | 'host'>, host: HostName): void {
  if (own === host) return;
  throw new StillpointError('usage.invalid', `The source "${name}" is on "${own}", and not on "${host}".`, {
    advice: `Name "${own}" as the host, or another source.`,
    cause: undefined,
  });
}
