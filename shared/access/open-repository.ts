/** Opens and makes repositories of the configuration at their locations. */
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import type { Environment } from '../base/environment.ts';
import { isStillpointError, StillpointError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Location } from '../domain/location.ts';
import type { Prompter } from '../domain/prompter.ts';
import type { RepositorySpec, StoreOptions } from '../domain/source.ts';
import type { Trouble } from '../repository/backend/attempts.ts';
import type { Backend } from '../repository/backend/backend.ts';
import type { CacheOptions } from '../repository/backend/cache.ts';
import { type StoreChange, withChanges } from '../repository/backend/changes.ts';
import { openBackend } from '../repository/backend/open-backend.ts';
import { PATIENCE } from '../repository/backend/patience.ts';
import { createRepository, openRepository } from '../repository/open-repository.ts';
import type { OpenedRepository } from '../repository/opened-repository.ts';
import type { RepositoryNotice } from '../repository/repository.ts';
import { sshWay } from './open-host.ts';
import type { RepositorySecrets } from './repository-secrets.ts';

export interface OpenRepositoryPorts {
  /** For each login to the host of a repository. */
  readonly login: () => Prompter;
  readonly environment: Environment;
  readonly logger: Logger;
  readonly clock: Clock;
  /** With a store that fails: a person waits for the answer, or a job runs by itself. */
  readonly patience: keyof typeof PATIENCE;
  /** Called when the store of the repository failed and is tried again. */
  readonly onTrouble?: ((trouble: Trouble) => void) | undefined;
  /** Given what an observer should know of the repository; default: the log. */
  readonly onNotice?: ((notice: RepositoryNotice) => void) | undefined;
  /** Called for every file that is saved or removed, and for those of which that is not known. */
  readonly onChange?: ((change: StoreChange) => void) | undefined;
  /** For work that has to see the store itself: nothing is taken from the copies on this machine. */
  readonly isFresh?: boolean;
}

/** Of indexes, restore points and trees, for each repository elsewhere. */
const CACHE_MIB = 1024;

/** Errors: `repository.not-found`, `repository.wrong-password`, `repository.unsupported`, `backend.…`, `ssh.…`. */
export function openAt(
  spec: RepositorySpec,
  secrets: RepositorySecrets,
  ports: OpenRepositoryPorts,
  signal: AbortSignal,
): Promise<OpenedRepository> {
  return withBackend(openRepository, spec, secrets, ports, signal);
}

/** Errors: `repository.exists`, `backend.…`, `ssh.…`. */
export function createAt(
  spec: RepositorySpec,
  secrets: RepositorySecrets,
  ports: OpenRepositoryPorts,
  signal: AbortSignal,
): Promise<OpenedRepository> {
  return withBackend(createRepository, spec, secrets, ports, signal);
}

/** The repository closes its backend; one that did not open leaves that to us. */
async function withBackend(
  open: typeof openRepository,
  spec: RepositorySpec,
  secrets: RepositorySecrets,
  ports: OpenRepositoryPorts,
  signal: AbortSignal,
): Promise<OpenedRepository> {
  const { name, place, sshHost, store } = spec;
  const logger = ports.logger.child({ repository: name });
  const { clock, onTrouble, onNotice, onChange } = ports;
  const ssh = sshHost && sshWay(sshHost, ports.login, { ...ports, logger });
  const backendPorts = { logger, clock, patience: PATIENCE[ports.patience], onTrouble, ssh };
  const opened: Backend = await openBackend(place, { ...store, secret: secrets.store }, backendPorts, signal);
  const backend = onChange === undefined ? opened : withChanges(opened, onChange);
  try {
    const options = { name, logger, clock, onNotice, cache: cacheFor(place, store, ports) };
    return await open(backend, secrets.password, signal, options);
  } catch (error) {
    await backend.close().catch((cause: unknown) => logger.log('debug', 'a backend did not close', { cause }));
    throw isStillpointError(error, 'repository.wrong-password') ? wrongPassword(spec, error) : error;
  }
}

/** Two names may lead to one place, each with its own password: which of them it was, and where that came from. */
function wrongPassword(
  { name, location, passwordFile, passwordCommand }: RepositorySpec,
  error: StillpointError,
): StillpointError {
  const source =
    passwordFile !== undefined
      ? `It came from "${passwordFile}": look whether that is the right file, with the password and nothing else in it.`
      : passwordCommand !== undefined
        ? `It came from the command "${passwordCommand[0]}": run the "passwordCommand" of the configuration by hand and see what it prints.`
        : 'It was typed: type it again, or look up which one belongs to this repository.';
  return new StillpointError(error.code, `The password does not open the repository "${name}" at ${location}.`, {
    // Of keys that were left out, the first error knows more
    advice: error.details['untried'] === 0 ? source : error.advice,
    details: { ...error.details, repository: name },
    cause: error,
  });
}

/** A folder of this machine is as near as a copy would be. */
function cacheFor(
  place: Location,
  { cacheMiB = CACHE_MIB }: StoreOptions,
  { environment, isFresh = false }: OpenRepositoryPorts,
): CacheOptions | undefined {
  if (place.kind === 'local' || isFresh || cacheMiB === 0) return undefined;
  return { folder: join(environment.cacheHome, 'stillpoint'), maxBytes: cacheMiB * 1024 ** 2 };
}
