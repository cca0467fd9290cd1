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
  const cursor = new ListingCursor();
  for await (const chunk of chunks) {
    cursor.feed(chunk);
    for (let entry = cursor.next(); entry !== undefined; entry = cursor.next()) yield entry;
  }
  cursor.end();
}

/** The wire form entry by entry, and where each begins. */
export class ListingCursor {
  #data: Buffer = Buffer.alloc(0);
  /** Where in `#data` the entry given last begins, and the next one. */
  #from = 0;
  #next = 0;
  /** Of the first byte of `#data` in the listing. */
  #base = 0;

  feed(chunk: Uint8Array): void {
    const more = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const rest = this.#data.subarray(this.#next);
    this.#base += this.#next;
    this.#data = rest.length === 0 ? more : Buffer.concat([rest, more]);
    this.#from = 0;
    this.#next = 0;
  }

  /** Undefined where the next one has not come whole. */
  next(): ListedEntry | undefined {
    const data = this.#data;
    const first = data.indexOf(0, this.#next);
    const second = first < 0 ? -1 : data.indexOf(0, first + 1);
    const third = second < 0 ? -1 : data.indexOf(0, second + 1);
    if (third < 0) return undefined;
    this.#from = this.#next;
    this.#next = third + 1;
    return new Facts(data, this.#from, first).entry(
      Buffer.from(data.subarray(first + 1, second)),
      third === second + 1 ? NO_TARGET : Buffer.from(data.subarray(second + 1, third)),
    );
  }

  /** Where the entry given last begins in the listing. */
  get from(): number {
    return this.#base + this.#from;
  }

  /** Where the next one does. */
  get position(): number {
    return this.#base + this.#next;
  }

  /** The entry given last, as it came; valid until more is fed. */
  get line(): Buffer {
    return this.#data.subarray(this.#from, this.#next);
  }

  /** Goes on at a later place, of which what is fed next is where it has not come yet. */
  skipTo(position: number): void {
    if (position <= this.#base + this.#data.length) {
      this.#next = position - this.#base;
      return;
    }
    this.#data = NO_TARGET;
    this.#base = position;
    this.#next = 0;
  }

  /** Where what is fed next begins. */
  get fed(): number {
    return this.#base + this.#data.length;
  }

  /** The listing ends here. */
  end(): void {
    if (this.#next < this.#data.length) throw malformed(this.#data.toString('latin1', this.#next));
  }
}

const NO_TARGET = Buffer.alloc(0);
const [ZERO, SPACE, DOT, MINUS] = [0x30, 0x20, 0x2e, 0x2d];
const NANOSECOND_DIGITS = 9;

/** The numbers of one entry, read digit by digit: there are eleven in each, and millions of entries. */
class Facts {
  readonly #data: Buffer;
  readonly #from: number;
  readonly #end: number;
  #at: number;

  constructor(data: Buffer, from: number, end: number) {
    this.#data = data;
    this.#from = from;
    this.#end = end;
    this.#at = from + 1;
  }

  entry(path: Buffer, linkTarget: Buffer): ListedEntry {
    const type = TYPES[String.fromCharCode(this.#data[this.#from] as number)];
    if (type === undefined) throw this.#malformed();
    const entry = {
      type,
      inode: this.#bigNumber(),
      links: this.#number(10),
      mode: this.#number(8) & 0o7777,
      uid: this.#number(10),
      gid: this.#number(10),
      size: this.#number(10),
      mtimeNs: this.#nanoseconds(),
      ctimeNs: this.#nanoseconds(),
      path,
      linkTarget,
    };
    if (this.#at !== this.#end) throw this.#malformed();
    return entry;
  }

  /** Behind a space. */
  #number(base: 8 | 10): number {
    this.#expect(SPACE);
    return this.#digits(base);
  }

  #bigNumber(): bigint {
    const from = this.#at + 1;
    const number = this.#number(10);
    return Number.isSafeInteger(number) ? BigInt(number) : BigInt(this.#data.toString('latin1', from, this.#at));
  }

  /**
   * find prints seconds and nanoseconds of a timespec side by side, and a digit more: before 1970 the fraction still counts
   * upwards.
   */
  #nanoseconds(): bigint {
    this.#expect(SPACE);
    const isNegative = this.#data[this.#at] === MINUS;
    if (isNegative) this.#at += 1;
    const seconds = this.#digits(10);
    this.#expect(DOT);
    const whole = this.#at + NANOSECOND_DIGITS;
    const more = this.#digits(10, whole);
    if (this.#at !== whole) throw this.#malformed();
    if (this.#at < this.#end && this.#data[this.#at] !== SPACE) this.#digits(10);
    return BigInt(isNegative ? -seconds : seconds) * 1_000_000_000n + BigInt(more);
  }

  #digits(base: 8 | 10, end = this.#end): number {
    const from = this.#at;
    let number = 0;
    for (; this.#at < end; this.#at += 1) {
      const digit = (this.#data[this.#at] as number) - ZERO;
      if (digit < 0 || digit >= base) break;
      number = number * base + digit;
    }
    if (this.#at === from) throw this.#malformed();
    return number;
  }

  #expect(byte: number): void {
    if (this.#at >= this.#end || this.#data[this.#at] !== byte) throw this.#malformed();
    this.#at += 1;
  }

  #malformed(): StillpointError {
    return malformed(this.#data.toString('latin1', this.#from, this.#end));
  }
}

function malformed(sample: string): StillpointError {
  return new StillpointError('read.malformed', 'The listing of files from the host cannot be understood.', {
    advice: 'Report it with the log, so that this version of find can be supported.',
    details: { sample: sample.slice(0, 400) },
    cause: undefined,
  });
}
