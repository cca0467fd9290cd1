/**
 * Two listings of a tree compared by stat(2). find gives both in much the same order, so what waits for its counterpart is
 * little beside what differs.
 */
import type { KeptChangeKind } from '../../domain/kept-comparison.ts';
import type { ListedEntry } from '../backup/listing.ts';

export interface EntryChange {
  readonly change: KeptChangeKind;
  readonly entry: ListedEntry;
}

/** What differs, as soon as that is certain; what is on one side only at the end, by path. */
export async function* compareListings(
  before: AsyncIterable<ListedEntry>,
  after: AsyncIterable<ListedEntry>,
): AsyncGenerator<EntryChange> {
  const [was, is] = [new Map<string, ListedEntry>(), new Map<string, ListedEntry>()];
  const looks = [before[Symbol.asyncIterator](), after[Symbol.asyncIterator]()] as const;
  try {
    for (let open = [true, true]; open.includes(true); ) {
      const [left, right] = [
        open[0] === true ? await looks[0].next() : undefined,
        open[1] === true ? await looks[1].next() : undefined,
      ];
      open = [left?.done === false, right?.done === false];
      if (left?.done === false) yield* pairUp(left.value, was, is, (other) => changeOf(left.value, other));
      if (right?.done === false) yield* pairUp(right.value, is, was, (other) => changeOf(other, right.value));
    }
  } finally {
    for (const look of looks) await look.return?.();
  }
  const left = [
    ...[...was.values()].map((entry) => ({ change: 'removed' as const, entry })),
    ...[...is.values()].map((entry) => ({ change: 'added' as const, entry })),
  ];
  yield* left.toSorted((a, b) => Buffer.compare(a.entry.path, b.entry.path));
}

function* pairUp(
  entry: ListedEntry,
  own: Map<string, ListedEntry>,
  others: Map<string, ListedEntry>,
  compare: (other: ListedEntry) => KeptChangeKind | undefined,
): Generator<EntryChange> {
  const path = entry.path.toString('latin1');
  const other = others.get(path);
  if (other === undefined) {
    own.set(path, entry);
    return;
  }
  others.delete(path);
  const change = compare(other);
  if (change !== undefined) yield { change, entry };
}

/** Of a folder, times and sizes say only that something in it came or went, which is told by itself. */
function changeOf(was: ListedEntry, is: ListedEntry): KeptChangeKind | undefined {
  if (was.type !== is.type) return 'type';
  const isFolder = is.type === 'dir';
  if (!isFolder && (was.size !== is.size || was.mtimeNs !== is.mtimeNs || was.inode !== is.inode)) return 'content';
  if (!was.linkTarget.equals(is.linkTarget)) return 'content';
  if (was.mode !== is.mode || was.uid !== is.uid || was.gid !== is.gid) return 'metadata';
  if (isFolder) return undefined;
  if (was.links !== is.links) return 'metadata';
  return was.ctimeNs === is.ctimeNs ? undefined : 'unclear';
}
