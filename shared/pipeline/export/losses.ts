/** What an end cannot keep of entries, counted by kind. */
import { displayName } from '../../base/bytes.ts';
import type { AttributeLoss } from '../../domain/verbs/restore.ts';

const EXAMPLES = 20;

export class Losses {
  readonly #kinds = new Map<string, { entries: number; readonly examples: string[] }>();

  add(what: string, path: Buffer): void {
    const known = this.#kinds.get(what) ?? { entries: 0, examples: [] };
    known.entries += 1;
    if (known.examples.length < EXAMPLES) known.examples.push(displayName(path));
    this.#kinds.set(what, known);
  }

  get all(): readonly AttributeLoss[] {
    return [...this.#kinds].map(([what, { entries, examples }]) => ({ what, entries, examples }));
  }
}
