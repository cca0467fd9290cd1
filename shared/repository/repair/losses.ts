/**
 * What is lost in and below a tree, as it is found: the tree's own entries, and the folders in it that lose something.
 * Paths are made at the end, from the top, and only as many as a plan names: one tree may be in a trillion places.
 */
import { below } from '../check/shown-paths.ts';

/** A plan names what it gives up; more of one restore point than these are counted. */
const MAX_NAMED = 10_000;

export interface Losses {
  /** The first entries that are lost themselves, shown with what is lost of them; an empty one is the tree itself. */
  readonly own: readonly string[];
  readonly folders: readonly { readonly name: Buffer; readonly losses: Losses }[];
  /** Of all that is lost in and below it. */
  readonly count: number;
}

export const NOTHING: Losses = { own: [], folders: [], count: 0 };
/** The tree itself cannot be read. */
export const ALL: Losses = { own: [''], folders: [], count: 1 };

export class LossCollector {
  readonly #own: string[] = [];
  readonly #folders: { readonly name: Buffer; readonly losses: Losses }[] = [];
  #count = 0;

  /** @param part of the entry, where it stays as such */
  add(name: Buffer, part = ''): void {
    this.#count += 1;
    if (this.#own.length < MAX_NAMED) this.#own.push(below('', name) + part);
  }

  addFolder(name: Buffer, losses: Losses): void {
    if (losses.count === 0) return;
    this.#count += losses.count;
    if (this.#folders.length < MAX_NAMED) this.#folders.push({ name, losses });
  }

  get losses(): Losses {
    return { own: this.#own, folders: this.#folders, count: this.#count };
  }
}

interface OpenLosses {
  readonly path: string;
  readonly losses: Losses;
  next: number;
}

/** Paths from the tree on, and how many more there are. */
export function namesOf(top: Losses): { readonly lost: readonly string[]; readonly more: number } {
  const lost: string[] = [];
  const open: OpenLosses[] = [];
  const enter = (path: string, losses: Losses): void => {
    for (const name of losses.own) if (lost.length < MAX_NAMED) lost.push(path + name);
    open.push({ path, losses, next: 0 });
  };
  enter('', top);
  for (let here = open.at(-1); here !== undefined; here = open.at(-1)) {
    const folder = lost.length < MAX_NAMED ? here.losses.folders[here.next] : undefined;
    here.next += 1;
    if (folder === undefined) open.pop();
    else enter(below(here.path, folder.name), folder.losses);
  }
  return { lost, more: Math.min(top.count, Number.MAX_SAFE_INTEGER) - lost.length };
}
