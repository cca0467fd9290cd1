/**
 * Passwords and locks of a repository. Each act opens the repository anew, so that "the key in use" is the one whose
 * password the configuration or the person gives now, and not one that was given to a shell long ago.
 */
import type { JudgedLock, NewPassword, RepositoryKey, UnlockReport } from '../domain/repository-access.ts';
import type { RepositorySpec } from '../domain/source.ts';
import { resolveNewPassword } from '../jobs/repository-secrets.ts';
import { addKey, changeKey, listKeys, removeKey } from '../repository/keys.ts';
import type { OpenedRepository } from '../repository/opened-repository.ts';
import type { PeoplePorts } from './people.ts';

export interface AccessPorts {
  open(spec: RepositorySpec, signal: AbortSignal): Promise<OpenedRepository>;
  readonly people: PeoplePorts;
}

export class RepositoryAccess {
  readonly #ports: AccessPorts;

  constructor(ports: AccessPorts) {
    this.#ports = ports;
  }

  async keys(spec: RepositorySpec, signal: AbortSignal): Promise<readonly RepositoryKey[]> {
    await using repository = await this.#ports.open(spec, signal);
    const { keys, findings } = await listKeys(repository, signal);
    for (const { message, affects } of findings) {
      this.#ports.people.logger.log('warn', 'a key cannot be read', { repository: spec.name, message, affects });
    }
    return keys;
  }

  /** The repository is opened first: who cannot open it is not asked for a new password. */
  async add(spec: RepositorySpec, password: NewPassword, signal: AbortSignal): Promise<{ readonly id: string }> {
    await using repository = await this.#ports.open(spec, signal);
    return { id: await addKey(repository, await this.#newPassword(spec, password, signal), signal) };
  }

  async change(
    spec: RepositorySpec,
    password: NewPassword,
    signal: AbortSignal,
  ): Promise<{ readonly id: string; readonly removed: string }> {
    await using repository = await this.#ports.open(spec, signal);
    const { added, removed } = await changeKey(repository, await this.#newPassword(spec, password, signal), signal);
    this.#ports.people.book.forget(spec.name);
    return { id: added, removed };
  }

  async remove(spec: RepositorySpec, key: string, signal: AbortSignal): Promise<{ readonly removed: string }> {
    await using repository = await this.#ports.open(spec, signal);
    return { removed: await removeKey(repository, key, signal) };
  }

  async unlock(spec: RepositorySpec, which: 'stale' | 'all', signal: AbortSignal): Promise<UnlockReport> {
    await using repository = await this.#ports.open(spec, signal);
    const { removed, kept } = await repository.unlock(which, signal);
    return { removed: removed.toSorted(byTime), kept: kept.toSorted(byTime) };
  }

  #newPassword(spec: RepositorySpec, password: NewPassword, signal: AbortSignal): Promise<string> {
    return resolveNewPassword(spec, password, this.#ports.people.book.attempt(), signal);
  }
}

function byTime(left: JudgedLock, right: JudgedLock): number {
  return (left.owner?.time ?? '') < (right.owner?.time ?? '') ? -1 : 1;
}
