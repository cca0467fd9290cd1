/**
 * Cuts a stream where its content says so, as restic does with the polynomial of the repository: what moved within a file, by
 * an insertion before it, is found again. A window of 64 bytes runs over the content; a piece ends where the lowest 20 bits of
 * its fingerprint are zero, and has from 512 KiB to 8 MiB.
 *
 * The fingerprint is the content as a polynomial over GF(2), modulo one of degree 53 that every repository has for itself, so
 * that the lengths of pieces say nothing of what is in them. Numbers of 64 bits are two of 32 here, because each byte takes
 * some of them.
 */
const WINDOW = 64;
const LEAST_BYTES = 512 * 1024;
const MOST_BYTES = 8 * 1024 * 1024;
const CUT_MASK = (1 << 20) - 1;
/** The fingerprint has so many bits; its highest byte begins 8 below. */
const DEGREE = 53;
const TOP_SHIFT = DEGREE - 8 - 32;

interface Tables {
  /** What a byte has left in the fingerprint when it falls out of the window. */
  readonly outLow: Int32Array;
  readonly outHigh: Int32Array;
  /** What is to be subtracted for the byte that grew out of the degree. */
  readonly modLow: Int32Array;
  readonly modHigh: Int32Array;
}

export function cutterTables(polynomial: bigint): Tables {
  const table = (): Int32Array => new Int32Array(256);
  const tables = { outLow: table(), outHigh: table(), modLow: table(), modHigh: table() };
  for (let byte = 0; byte < 256; byte += 1) {
    let out = modulo(BigInt(byte), polynomial);
    for (let shift = 1; shift < WINDOW; shift += 1) out = modulo(out << 8n, polynomial);
    const grown = BigInt(byte) << BigInt(DEGREE);
    const mod = modulo(grown, polynomial) | grown;
    tables.outLow[byte] = Number(BigInt.asIntN(32, out));
    tables.outHigh[byte] = Number(BigInt.asIntN(32, out >> 32n));
    tables.modLow[byte] = Number(BigInt.asIntN(32, mod));
    tables.modHigh[byte] = Number(BigInt.asIntN(32, mod >> 32n));
  }
  return tables;
}

function modulo(value: bigint, polynomial: bigint): bigint {
  let rest = value;
  for (let bit = 61n; bit >= BigInt(DEGREE); bit -= 1n)
    if (((rest >> bit) & 1n) === 1n) rest ^= polynomial << (bit - BigInt(DEGREE));
  return rest;
}

/** The pieces of a stream, each in a buffer of its own. At most one is held. */
export async function* cutContent(content: AsyncIterable<Uint8Array>, tables: Tables): AsyncGenerator<Uint8Array> {
  const piece = new OpenPiece(tables);
  for await (const chunk of content) {
    let at = 0;
    while (at < chunk.length) {
      at += piece.add(chunk, at);
      if (piece.isCut) yield piece.take();
    }
  }
  if (piece.length > 0) yield piece.take();
}

class OpenPiece {
  readonly #tables: Tables;
  readonly #window = new Uint8Array(WINDOW);
  #bytes = Buffer.alloc(LEAST_BYTES);
  #low = 0;
  #high = 0;
  #position = 0;
  length = 0;
  isCut = false;

  constructor(tables: Tables) {
    this.#tables = tables;
    this.#begin();
  }

  /** Takes bytes up to the end of the piece; returns how many. */
  add(chunk: Uint8Array, from: number): number {
    // What comes before the window at the least length has no say.
    const unseen = Math.max(0, Math.min(chunk.length - from, LEAST_BYTES - WINDOW - this.length));
    const seen = this.length + unseen;
    const end = seen < LEAST_BYTES - WINDOW ? from + unseen : this.#findCut(chunk, from + unseen, seen);
    this.#append(chunk, from, end);
    return end - from;
  }

  take(): Uint8Array {
    const taken = new Uint8Array(this.length);
    this.#bytes.copy(taken, 0, 0, this.length);
    this.#begin();
    return taken;
  }

  /** @param length of the piece before the byte at `from` */
  #findCut(chunk: Uint8Array, from: number, length: number): number {
    const { outLow, outHigh, modLow, modHigh } = this.#tables;
    const window = this.#window;
    let low = this.#low;
    let high = this.#high;
    let position = this.#position;
    let at = from;
    const whereLeast = from + LEAST_BYTES - length - 1;
    const end = Math.min(chunk.length, from + MOST_BYTES - length);
    while (at < end) {
      const byte = chunk[at] as number;
      const out = window[position] as number;
      window[position] = byte;
      position = (position + 1) & (WINDOW - 1);
      low ^= outLow[out] as number;
      high ^= outHigh[out] as number;
      const top = (high >>> TOP_SHIFT) & 0xff;
      high = ((high << 8) | (low >>> 24)) ^ (modHigh[top] as number);
      low = ((low << 8) | byte) ^ (modLow[top] as number);
      at += 1;
      if ((low & CUT_MASK) === 0 && at > whereLeast) {
        this.isCut = true;
        break;
      }
    }
    this.isCut ||= at - from + length === MOST_BYTES;
    this.#low = low;
    this.#high = high;
    this.#position = position;
    return at;
  }

  #append(chunk: Uint8Array, from: number, end: number): void {
    const needed = this.length + end - from;
    if (needed > this.#bytes.length) {
      const larger = Buffer.alloc(Math.min(MOST_BYTES, Math.max(needed, 2 * this.#bytes.length)));
      this.#bytes.copy(larger, 0, 0, this.length);
      this.#bytes = larger;
    }
    this.#bytes.set(chunk.subarray(from, end), this.length);
    this.length = needed;
  }

  /** As restic does: one byte of 1 is in the window before the first of the content. */
  #begin(): void {
    this.#window.fill(0);
    this.#window[0] = 1;
    [this.#low, this.#high, this.#position] = [1, 0, 1];
    this.length = 0;
    this.isCut = false;
  }
}
