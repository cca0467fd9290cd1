/** A repository in memory, for tests and for trying things out. It passes the suite that every backend passes. */
import { StillpointError } from '../../../shared/base/errors.ts';
import {
  type Backend,
  type ByteRange,
  describeFile,
  type FileRef,
  type FileType,
  MOST_WHOLE_BYTES,
  type StoredFile,
  tooLarge,
} from '../../../shared/repository/backend/backend.ts';

export function createMemoryBackend(): Backend {
  return new MemoryBackend();
}

class MemoryBackend implements Backend {
  readonly properties = { location: 'memory', connections: 4, hasAtomicSave: true };
  readonly packFolders = undefined;
  readonly #files = new Map<FileType, Map<string, Buffer>>();

  async prepare(): Promise<void> {}

  async save(file: FileRef, content: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#folder(file.type).set(file.name, Buffer.concat(content));
  }

  async load(file: FileRef, range: ByteRange | undefined, signal: AbortSignal): Promise<Buffer> {
    signal.throwIfAborted();
    const content = this.#find(file);
    if (range === undefined && content.length > MOST_WHOLE_BYTES[file.type]) throw tooLarge(file, content.length);
    const { offset, length } = range ?? { offset: 0, length: content.length };
    if (offset + length <= content.length) return Buffer.from(content.subarray(offset, offset + length));
    throw new StillpointError(
      'repository.damaged',
      `The file of ${describeFile(file)} ends at byte ${content.length}.`,
      {
        advice: 'It was cut short. Run "stillpoint check" to see which restore points and files are affected.',
        cause: undefined,
      },
    );
  }

  async stat(file: FileRef, signal: AbortSignal): Promise<StoredFile> {
    signal.throwIfAborted();
    return { name: file.name, sizeBytes: this.#find(file).length };
  }

  async *list(type: FileType, signal: AbortSignal): AsyncIterable<StoredFile> {
    for (const [name, content] of [...this.#folder(type)]) {
      signal.throwIfAborted();
      yield { name, sizeBytes: content.length };
    }
  }

  async remove(file: FileRef, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#find(file);
    this.#folder(file.type).delete(file.name);
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #folder(type: FileType): Map<string, Buffer> {
    const folder = this.#files.get(type) ?? new Map<string, Buffer>();
    this.#files.set(type, folder);
    return folder;
  }

  #find(file: FileRef): Buffer {
    const content = this.#folder(file.type).get(file.name);
    if (content !== undefined) return content;
    throw new StillpointError('backend.not-found', `The file of ${describeFile(file)} is not there.`, {
      advice: 'Run "stillpoint check".',
      cause: undefined,
    });
  }
}
