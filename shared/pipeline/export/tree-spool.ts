/**
 * The folders of a run in a file of this machine, by the hash of what is in them. A mirror keeps the file: the next run
 * compares with it. Memory grows with the number of folders, by some hundred bytes each.
 *
 * Each record is the length of a tree's text, four bytes with the highest first, and the text.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { StillpointError } from '../../base/errors.ts';
import { treeByName } from '../../repository/format/tree-reader.ts';
import { type BlobId, blobIdOf } from '../../repository/ids.ts';
import type { NodeByName } from '../../repository/node.ts';

interface Place {
  readonly at: number;
  readonly length: number;
}

const LENGTH_BYTES = 4;

export class TreeSpool implements AsyncDisposable {
  readonly #file: FileHandle;
  readonly #places = new Map<string, Place>();
  #end = 0;
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async create(path: string): Promise<TreeSpool> {
    return new TreeSpool(await open(path, 'wx+', 0o600));
  }

  /** One that an earlier run kept. Errors: `repository.damaged` where it is not whole. */
  static async load(path: string): Promise<TreeSpool> {
    const spool = new TreeSpool(await open(path, 'r'));
    const { size } = await spool.#file.stat();
    const head = Buffer.alloc(LENGTH_BYTES);
    while (spool.#end < size) {
      await spool.#read(head, spool.#end);
      const length = head.readUInt32BE();
      const at = spool.#end + LENGTH_BYTES;
      if (at + length > size) throw cutShort();
      spool.#places.set(await spool.#hashOf({ at, length }), { at, length });
      spool.#end = at + length;
    }
    return spool;
  }

  has(id: BlobId): boolean {
    return this.#places.has(keyOf(id));
  }

  /** The same text twice is kept once. */
  async put(text: Uint8Array): Promise<BlobId> {
    const id = blobIdOf(text);
    const key = keyOf(id);
    if (this.#places.has(key)) return id;
    const at = this.#end + LENGTH_BYTES;
    this.#places.set(key, { at, length: text.length });
    this.#end = at + text.length;
    const head = Buffer.alloc(LENGTH_BYTES);
    head.writeUInt32BE(text.length);
    const written = this.#writing.then(() => this.#file.writev([head, text], at - LENGTH_BYTES));
    // Who waits for it hears of a failure, and so does everybody who comes after.
    this.#writing = written;
    await written;
    return id;
  }

  async byName(id: BlobId, signal: AbortSignal): Promise<NodeByName> {
    const place = this.#places.get(keyOf(id));
    if (place === undefined) throw cutShort();
    await this.#writing;
    const text = Buffer.alloc(place.length);
    await this.#read(text, place.at);
    if (blobIdOf(text) !== id) throw cutShort();
    return await treeByName(text, `tree ${id.slice(0, 8)}`, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing.catch(() => undefined);
    await this.#file.close();
  }

  async #hashOf({ at, length }: Place): Promise<string> {
    const text = Buffer.alloc(length);
    await this.#read(text, at);
    return keyOf(blobIdOf(text));
  }

  async #read(into: Buffer, at: number): Promise<void> {
    const { bytesRead } = await this.#file.read(into, 0, into.length, at);
    if (bytesRead < into.length) throw cutShort();
  }
}

const keyOf = (id: BlobId): string => Buffer.from(id, 'hex').toString('latin1');

function cutShort(): StillpointError {
  return new StillpointError('repository.damaged', 'What an earlier run kept of its folders is not whole.', {
    advice: 'All is read again.',
    cause: undefined,
  });
}
