/**
 * A repository in a bucket of an S3 store, in restic's default layout: `data/xx/…`, `keys/…`, `config` and so on under
 * the prefix of the location.
 *
 * Crash story: an object appears whole or not at all. A large file goes in parts, and parts without their end are no
 * object; what a killed process leaves of them costs room until the store's own rule for unfinished uploads takes it.
 */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { abortable, cleanupSignal } from '../../base/cancel.ts';
import { invariant, isStillpointError } from '../../base/errors.ts';
import { formatLocation, type S3Location } from '../../domain/location.ts';
import type { Backend, BackendProperties, ByteRange, FileRef, FileType, StoredFile } from './backend.ts';
import { describeFile, MOST_WHOLE_BYTES, tooLarge } from './backend.ts';
import { isMisplaced } from './dead-link.ts';
import { isAnswerTooLong } from './http.ts';
import { shortFile } from './http-errors.ts';
import { refuseForeign } from './new-place.ts';
import { NO_BUCKET, seenWithin, withPlaceSeen } from './place-seen.ts';
import { createS3Client, PiecesBody, type S3ClientOptions } from './s3-client.ts';
import { fromS3Error } from './s3-errors.ts';

export interface S3BackendOptions extends S3ClientOptions {
  readonly connections: number;
  readonly multipart?: MultipartSizes;
}

interface MultipartSizes {
  /** Files up to this go in one piece. */
  readonly aboveBytes: number;
  readonly partBytes: number;
}

/**
 * restic's largest packs are 128 MiB and ours are 16, so a usual file is one request that leaves nothing behind when it
 * breaks off. Only what is larger goes in parts, each of which a store of any maker takes.
 */
const MULTIPART: MultipartSizes = { aboveBytes: 128 * 1024 ** 2, partBytes: 64 * 1024 ** 2 };

/** Of what lies where a repository is to be made. */
const NAMES_LOOKED_AT = 50;

/** How long a part that is on its way may continue after the signal. */
const LINGER_MS = 10_000;

export function createS3Backend(location: S3Location, options: S3BackendOptions): Backend {
  return new S3Backend(location, options);
}

class S3Backend implements Backend {
  readonly properties: BackendProperties;
  readonly packFolders = undefined;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #client: S3Client;
  readonly #multipart: MultipartSizes;

  constructor(location: S3Location, { connections, multipart = MULTIPART, ...options }: S3BackendOptions) {
    this.#bucket = location.bucket;
    this.#prefix = location.prefix === '' ? '' : `${location.prefix}/`;
    this.#client = createS3Client(location, options);
    this.#multipart = multipart;
    this.properties = { location: formatLocation(location), connections, hasAtomicSave: true };
  }

  /** A key that may use the bucket but not look at it as a whole is met with in practice; what it may not do shows. */
  async prepare(signal: AbortSignal): Promise<void> {
    const doing = `a repository could not be made at ${this.properties.location}`;
    const Bucket = this.#bucket;
    try {
      await this.#ask(doing, signal, (abortSignal) =>
        this.#client.send(new HeadBucketCommand({ Bucket }), { abortSignal }),
      );
      refuseForeign(await this.#namesAtTop(doing, signal), `the place ${this.properties.location}`);
    } catch (error) {
      if (isStillpointError(error, 'backend.denied')) return;
      if (!isStillpointError(error, 'backend.not-found')) throw error;
      await this.#ask(doing, signal, (abortSignal) =>
        this.#client.send(new CreateBucketCommand({ Bucket }), { abortSignal }),
      );
    }
  }

  /** Enough of them to tell other things from a repository; folders are what stands before a "/". */
  async #namesAtTop(doing: string, signal: AbortSignal): Promise<readonly string[]> {
    const input = { Bucket: this.#bucket, Prefix: this.#prefix, Delimiter: '/', MaxKeys: NAMES_LOOKED_AT };
    const page = await this.#ask(doing, signal, (abortSignal) =>
      this.#client.send(new ListObjectsV2Command(input), { abortSignal }),
    );
    const found = [
      ...(page.Contents ?? []).map(({ Key }) => Key),
      ...(page.CommonPrefixes ?? []).map((one) => one.Prefix),
    ];
    const names = found.map((key = '') => key.slice(this.#prefix.length).replace(/\/$/, ''));
    return names.filter((name) => name !== '');
  }

  async save(file: FileRef, content: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
    const doing = `${describeFile(file)} could not be written to ${this.properties.location}`;
    const body = new PiecesBody(content);
    if (body.sizeBytes > this.#multipart.aboveBytes) {
      await this.#ask(doing, signal, (abortSignal) => this.#saveInParts(this.#keyOf(file), content, abortSignal));
      return;
    }
    const input = { Bucket: this.#bucket, Key: this.#keyOf(file), Body: body, ContentLength: body.sizeBytes };
    await this.#ask(doing, signal, (abortSignal) => this.#client.send(new PutObjectCommand(input), { abortSignal }));
  }

  async #saveInParts(Key: string, content: readonly Uint8Array[], abortSignal: AbortSignal): Promise<void> {
    const target = { Bucket: this.#bucket, Key };
    // The caller is let go at once; what is on its way is let end, in a moment. An upload whose name we never learn, and
    // a part that arrives after its upload was taken away, would lie there forever.
    const options = { abortSignal: signalAfter(abortSignal, LINGER_MS) };
    const { UploadId } = await this.#client.send(new CreateMultipartUploadCommand(target), options);
    try {
      const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
      for (const pieces of cutIntoParts(content, this.#multipart.partBytes)) {
        abortSignal.throwIfAborted();
        const Body = new PiecesBody(pieces);
        const PartNumber = Parts.length + 1;
        const part = { ...target, UploadId, PartNumber, Body, ContentLength: Body.sizeBytes };
        const { ETag } = await this.#client.send(new UploadPartCommand(part), options);
        Parts.push({ PartNumber, ETag });
      }
      abortSignal.throwIfAborted();
      const whole = { ...target, UploadId, MultipartUpload: { Parts } };
      await this.#client.send(new CompleteMultipartUploadCommand(whole), options);
    } catch (error) {
      const cleanup = { abortSignal: cleanupSignal() };
      // What could not be taken away costs room and nothing else; the first error is what counts.
      await this.#client.send(new AbortMultipartUploadCommand({ ...target, UploadId }), cleanup).catch(() => undefined);
      throw error;
    }
  }

  async load(file: FileRef, range: ByteRange | undefined, signal: AbortSignal): Promise<Buffer> {
    const end = range && range.offset + range.length;
    // HTTP has no empty range.
    if (range?.length === 0) {
      const { sizeBytes } = await this.stat(file, signal);
      if (sizeBytes < range.offset) throw shortFile(file, sizeBytes, range.offset);
      return Buffer.alloc(0);
    }
    const doing = `${describeFile(file)} could not be read from ${this.properties.location}`;
    const input = { Bucket: this.#bucket, Key: this.#keyOf(file) };
    const ranged = end === undefined ? input : { ...input, Range: `bytes=${range?.offset}-${end - 1}` };
    try {
      const { Body, ContentRange } = await this.#ask(doing, signal, (abortSignal) =>
        this.#client.send(new GetObjectCommand(ranged), { abortSignal }),
      );
      const content = Body instanceof PiecesBody ? Body.pieces[0] : undefined;
      invariant(Buffer.isBuffer(content), 'the answers of the store come through our own HTTP');
      if (range === undefined && content.length > MOST_WHOLE_BYTES[file.type]) throw tooLarge(file, content.length);
      if (range === undefined || end === undefined || content.length === range.length) return content;
      // A store that knows no ranges sends all of it, and some send more than was asked for.
      const start = ContentRange === undefined ? range.offset : 0;
      const part = content.subarray(start, start + range.length);
      if (part.length < range.length) throw shortFile(file, end - range.length + part.length, end);
      return Buffer.from(part);
    } catch (error) {
      if (range === undefined && isAnswerTooLong(error)) throw tooLarge(file, undefined);
      if (!isStillpointError(error, 'backend.failed') || error.details['name'] !== 'InvalidRange')
        throw await withPlaceSeen(error, file, async () =>
          isStillpointError(error) && error.details['name'] === 'NoSuchBucket'
            ? NO_BUCKET
            : seenWithin(
                this.#prefix === '' ? 'the bucket' : 'this place in the bucket',
                await this.#namesAtTop(doing, signal),
              ),
        );
      throw shortFile(file, (await this.stat(file, signal)).sizeBytes, end ?? 0);
    }
  }

  async stat(file: FileRef, signal: AbortSignal): Promise<StoredFile> {
    const doing = `${describeFile(file)} could not be looked up at ${this.properties.location}`;
    const command = new HeadObjectCommand({ Bucket: this.#bucket, Key: this.#keyOf(file) });
    const { ContentLength } = await this.#ask(doing, signal, (abortSignal) =>
      this.#client.send(command, { abortSignal }),
    );
    return { name: file.name, sizeBytes: ContentLength ?? 0 };
  }

  async *list(type: FileType, signal: AbortSignal): AsyncIterable<StoredFile> {
    if (type === 'config') {
      yield await this.stat({ type, name: '' }, signal);
      return;
    }
    const doing = `the folder "${type}" could not be listed at ${this.properties.location}`;
    const Prefix = `${this.#prefix}${type}/`;
    let ContinuationToken: string | undefined;
    do {
      const command = new ListObjectsV2Command({ Bucket: this.#bucket, Prefix, ContinuationToken });
      const page = await this.#ask(doing, signal, (abortSignal) => this.#client.send(command, { abortSignal }));
      // Each answer to a listing says whether there is more; what does not is something else, and no empty bucket.
      if (page.IsTruncated === undefined) throw fromS3Error(new Error('this is not a listing'), doing);
      for (const { Key = '', Size = 0 } of page.Contents ?? []) {
        signal.throwIfAborted();
        const path = Key.slice(Prefix.length).split('/');
        const name = path.at(-1) ?? '';
        if (name === '' || path.length !== (type === 'data' ? 2 : 1)) continue;
        if (type !== 'data' || !isMisplaced(name, path[0] ?? '')) yield { name, sizeBytes: Size };
      }
      ContinuationToken = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (ContinuationToken !== undefined);
  }

  /** A store says that it removed what was never there, so it is asked before. */
  async remove(file: FileRef, signal: AbortSignal): Promise<void> {
    const doing = `${describeFile(file)} could not be removed from ${this.properties.location}`;
    await this.stat(file, signal);
    const command = new DeleteObjectCommand({ Bucket: this.#bucket, Key: this.#keyOf(file) });
    await this.#ask(doing, signal, (abortSignal) => this.#client.send(command, { abortSignal }));
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #keyOf({ type, name }: FileRef): string {
    if (type === 'config') return `${this.#prefix}config`;
    return `${this.#prefix}${type}/${type === 'data' ? `${name.slice(0, 2)}/` : ''}${name}`;
  }

  /** Looking for keys does not know our signal, so the wait for it is what ends. */
  async #ask<T>(doing: string, signal: AbortSignal, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    try {
      return await abortable(call(signal), signal);
    } catch (cause) {
      signal.throwIfAborted();
      throw fromS3Error(cause, doing);
    }
  }
}

/** Fires with the reason of `signal`, but later. */
function signalAfter(signal: AbortSignal, delayMs: number): AbortSignal {
  const controller = new AbortController();
  const onAbort = (): void => void setTimeout(() => controller.abort(signal.reason), delayMs).unref();
  signal.addEventListener('abort', onAbort, { once: true });
  return controller.signal;
}

/** The same bytes in groups of `partBytes`, the last one smaller; nothing is copied. */
function* cutIntoParts(content: readonly Uint8Array[], partBytes: number): Generator<readonly Uint8Array[]> {
  let part: Uint8Array[] = [];
  let room = partBytes;
  for (const whole of content) {
    for (let at = 0; at < whole.length; ) {
      const piece = whole.subarray(at, at + room);
      part.push(piece);
      at += piece.length;
      room -= piece.length;
      if (room > 0) continue;
      yield part;
      part = [];
      room = partBytes;
    }
  }
  if (part.length > 0) yield part;
}
