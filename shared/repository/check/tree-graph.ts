/**
 * Which trees hold which, by numbers of the index: what is hit in one tree is hit in all that lead to it. Four bytes for
 * each folder of each tree, and as much for each blob of the index.
 */

const ABSENT = 0;

/** An array of numbers that grows. */
class Numbers {
  #values = new Uint32Array(1024);
  length = 0;

  push(value: number): void {
    if (this.length === this.#values.length) {
      const values = new Uint32Array(2 * this.length);
      values.set(this.#values);
      this.#values = values;
    }
    this.#values[this.length] = value;
    this.length += 1;
  }

  at(index: number): number {
    return this.#values[index] as number;
  }
}

/** Trees are numbered by their places here, in the order in which they were begun. */
export class TreeGraph {
  /** Place plus one, by the number in the index. */
  readonly #placeOf: Uint32Array;
  readonly #numbers = new Numbers();
  /** For each place, where its children end; they begin where those of the place before end. */
  readonly #ends = new Numbers();
  /** Numbers in the index. */
  readonly #children = new Numbers();

  constructor(blobCount: number) {
    this.#placeOf = new Uint32Array(blobCount);
  }

  get size(): number {
    return this.#numbers.length;
  }

  /** The place of the tree; undefined where it was begun already. What is added next are its children. */
  begin(number: number): number | undefined {
    if (this.isBegun(number)) return undefined;
    const place = this.#numbers.length;
    this.#numbers.push(number);
    this.#placeOf[number] = place + 1;
    return place;
  }

  isBegun(number: number): boolean {
    return this.#placeOf[number] !== ABSENT;
  }

  addChild(number: number): void {
    this.#children.push(number);
  }

  end(): void {
    this.#ends.push(this.#children.length);
  }

  numberAt(place: number): number {
    return this.#numbers.at(place);
  }

  /** Only for trees that were begun. */
  placeOf(number: number): number {
    return (this.#placeOf[number] as number) - 1;
  }

  /** Places of the children, one for each folder that names one. */
  *childrenOf(place: number): Generator<number> {
    const end = this.#ends.at(place);
    for (let at = place === 0 ? 0 : this.#ends.at(place - 1); at < end; at++) yield this.placeOf(this.#children.at(at));
  }

  /** For each place, the places of those that name it, as often as they do. */
  parents(): Parents {
    const starts = new Uint32Array(this.size + 1);
    for (let place = 0; place < this.size; place++) {
      for (const child of this.childrenOf(place)) starts[child + 1] = (starts[child + 1] as number) + 1;
    }
    for (let place = 0; place < this.size; place++)
      starts[place + 1] = (starts[place + 1] as number) + (starts[place] as number);
    const list = new Uint32Array(this.#children.length);
    const filled = starts.slice();
    for (let place = 0; place < this.size; place++) {
      for (const child of this.childrenOf(place)) {
        list[filled[child] as number] = place;
        filled[child] = (filled[child] as number) + 1;
      }
    }
    return { of: (place) => list.subarray(starts[place], starts[place + 1]) };
  }
}

export interface Parents {
  readonly of: (place: number) => Uint32Array;
}
