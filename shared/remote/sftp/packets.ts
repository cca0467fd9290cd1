/**
 * The packets of SFTP version 3 (draft-ietf-secsh-filexfer-02), which every server speaks: a length, a type, the number
 * of the request, and fields.
 */

export const REQUEST = {
  init: 1,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  fsetstat: 10,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  stat: 17,
  rename: 18,
  extended: 200,
} as const;

export const REPLY = { version: 2, status: 101, handle: 102, data: 103, name: 104, attrs: 105, extended: 201 } as const;

/** From 5 on they belong to later versions; servers send some of them all the same. */
export const STATUS = {
  ok: 0,
  endOfFile: 1,
  noSuchFile: 2,
  permissionDenied: 3,
  failure: 4,
  unsupported: 8,
  fileExists: 11,
  writeProtected: 12,
  noSpace: 14,
  quotaExceeded: 15,
} as const;

export const OPEN = { read: 0x01, write: 0x02, create: 0x08, exclusive: 0x20 } as const;

const ATTRIBUTE = { size: 0x01, owner: 0x02, permissions: 0x04, times: 0x08, extended: 0x80000000 } as const;
const KIND_MASK = 0o170000;
const KIND = { folder: 0o040000, file: 0o100000, link: 0o120000 } as const;

/** What the server reported; each may be missing. */
export interface Attributes {
  readonly sizeBytes: number | undefined;
  /** Kind and permissions, as in stat(2). */
  readonly mode: number | undefined;
}

export function isFolder({ mode }: Attributes): boolean {
  return mode !== undefined && (mode & KIND_MASK) === KIND.folder;
}

export function isFile({ mode }: Attributes): boolean {
  return mode !== undefined && (mode & KIND_MASK) === KIND.file;
}

/** Of a listing, which tells of the link itself and not of where it leads. */
export function isLink({ mode }: Attributes): boolean {
  return mode !== undefined && (mode & KIND_MASK) === KIND.link;
}

export function uint32(value: number): Buffer {
  const field = Buffer.allocUnsafe(4);
  field.writeUInt32BE(value);
  return field;
}

export function uint64(value: number): Buffer {
  const field = Buffer.allocUnsafe(8);
  field.writeBigUInt64BE(BigInt(value));
  return field;
}

/** A string of SFTP is bytes with their length in front. */
export function text(value: string | Uint8Array): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([uint32(bytes.length), bytes]);
}

export function permissions(mode: number): Buffer {
  return Buffer.concat([uint32(ATTRIBUTE.permissions), uint32(mode)]);
}

export const NO_ATTRIBUTES = uint32(0);

/** A whole packet; `fields` go as they are. */
export function packet(type: number, fields: readonly Uint8Array[]): Buffer {
  const head = Buffer.allocUnsafe(5);
  const length = fields.reduce((sum, field) => sum + field.length, 0);
  head.writeUInt32BE(length + 1);
  head[4] = type;
  return Buffer.concat([head, ...fields], length + 5);
}

/** Reads the fields of one packet; reading past its end throws a RangeError. */
export class PacketReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  uint8(): number {
    return this.#bytes.readUInt8(this.#step(1));
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#step(4));
  }

  uint64(): number {
    return Number(this.#bytes.readBigUInt64BE(this.#step(8)));
  }

  /** Without a copy. */
  bytes(): Buffer {
    const length = this.uint32();
    const start = this.#step(length);
    return this.#bytes.subarray(start, start + length);
  }

  text(): string {
    return this.bytes().toString('utf8');
  }

  attributes(): Attributes {
    const flags = this.uint32();
    const has = (flag: number): boolean => (flags & flag) !== 0;
    const sizeBytes = has(ATTRIBUTE.size) ? this.uint64() : undefined;
    if (has(ATTRIBUTE.owner)) this.#step(8);
    const mode = has(ATTRIBUTE.permissions) ? this.uint32() : undefined;
    if (has(ATTRIBUTE.times)) this.#step(8);
    if (has(ATTRIBUTE.extended)) {
      for (let left = this.uint32(); left > 0; left -= 1) {
        this.bytes();
        this.bytes();
      }
    }
    return { sizeBytes, mode };
  }

  #step(length: number): number {
    const start = this.#at;
    if (start + length > this.#bytes.length) throw new RangeError('the packet ends before its field does');
    this.#at += length;
    return start;
  }
}

/** Cuts a stream of bytes into packets. The length in front is not part of what it gives. */
export class PacketSplitter {
  readonly #limit: number;
  #head: Buffer = Buffer.alloc(0);
  #body: Buffer | undefined;
  #filled = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The packets that are whole with this chunk. Undefined when what comes cannot be SFTP. */
  push(chunk: Buffer): Buffer[] | undefined {
    const whole: Buffer[] = [];
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#body === undefined) {
        const missing = 4 - this.#head.length;
        this.#head = Buffer.concat([this.#head, rest.subarray(0, missing)]);
        rest = rest.subarray(missing);
        if (this.#head.length < 4) break;
        const length = this.#head.readUInt32BE(0);
        if (length < 1 || length > this.#limit) return undefined;
        this.#body = Buffer.allocUnsafe(length);
        this.#filled = 0;
        this.#head = Buffer.alloc(0);
      }
      const copied = rest.copy(this.#body, this.#filled);
      this.#filled += copied;
      rest = rest.subarray(copied);
      if (this.#filled < this.#body.length) break;
      whole.push(this.#body);
      this.#body = undefined;
    }
    return whole;
  }
}
