/** The data of all sets, and what each set does with them. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { changeDatabase, makeDatabase, makeLargeFile, makeRandomFile, makeSmallFiles } from './samples.ts';

/** What is measured: a backup into an empty store, one into a store that has the last, and the ways back. */
export type Action = 'first' | 'again' | 'restore' | 'check' | 'verify';

export const SETS: readonly string[] = ['A', 'B', 'C', 'D', 'E', 'F', 'G'];

export interface DataSet {
  readonly what: string;
  /** By the letters of the sets. */
  readonly actions: readonly { readonly set: string; readonly action: Action }[];
  make(dir: string, scale: number): Promise<void>;
  /** Before each further backup. */
  change?(dir: string, round: number): Promise<void>;
}

const GIB = 1024 ** 3;
const WAYS_BACK = [
  { set: 'F', action: 'restore' },
  { set: 'G', action: 'check' },
  { set: 'G', action: 'verify' },
] as const;

export const DATA: readonly DataSet[] = [
  {
    what: '78,000 small files',
    actions: [{ set: 'A', action: 'first' }, ...WAYS_BACK],
    make: (dir, scale) => makeSmallFiles(dir, Math.ceil(78_000 * scale)),
  },
  {
    what: 'a log of 2 GiB',
    actions: [{ set: 'B', action: 'first' }, ...WAYS_BACK],
    make: (dir, scale) => inFolder(dir, 'log', (path) => makeLargeFile(path, Math.ceil(2 * GIB * scale))),
  },
  {
    what: '1 GiB of random bytes',
    actions: [{ set: 'C', action: 'first' }],
    make: (dir, scale) => inFolder(dir, 'random', (path) => makeRandomFile(path, Math.ceil(GIB * scale))),
  },
  {
    what: '500,000 files, none changed',
    actions: [{ set: 'D', action: 'again' }],
    make: (dir, scale) => makeSmallFiles(dir, Math.ceil(500_000 * scale), 200),
  },
  {
    what: 'a database of 2 GiB, 1 % of its pages changed',
    actions: [{ set: 'E', action: 'again' }],
    make: (dir, scale) => inFolder(dir, 'database', (path) => makeDatabase(path, Math.ceil(2 * GIB * scale))),
    change: (dir, round) => changeDatabase(join(dir, 'database'), round),
  },
];

async function inFolder(dir: string, name: string, make: (path: string) => Promise<void>): Promise<void> {
  await mkdir(dir);
  await make(join(dir, name));
}
