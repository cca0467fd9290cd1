/** What a run changes in its repositories, as events: restore points one by one, packs and index files as counts. */
import type { EmitEvent } from '../domain/events.ts';
import type { StoreCounts } from '../domain/run-facts.ts';
import { describeFile, type FileRef } from '../repository/backend/backend.ts';
import type { StoreChange } from '../repository/backend/changes.ts';

/** One for a job: a repository may be opened several times in it. */
export class StoreEvents {
  readonly #emit: EmitEvent;
  readonly #changing = new Set<string>();
  readonly #counts = new Map<string, StoreCounts>();

  constructor(emit: EmitEvent) {
    this.#emit = emit;
  }

  of(repository: string): (change: StoreChange) => void {
    return (change) => this.#tell(repository, change);
  }

  #tell(repository: string, change: StoreChange): void {
    const { kind, file } = change;
    if (kind === 'begun') this.#begin(repository, change.file, change.wanted);
    else if (kind === 'unsure') {
      if (file.type === 'data' || file.type === 'index') this.#count(repository, 'filesUnsure');
      else if (file.type !== 'locks')
        this.#emit({ type: 'store-unsure', repository, what: `${describeFile(file)} was ${change.wanted}` });
    } else if (file.type === 'snapshots') {
      this.#emit({ type: `restore-point-${kind}`, repository, restorePoint: file.name });
    } else if (file.type === 'data') this.#count(repository, kind === 'saved' ? 'packsSaved' : 'packsRemoved');
    else if (file.type === 'index') this.#count(repository, kind === 'saved' ? 'indexesSaved' : 'indexesRemoved');
  }

  /** Of packs and index files once is enough: what they are is counted as it is done. */
  #begin(repository: string, file: FileRef, wanted: 'saved' | 'removed'): void {
    if (file.type === 'snapshots')
      this.#emit({ type: 'restore-point-changing', repository, restorePoint: file.name, wanted });
    else if ((file.type === 'data' || file.type === 'index') && !this.#changing.has(repository)) {
      this.#changing.add(repository);
      this.#emit({ type: 'store-changing', repository });
    }
  }

  #count(repository: string, key: keyof StoreCounts): void {
    const none = { packsSaved: 0, packsRemoved: 0, indexesSaved: 0, indexesRemoved: 0, filesUnsure: 0 };
    const before = this.#counts.get(repository) ?? none;
    const counts = { ...before, [key]: before[key] + 1 };
    this.#counts.set(repository, counts);
    this.#emit({ type: 'store-changed', repository, ...counts });
  }
}
