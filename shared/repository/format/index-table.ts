/**
 * Index files read straight into typed arrays. A repository of 5 million blobs has some 700 MB of index text, and an
 * object and two strings for each blob would cost more than everything else that opening it does.
 *
 * The reader takes exactly the form that restic and we write: no blanks, fields in restic's order. Whatever differs by
 * a byte is left to the general reader, so being quick never changes what is accepted, or how a fault is called.
 */
import type { PackId } from '../ids.ts';
import { decodeIndex, type IndexedPack } from './index-file.ts';

export interface IndexTable {
  readonly packs: readonly PackId[];
  /** For each pack the number of the entry behind its last one. */
  readonly ends: readonly number[];
  /** ID_BYTES for each entry. */
  readonly ids: Buffer;
  /** FACT_WORDS for each entry: 1 for a tree or 0, then offset, length and plaintext length as in a PackedBlob. */
  readonly facts: Uint32Array;
}

export const ID_BYTES = 32;
export const FACT_WORDS = 4;

/** @param what the index, for errors: "index 1a2b3c4d" */
export function readIndex(json: Buffer, what: string): IndexTable {
  return new Scan(json).run() ?? tableOf([...decodeIndex(json, what)]);
}

function tableOf(packs: readonly IndexedPack[]): IndexTable {
  const count = packs.reduce((sum, { blobs }) => sum + blobs.length, 0);
  const ids = Buffer.alloc(count * ID_BYTES);
  const facts = new Uint32Array(count * FACT_WORDS);
  const ends: number[] = [];
  let entry = 0;
  for (const { blobs } of packs) {
    for (const { type, id, offset, length, uncompressedLength } of blobs) {
      ids.write(id, entry * ID_BYTES, 'hex');
      facts.set([type === 'tree' ? 1 : 0, offset, length, uncompressedLength], entry * FACT_WORDS);
      entry += 1;
    }
    ends.push(entry);
  }
  return { packs: packs.map(({ id }) => id), ends, ids, facts };
}

const TEXT = {
  begin: Buffer.from('{'),
  supersedes: Buffer.from('"supersedes":['),
  packs: Buffer.from('"packs":['),
  item: Buffer.from('{"id":"'),
  blobs: Buffer.from('","blobs":['),
  data: Buffer.from('","type":"data","offset":'),
  tree: Buffer.from('","type":"tree","offset":'),
  length: Buffer.from(',"length":'),
  plainLength: Buffer.from(',"uncompressed_length":'),
  endOfBlob: Buffer.from('}'),
  endOfList: Buffer.from(']'),
  endOfPack: Buffer.from(']}'),
  endOfLine: Buffer.from('\n'),
  comma: Buffer.from(','),
  quote: Buffer.from('"'),
} as const;

/** No blob's text is shorter: hence the most entries that a file can have. */
const SHORTEST_BLOB = `{"id":"${'0'.repeat(64)}","type":"data","offset":0,"length":0}`.length;

const NO_DIGIT = 255;
/** What a character says as a lower-case hexadecimal digit. */
const HEX = new Uint8Array(256).fill(NO_DIGIT);
for (let digit = 0; digit < 16; digit++) HEX[digit.toString(16).charCodeAt(0)] = digit;

class Scan {
  readonly #json: Buffer;
  readonly #ids: Buffer;
  readonly #facts: Uint32Array;
  #at = 0;
  #entries = 0;

  constructor(json: Buffer) {
    this.#json = json;
    const most = Math.ceil(json.length / SHORTEST_BLOB);
    this.#ids = Buffer.allocUnsafeSlow(most * ID_BYTES);
    this.#facts = new Uint32Array(most * FACT_WORDS);
  }

  /** Undefined for what is not in the usual form, which need not be wrong. */
  run(): IndexTable | undefined {
    const packs: PackId[] = [];
    const ends: number[] = [];
    if (!this.#take(TEXT.begin)) return undefined;
    if (this.#take(TEXT.supersedes) && !this.#skipIds()) return undefined;
    if (!this.#take(TEXT.packs)) return undefined;
    if (!this.#peek(TEXT.endOfList)) {
      do {
        const start = this.#at + TEXT.item.length;
        // The id of the pack is read into the place of the next blob, only to see that it is one.
        if (!this.#take(TEXT.item) || !this.#id() || !this.#take(TEXT.blobs)) return undefined;
        packs.push(this.#json.toString('latin1', start, start + 2 * ID_BYTES) as PackId);
        if (!this.#blobs()) return undefined;
        ends.push(this.#entries);
      } while (this.#take(TEXT.comma));
    }
    if (!this.#take(TEXT.endOfPack)) return undefined;
    // restic's ends with a line.
    this.#take(TEXT.endOfLine);
    if (this.#at !== this.#json.length) return undefined;
    const ids = this.#ids.subarray(0, this.#entries * ID_BYTES);
    return { packs, ends, ids, facts: this.#facts.subarray(0, this.#entries * FACT_WORDS) };
  }

  #skipIds(): boolean {
    do {
      if (!this.#take(TEXT.quote) || !this.#id() || !this.#take(TEXT.quote)) return false;
    } while (this.#take(TEXT.comma));
    return this.#take(TEXT.endOfList) && this.#take(TEXT.comma);
  }

  #blobs(): boolean {
    if (this.#take(TEXT.endOfPack)) return true;
    do {
      if (!this.#blob()) return false;
    } while (this.#take(TEXT.comma));
    return this.#take(TEXT.endOfPack);
  }

  #blob(): boolean {
    if (!this.#take(TEXT.item) || !this.#id()) return false;
    const isTree = this.#take(TEXT.tree);
    if (!isTree && !this.#take(TEXT.data)) return false;
    const at = this.#entries * FACT_WORDS;
    this.#facts[at] = isTree ? 1 : 0;
    if (!this.#size(at + 1) || !this.#take(TEXT.length) || !this.#size(at + 2)) return false;
    if (this.#take(TEXT.plainLength) && !this.#size(at + 3)) return false;
    this.#entries += 1;
    return this.#take(TEXT.endOfBlob);
  }

  #peek(text: Buffer): boolean {
    const json = this.#json;
    const at = this.#at;
    for (let index = 0; index < text.length; index++) if (json[at + index] !== text[index]) return false;
    return true;
  }

  #take(text: Buffer): boolean {
    if (!this.#peek(text)) return false;
    this.#at += text.length;
    return true;
  }

  /** 64 digits into the place of the next entry. */
  #id(): boolean {
    const json = this.#json;
    const to = this.#entries * ID_BYTES;
    let at = this.#at;
    if (at + 2 * ID_BYTES > json.length) return false;
    let seen = 0;
    for (let index = 0; index < ID_BYTES; index++, at += 2) {
      const high = HEX[json[at] as number] as number;
      const low = HEX[json[at + 1] as number] as number;
      seen |= high | low;
      this.#ids[to + index] = (high << 4) | low;
    }
    this.#at = at;
    return seen < 16;
  }

  /** A whole number of 32 bits, as JSON writes it: no zero in front. */
  #size(to: number): boolean {
    const json = this.#json;
    const start = this.#at;
    let value = 0;
    let at = start;
    for (; at - start < 11; at++) {
      const digit = (json[at] ?? 0) - 0x30;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    this.#at = at;
    this.#facts[to] = value;
    return at > start && value <= 0xffff_ffff && (json[start] !== 0x30 || at - start === 1);
  }
}
