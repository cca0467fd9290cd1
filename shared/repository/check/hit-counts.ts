/**
 * From what is affected in single trees to the number of paths that it costs. A tree may be in a restore point in more
 * places than anybody could visit (forty folders that hold the next one twice are a trillion paths), so nobody visits
 * them: for each cause, counting goes once up the trees from those that it hits.
 */
import type { TreeGraph } from './tree-graph.ts';

/** What is hit in one tree: how many of its own entries, by cause. */
type OwnHits = ReadonlyMap<string, number>;

/** Steps of counting. Beyond them it is not reported how many there are, only that there are more than those with names. */
const MOST_STEPS = 300_000_000;

export class HitCounts {
  /** For each cause the trees that it hits in themselves, by place, and how often. */
  readonly #own = new Map<string, Map<number, number>>();
  readonly #parents: (place: number) => Uint32Array;
  readonly #sums: Float64Array;
  /** How many children of a tree are still to be added, in the round of this cause. */
  readonly #waiting: Int32Array;
  readonly #isHit: Uint8Array;
  #steps = 0;

  /** @param own for the places of trees that are hit in themselves */
  constructor(graph: TreeGraph, own: ReadonlyMap<number, OwnHits>) {
    for (const [place, hits] of own) {
      for (const [cause, count] of hits) {
        const places = this.#own.get(cause) ?? new Map<number, number>();
        this.#own.set(cause, places.set(place, count));
      }
    }
    this.#parents = graph.parents().of;
    this.#sums = new Float64Array(graph.size);
    this.#waiting = new Int32Array(graph.size);
    this.#isHit = new Uint8Array(graph.size);
    for (const place of this.#above(own.keys())) this.#isHit[place] = 1;
  }

  /** Whether anything in or below the tree is hit. */
  isHit(place: number): boolean {
    return this.#isHit[place] === 1;
  }

  get causes(): Iterable<string> {
    return this.#own.keys();
  }

  /** How many paths below each of the trees a cause hits; infinite where counting would take too long. */
  count(cause: string, trees: readonly number[]): readonly number[] {
    if (this.#steps > MOST_STEPS) return trees.map((place) => (this.isHit(place) ? Number.POSITIVE_INFINITY : 0));
    const own = this.#own.get(cause) ?? new Map<number, number>();
    const above = this.#above(own.keys());
    for (const place of above)
      for (const parent of this.#parents(place)) this.#waiting[parent] = (this.#waiting[parent] as number) + 1;
    for (const [place, hits] of own) this.#sums[place] = hits;
    const ready = [...own.keys()].filter((place) => this.#waiting[place] === 0);
    for (let place = ready.pop(); place !== undefined; place = ready.pop()) {
      for (const parent of this.#parents(place)) {
        this.#steps += 1;
        this.#sums[parent] = (this.#sums[parent] as number) + (this.#sums[place] as number);
        this.#waiting[parent] = (this.#waiting[parent] as number) - 1;
        if (this.#waiting[parent] === 0) ready.push(parent);
      }
    }
    const counts = trees.map((place) => this.#sums[place] as number);
    for (const place of above) this.#sums[place] = 0;
    return counts;
  }

  /** The trees themselves and all that lead to them. */
  #above(places: Iterable<number>): ReadonlySet<number> {
    const found = new Set(places);
    for (const place of found) for (const parent of this.#parents(place)) found.add(parent);
    return found;
  }
}
