/**
 * The one place where a backend is made for a location, with what belongs round it. The innermost is the backend itself;
 * then the limits of speed, so that a repeated call is limited too; then the retries.
 */
import type { Clock } from '../../base/clock.ts';
import { StillpointError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { formatLocation, type Location } from '../../domain/location.ts';
import type { StoreOptions } from '../../domain/source.ts';
import type { Backend } from './backend.ts';
import { createLocalBackend } from './local.ts';

export interface BackendOptions extends StoreOptions {
  /** What the store asks for: the secret key of an S3 store, the password of a user at a REST server. */
  readonly secret: string | undefined;
}

export interface BackendPorts {
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Connects to nothing yet, except where a connection has to be made first. Errors: `backend.…`. */
export async function openBackend(
  location: Location,
  _options: BackendOptions,
  _ports: BackendPorts,
  _signal: AbortSignal,
): Promise<Backend> {
  switch (location.kind) {
    case 'local':
      return createLocalBackend(location.path);
    case 'sftp':
    case 's3':
    case 'rest':
      throw new StillpointError('repository.unsupported', `This version cannot open ${formatLocation(location)}.`, {
        advice: 'Use a folder of this machine.',
        cause: undefined,
      });
  }
}
