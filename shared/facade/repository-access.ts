/**
 * Passwords and locks of a repository. Each act opens the repository again, so that "the key in use" is the one whose
 * password the configuration or the person gives now, and not one that was given to a shell long ago.
 */

import { resolveNewPassword } from '../access/repository-secrets.ts';
import { refuseNoId } from '../domain/id-start.ts';
import type {
  JudgedLock,
  KeyListing,
  NewKey,
  NewPassword,
  NewRepository,
  UnlockReport,
} from '../domain/repository-access.ts';
import type { RepositorySpec } from '../domain/source.ts';
import type { StoreChange } from '../repository/backend/changes.ts';
import { addKey, changeKey, listKeys, removeKey } from '../repository/keys.ts';
import type { OpenedRepository } from '../repository/opened-repository.ts';
import { withAccessEnds } from './access-facts.ts';
import type { PeoplePorts } from './people.ts';

type OnChange = (change: StoreChange) => void;

export interface AccessPorts {
  /** `onChange` is called with what is changed in the store. */
  open(spec: RepositorySpec, signal: AbortSignal, onChange?: OnChange): Promise<OpenedRepository>;
  create(spec: RepositorySpec, signal: AbortSignal, onChange: OnChange): Promise<OpenedRepository>;
  readonly people: PeoplePorts;
}

export class RepositoryAccess {
  readonly #ports: AccessPorts;

  constructor(ports: AccessPorts) {
    this.#ports = ports;
  }

  /** @param told of what is changed in the store */
  init(spec: RepositorySpec, signal: AbortSignal, told: OnChange = () => undefined): Promise<NewRepository> {
    return withAccessEnds('init', async (onChange) => {
      await using repository = await this.#ports.create(spec, signal, (change) => {
        onChange(change);
        told(change);
      });
      return { id: repository.id, location: spec.location };
    });
  }

  async keys(spec: RepositorySpec, signal: AbortSignal): Promise<KeyListing> {
    await using repository = await this.#ports.open(spec, signal);
    const { keys, findings } = await listKeys(repository, signal);
    return { keys, unreadable: findings.map(({ message, affects }) => ({ id: affects[0] ?? '', reason: message })) };
  }

  add(spec: RepositorySpec, password: NewPassword, signal: AbortSignal): Promise<NewKey> {
    return withAccessEnds('add-key', async (onChange) => {
      const { repository, value, warning } = await this.#openFor(spec, password, onChange, signal);
      await using opened = repository;
      return { id: await addKey(opened, value, signal), warning };
    });
  }

  change(
    spec: RepositorySpec,
    password: NewPassword,
    signal: AbortSignal,
  ): Promise<NewKey & { readonly removed: string }> {
    return withAccessEnds('change-key', async (onChange) => {
      const { repository, value, warning } = await this.#openFor(spec, password, onChange, signal);
      await using opened = repository;
      const { added, removed } = await changeKey(opened, value, signal);
      this.#ports.people.book.forget(spec.name);
      return { id: added, removed, warning };
    });
  }

  async remove(spec: RepositorySpec, key: string, signal: AbortSignal): Promise<{ readonly removed: string }> {
    refuseNoId('key', key, 'an id or the start of one; "stillpoint key list" shows them');
    return withAccessEnds('remove-key', async (onChange) => {
      await using repository = await this.#ports.open(spec, signal, onChange);
      return { removed: await removeKey(repository, key, signal) };
    });
  }

  unlock(spec: RepositorySpec, which: 'stale' | 'all', signal: AbortSignal): Promise<UnlockReport> {
    return withAccessEnds('unlock', async (onChange) => {
      await using repository = await this.#ports.open(spec, signal, onChange);
      const { removed, kept } = await repository.unlock(which, signal);
      return { removed: removed.toSorted(byTime), kept: kept.toSorted(byTime) };
    });
  }

  /** A file is read before the repository is opened, and a person is asked afterwards: who cannot open it need not think of one. */
  async #openFor(spec: RepositorySpec, password: NewPassword, onChange: OnChange, signal: AbortSignal) {
    const resolve = () => resolveNewPassword(spec, password, this.#ports.people.book.attempt(), signal);
    const written = password.from === 'file' ? await resolve() : undefined;
    const repository = await this.#ports.open(spec, signal, onChange);
    try {
      return { repository, ...(written ?? (await resolve())) };
    } catch (error) {
      await repository.close();
      throw error;
    }
  }
}

function byTime(left: JudgedLock, right: JudgedLock): number {
  return (left.owner?.time ?? '') < (right.owner?.time ?? '') ? -1 : 1;
}
