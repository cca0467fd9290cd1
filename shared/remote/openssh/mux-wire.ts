/**
 * What is said over the control socket of OpenSSH's client (PROTOCOL.mux): two greetings, then "proxy mode", in which
 * the socket carries the messages of RFC 4254 as they are, without encryption. Pure.
 */

/** PROTOCOL.mux, "Protocol numbers". */
const MUX = { hello: 1, proxy: 0x1000000f, permissionDenied: 0x80000002, failure: 0x80000003, proxied: 0x8000000f };
const MUX_VERSION = 4;

/** RFC 4254. */
export const MESSAGE = {
  globalRequest: 80,
  requestFailure: 82,
  open: 90,
  openConfirmation: 91,
  openFailure: 92,
  windowAdjust: 93,
  data: 94,
  extendedData: 95,
  eof: 96,
  close: 97,
  request: 98,
  success: 99,
  failure: 100,
} as const;

/** What a channel is opened for. */
export interface ChannelRequest {
  readonly kind: 'exec' | 'subsystem';
  readonly value: string;
}

/** OpenSSH's own limit is 256 KiB. */
const LONGEST_FRAME = 512 * 1024;

export function uint32(value: number): Buffer {
  const field = Buffer.allocUnsafe(4);
  field.writeUInt32BE(value);
  return field;
}

export function text(value: string | Uint8Array): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([uint32(bytes.length), bytes]);
}

/** One message in proxy mode: its length, no padding, its type, its fields. */
export function frame(type: number, fields: readonly Uint8Array[]): Buffer {
  const head = Buffer.allocUnsafe(6);
  head.writeUInt32BE(2 + fields.reduce((sum, field) => sum + field.length, 0));
  head[4] = 0;
  head[5] = type;
  return Buffer.concat([head, ...fields]);
}

/** The head of a message of data, so that the bytes themselves need not be copied behind it. */
export function dataHead(channel: number, length: number): Buffer {
  const head = Buffer.allocUnsafe(14);
  head.writeUInt32BE(10 + length);
  head[4] = 0;
  head[5] = MESSAGE.data;
  head.writeUInt32BE(channel, 6);
  head.writeUInt32BE(length, 10);
  return head;
}

/** Our greeting, and the request for proxy mode behind it. */
export function greeting(): Buffer {
  return Buffer.concat([
    ...[uint32(8), uint32(MUX.hello), uint32(MUX_VERSION)],
    ...[uint32(8), uint32(MUX.proxy), uint32(0)],
  ]);
}

/** Reads fields of one message; what does not fit is an error. */
export class Fields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  uint8(): number {
    return this.take(1).readUInt8();
  }

  uint32(): number {
    return this.take(4).readUInt32BE();
  }

  text(): string {
    return this.take(this.uint32()).toString('utf8');
  }

  take(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) throw new Error('a message ends too early');
    const part = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return part;
  }
}

export interface MuxEvents {
  /** The master took us; from here on there are messages of RFC 4254. */
  greeted(): void;
  message(type: number, fields: Fields): void;
  /** A part of what a channel carries, as it comes. `code` is undefined for ordinary data, 1 for standard error. */
  data(channel: number, code: number | undefined, bytes: Buffer): void;
}

const DATA_HEAD = 14;
const EXTENDED_HEAD = 18;

/**
 * Cuts what the socket gives into messages. Data is handed on in the pieces in which it came. Throws on what no
 * master would say.
 */
export class MuxReader {
  readonly #events: MuxEvents;
  #hasGreeted = false;
  #held: Buffer = Buffer.alloc(0);
  #running: { channel: number; code: number | undefined; left: number } | undefined;

  constructor(events: MuxEvents) {
    this.#events = events;
  }

  push(chunk: Buffer): void {
    let bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    for (let rest: Buffer | undefined = bytes; rest !== undefined; ) {
      bytes = rest;
      rest = this.#next(bytes);
    }
    this.#held = bytes;
  }

  /** What is left after one step; undefined when there is too little for another one. */
  #next(bytes: Buffer): Buffer | undefined {
    if (this.#running !== undefined) return this.#hand(bytes, this.#running);
    if (bytes.length < 6) return undefined;
    const length = bytes.readUInt32BE();
    if (length < 2 || length > LONGEST_FRAME) throw new Error(`a message of ${length} bytes`);
    if (!this.#hasGreeted) {
      if (bytes.length < 4 + length) return undefined;
      this.#greet(new Fields(bytes.subarray(4, 4 + length)));
      return bytes.subarray(4 + length);
    }
    const type = bytes[5] ?? 0;
    const head = type === MESSAGE.data ? DATA_HEAD : type === MESSAGE.extendedData ? EXTENDED_HEAD : undefined;
    if (head !== undefined) {
      if (bytes.length < head) return undefined;
      const left = bytes.readUInt32BE(head - 4);
      if (left !== length - (head - 4)) throw new Error('data with a wrong length');
      const code = head === EXTENDED_HEAD ? bytes.readUInt32BE(10) : undefined;
      if (left > 0) this.#running = { channel: bytes.readUInt32BE(6), code, left };
      return bytes.subarray(head);
    }
    if (bytes.length < 4 + length) return undefined;
    this.#events.message(type, new Fields(bytes.subarray(6, 4 + length)));
    return bytes.subarray(4 + length);
  }

  #hand(bytes: Buffer, running: { channel: number; code: number | undefined; left: number }): Buffer | undefined {
    if (bytes.length === 0) return undefined;
    const part = bytes.subarray(0, running.left);
    running.left -= part.length;
    if (running.left === 0) this.#running = undefined;
    this.#events.data(running.channel, running.code, part);
    return bytes.subarray(part.length);
  }

  #greet(fields: Fields): void {
    const type = fields.uint32();
    if (type === MUX.hello) {
      const version = fields.uint32();
      if (version !== MUX_VERSION) throw new Error(`it speaks version ${version} of the protocol, not ${MUX_VERSION}`);
      return;
    }
    fields.uint32(); // the number of our request
    if (type === MUX.proxied) {
      this.#hasGreeted = true;
      this.#events.greeted();
      return;
    }
    const why = type === MUX.failure || type === MUX.permissionDenied ? fields.text() : `it answers ${type}`;
    throw new Error(`it does not let us in: ${why}`);
  }
}
