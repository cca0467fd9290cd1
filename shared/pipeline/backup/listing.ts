/**
 * The metadata of a tree by one find(1), and its form on the wire:
 * `%y %i %n %m %U %G %s %T@ %C@` NUL, the path below the tree's root (empty for the root itself) NUL, link target NUL.
 * find goes depth first: a folder comes before what is in it, and what is in it comes in one piece. The tree builder
 * depends on that order.
 */
import { StillpointError } from '../../base/errors.ts';
import type { StreamCommand } from '../../remote/command.ts';
import type { NodeType } from '../../repository/node.ts';
import { type ReadingPlace, scriptAt } from './reading-place.ts';

export interface ListedEntry {
  readonly type: NodeType;
  readonly inode: bigint;
  readonly links: number;
  /** The low twelve bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  /** Below the tree's root; empty for the root. */
  readonly path: Buffer;
  readonly linkTarget: Buffer;
}

/** Some two thousand lines. Where more cannot be read, the disk is not one to make a backup of file by file. */
export const MOST_COMPLAINTS_BYTES = 256 * 1024;

/** find's action that prints an entry. */
export const PRINT: readonly string[] = ['-printf', '%y %i %n %m %U %G %s %T@ %C@\\0%P\\0%l\\0'];

/**
 * Lists a tree. Between looking at the path and freezing it, or reading it live, a folder on the way may have become a
 * symbolic link that leads elsewhere: exit 78.
 * @param expression as of `findExpression`, with {@link PRINT} where find is to print
 */
export function listTree(
  place: ReadingPlace,
  root: Buffer,
  expression: readonly (string | Buffer)[] = PRINT,
): StreamCommand {
  return {
    ...scriptAt(place, {
      name: 'list-tree',
      script: `
if [ "$(readlink -fn -- "$2"; echo x)" != "$(readlink -fn -- "$1")\${2#"$1"}x" ]; then
  echo "a folder on the way has become a symbolic link" >&2
  exit 78
fi
top=$2
shift 2
exec find "$top" -xdev "$@"`,
      args: [place.top, root, ...expression],
    }),
    // 1: find named what it could not list.
    accepts: [0, 1],
    stderrBytes: MOST_COMPLAINTS_BYTES,
  };
}

/** The folders on the way from "/" to the trees, as they are on the live host: metadata only. */
export function listAncestors(paths: readonly Buffer[]): StreamCommand {
  return {
    name: 'list-ancestors',
    script: `find "$@" -maxdepth 0 -printf '%y %i %n %m %U %G %s %T@ %C@\\0%p\\0%l\\0'`,
    args: paths,
    needs: 'either',
  };
}

const TYPES: Readonly<Record<string, NodeType>> = {
  f: 'file',
  d: 'dir',
  l: 'symlink',
  b: 'dev',
  c: 'chardev',
  p: 'fifo',
  s: 'socket',
};

/** Parses the wire form; chunks may be cut anywhere. */
export async function* parseListing(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ListedEntry> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const data =
      rest.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength) : Buffer.concat([rest, chunk]);
    let position = 0;
    for (;;) {
      const first = data.indexOf(0, position);
      const second = first < 0 ? -1 : data.indexOf(0, first + 1);
      const third = second < 0 ? -1 : data.indexOf(0, second + 1);
      if (third < 0) break;
      yield parseEntry(
        data.toString('latin1', position, first),
        Buffer.from(data.subarray(first + 1, second)),
        Buffer.from(data.subarray(second + 1, third)),
      );
      position = third + 1;
    }
    rest = Buffer.from(data.subarray(position));
  }
  if (rest.length > 0) throw malformed(rest.toString('latin1'));
}

const FACTS = /^(\S) (\d+) (\d+) ([0-7]+) (\d+) (\d+) (\d+) (-?\d+)\.(\d{9})\d* (-?\d+)\.(\d{9})\d*$/;

function parseEntry(facts: string, path: Buffer, linkTarget: Buffer): ListedEntry {
  const match = FACTS.exec(facts);
  if (match === null) throw malformed(facts);
  const type = TYPES[match[1] ?? ''];
  if (type === undefined) throw malformed(facts);
  return {
    type,
    inode: BigInt(match[2] ?? 0),
    links: Number(match[3]),
    mode: Number.parseInt(match[4] ?? '0', 8) & 0o7777,
    uid: Number(match[5]),
    gid: Number(match[6]),
    size: Number(match[7]),
    mtimeNs: nanoseconds(match[8], match[9]),
    ctimeNs: nanoseconds(match[10], match[11]),
    path,
    linkTarget,
  };
}

/** find prints seconds and nanoseconds of a timespec side by side: before 1970 the fraction still counts upwards. */
function nanoseconds(seconds = '0', fraction = '0'): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(fraction);
}

function malformed(sample: string): StillpointError {
  return new StillpointError('read.malformed', 'The listing of files from the host cannot be understood.', {
    advice: 'Report it with the log, so that this version of find can be supported.',
    details: { sample: sample.slice(0, 400) },
    cause: undefined,
  });
}
