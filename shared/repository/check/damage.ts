/**
 * What was found wrong, and whom it hits. Causes are gathered first (a missing pack, a broken blob); then one walk over
 * all trees (`survey.ts`) tells which restore points and files each cause costs.
 */
import type { Finding } from '../../domain/report.ts';

/** More is no help to a reader; the count stays true. */
export const MAX_AFFECTED = 100;

interface Cause {
  readonly message: string;
  readonly severity: Finding['severity'];
  readonly advice: string;
  readonly affects: string[];
  more: number;
}

export class Damage {
  readonly #causes = new Map<string, Cause>();

  /**
   * @param key the same for the same cause, so that it is told once
   * @param advice what to do next
   */
  add(key: string, message: string, advice: string, severity: Finding['severity'] = 'damage'): void {
    if (this.#causes.has(key)) return;
    this.#causes.set(key, { message, severity, advice, affects: [], more: 0 });
  }

  /** @param count how many it hits, of which `objects` are the first */
  hit(key: string, objects: readonly string[], count = objects.length): void {
    const cause = this.#causes.get(key);
    if (cause === undefined) return;
    const named = objects.slice(0, MAX_AFFECTED - cause.affects.length);
    cause.affects.push(...named);
    cause.more += count - named.length;
  }

  has(key: string): boolean {
    return this.#causes.has(key);
  }

  /** Damage first, then warnings, then what is only good to know. */
  get findings(): readonly Finding[] {
    const all = [...this.#causes.values()].map(toFinding);
    return all.toSorted((left, right) => RANK[left.severity] - RANK[right.severity]);
  }

  findingOf(key: string): Finding | undefined {
    const cause = this.#causes.get(key);
    return cause && toFinding(cause);
  }
}

function toFinding({ more, affects, ...cause }: Cause): Finding {
  return { ...cause, affects: more === 0 ? affects : [...affects, `and ${more} more`] };
}

const RANK: Readonly<Record<Finding['severity'], number>> = { damage: 0, warning: 1, information: 2 };
