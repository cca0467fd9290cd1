/**
 * Hashes of folders, and the trees that they were stored as. Each takes 64 bytes, and what finds them eight more: half a million
 * folders are 36 MB.
 */
import type { BlobId } from '../../repository/ids.ts';
import { DIGEST_BYTES, Growing } from './listed-folders.ts';

const RECORD_BYTES = 2 * DIGEST_BYTES;

export class FolderTable {
  readonly #records: Buffer;
  /** One more than the number of the record, 0 where there is none. */
  readonly #slots: Int32Array;

  /** @param records digests, each with an id behind it */
  constructor(records: Buffer) {
    this.#records = records;
    const count = Math.floor(records.length / RECORD_BYTES);
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * count + 2)));
    for (let index = 0; index < count; index += 1) this.#slots[this.#slotOf(this.#digestAt(index))] = index + 1;
  }

  find(digest: Buffer): BlobId | undefined {
    const index = this.#slots[this.#slotOf(digest)] ?? 0;
    if (index === 0) return undefined;
    const from = (index - 1) * RECORD_BYTES + DIGEST_BYTES;
    return this.#records.toString('hex', from, from + DIGEST_BYTES) as BlobId;
  }

  #digestAt(index: number): Buffer {
    return this.#records.subarray(index * RECORD_BYTES, index * RECORD_BYTES + DIGEST_BYTES);
  }

  /** Where it is, or would be. */
  #slotOf(digest: Buffer): number {
    const mask = this.#slots.length - 1;
    let slot = digest.readUInt32LE() & mask;
    for (;;) {
      const index = this.#slots[slot] ?? 0;
      if (index === 0 || this.#digestAt(index - 1).equals(digest)) return slot;
      slot = (slot + 1) & mask;
    }
  }
}

/** What a table is made of. */
export class FolderRecords {
  readonly #records = new Growing(RECORD_BYTES);
  #count = 0;

  add(digest: Buffer, tree: BlobId): void {
    const record = Buffer.allocUnsafe(RECORD_BYTES);
    digest.copy(record);
    record.write(tree, DIGEST_BYTES, 'hex');
    this.#records.set(this.#count, record);
    this.#count += 1;
  }

  finish(): Buffer {
    return this.#records.first(this.#count);
  }
}
