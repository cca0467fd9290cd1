/**
 * What was found wrong, and which restore points and files it hits. Causes are gathered first (a missing pack, a broken
 * blob); then one walk over all trees (`survey.ts`) tells which restore points and files each cause costs.
 */
import type { Finding } from '../../domain/finding.ts';

/** More names of one cause do not help a reader; the count stays true. */
const MOST_NAMES = 100;
/** Names of all causes together. Beyond it a cause is hit by one name, so that memory stays bounded. */
const MOST_NAMES_TOGETHER = 10_000;
/** A repository may be wrong in a million ways. */
const MOST_CAUSES = 10_000;
const MOST_DROPPED = 100_000;

interface Cause {
  readonly message: string;
  readonly severity: Finding['severity'];
  readonly advice: string;
  readonly affects: string[];
  count: number;
}

export class Damage {
  readonly #causes = new Map<string, Cause>();
  #names = 0;
  /** Causes that may get another name: those that are hit. */
  readonly #hungry = new Set<string>();
  /** Keys of causes for which there was no place. */
  readonly #dropped = new Set<string>();

  /**
   * @param key the same for the same cause, so that it is reported once
   * @param advice what to do next
   */
  add(key: string, message: string, advice: string, severity: Finding['severity'] = 'damage'): void {
    if (this.#causes.has(key)) return;
    if (this.#causes.size < MOST_CAUSES) this.#causes.set(key, { message, severity, advice, affects: [], count: 0 });
    else if (this.#dropped.size < MOST_DROPPED) this.#dropped.add(key);
  }

  /** Objects that it hits. */
  hit(key: string, objects: readonly string[]): void {
    this.count(key, objects.length);
    for (const object of objects) this.name(key, object);
  }

  /** How many it hits; infinite where there are more than anybody counts. */
  count(key: string, count: number): void {
    const cause = this.#causes.get(key);
    if (cause === undefined || count === 0) return;
    cause.count += count;
    if (this.#hasRoom(cause)) this.#hungry.add(key);
  }

  /** One of those that were counted. */
  name(key: string, object: string): void {
    const cause = this.#causes.get(key);
    if (cause === undefined || !this.#hasRoom(cause)) return;
    cause.affects.push(object);
    this.#names += 1;
    if (!this.#hasRoom(cause)) this.#hungry.delete(key);
    if (this.#names !== MOST_NAMES_TOGETHER) return;
    for (const other of this.#hungry) if (!this.hasRoom(other)) this.#hungry.delete(other);
  }

  hasRoom(key: string): boolean {
    const cause = this.#causes.get(key);
    return cause !== undefined && this.#hasRoom(cause);
  }

  /** Whether no cause that is hit has room for another name. */
  get isFull(): boolean {
    return this.#hungry.size === 0;
  }

  #hasRoom({ affects, count }: Cause): boolean {
    const most = this.#names < MOST_NAMES_TOGETHER ? MOST_NAMES : 1;
    return affects.length < Math.min(most, count);
  }

  has(key: string): boolean {
    return this.#causes.has(key);
  }

  /** Damage first, then warnings, then what is only good to know. */
  get findings(): readonly Finding[] {
    const all = [...this.#causes.values()].map(toFinding);
    if (this.#dropped.size > 0) all.push(furtherFindings(this.#dropped.size));
    return all.toSorted((left, right) => RANK[left.severity] - RANK[right.severity]);
  }

  findingOf(key: string): Finding | undefined {
    const cause = this.#causes.get(key);
    return cause && toFinding(cause);
  }
}

function toFinding({ count, affects, ...cause }: Cause): Finding {
  const more = count - affects.length;
  if (more <= 0) return { ...cause, affects };
  return { ...cause, affects: [...affects, Number.isSafeInteger(more) ? `and ${more} more` : 'and very many more'] };
}

function furtherFindings(count: number): Finding {
  return {
    severity: 'damage',
    message: `Further findings: ${count < MOST_DROPPED ? count : `more than ${count}`}. They are not listed.`,
    advice: 'Do first what the others say, then look again.',
    affects: [],
  };
}

const RANK: Readonly<Record<Finding['severity'], number>> = { damage: 0, warning: 1, information: 2 };
