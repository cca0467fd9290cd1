/** Opens and makes repositories of the configuration at their places. */
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { RepositorySpec } from '../domain/source.ts';
import { createLocalBackend } from '../repository/backend/local.ts';
import { createRepository, openRepository } from '../repository/open-repository.ts';
import type { OpenedRepository } from '../repository/opened-repository.ts';

export interface OpenRepositoryPorts {
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Errors: `repository.not-found`, `repository.wrong-password`, `repository.unsupported`, `backend.…`. */
export function openAt(
  { name, location }: RepositorySpec,
  password: string,
  { logger, clock }: OpenRepositoryPorts,
  signal: AbortSignal,
): Promise<OpenedRepository> {
  const options = { logger: logger.child({ repository: name }), clock };
  return openRepository(createLocalBackend(location), password, signal, options);
}

/** Errors: `repository.exists`, `backend.…`. */
export function createAt(
  { name, location }: RepositorySpec,
  password: string,
  { logger, clock }: OpenRepositoryPorts,
  signal: AbortSignal,
): Promise<OpenedRepository> {
  const options = { logger: logger.child({ repository: name }), clock };
  return createRepository(createLocalBackend(location), password, signal, options);
}
