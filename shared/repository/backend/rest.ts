/**
 * A repository behind restic's REST protocol: rest-server, `rclone serve restic` and what else speaks it. Both versions
 * of its listing are understood; we ask for the second, which has the sizes.
 *
 * Crash story: whether an upload that breaks off leaves a part under the file's name is up to the server; rest-server
 * writes beside and renames. So a file that is there already is compared byte by byte before it counts as saved, and
 * what a refused upload left is removed.
 */
import type { IncomingMessage } from 'node:http';
import { isStillpointError, StillpointError } from '../../base/errors.ts';
import { registerSecret } from '../../base/log.ts';
import { formatLocation, type RestLocation } from '../../domain/location.ts';
import type { Backend, BackendProperties, ByteRange, FileRef, FileType, StoredFile } from './backend.ts';
import { describeFile, MOST_WHOLE_BYTES, tooLarge } from './backend.ts';
import { HttpClient, type HttpOptions, isAnswerTooLong, LONG_SILENCE_MS } from './http.ts';
import { fromNetworkError, fromStatus, shortFile } from './http-errors.ts';
import { arrayElements } from './json-elements.ts';

export interface RestOptions extends HttpOptions {
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly connections: number;
}

const VERSION_2 = 'application/vnd.x.restic.rest.v2';
/** A longer text from a server is not shown. */
const SAID_BYTES = 300;

export function createRestBackend(location: RestLocation, options: RestOptions): Backend {
  return new RestBackend(location, options);
}

class RestBackend implements Backend {
  readonly properties: BackendProperties;
  readonly packFolders = undefined;
  readonly #base: URL;
  readonly #http: HttpClient;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(location: RestLocation, { user, password = '', connections, ...http }: RestOptions) {
    this.#base = new URL(`${location.tls ? 'https' : 'http'}://${location.endpoint}${location.path}`);
    this.#http = new HttpClient(http);
    this.properties = { location: formatLocation(location), connections, hasAtomicSave: false };
    const login = user === undefined ? undefined : Buffer.from(`${user}:${password}`, 'utf8').toString('base64');
    if (login !== undefined) registerSecret(login);
    this.#headers = { accept: VERSION_2, ...(login === undefined ? {} : { authorization: `Basic ${login}` }) };
  }

  async prepare(signal: AbortSignal): Promise<void> {
    const doing = `a repository could not be made at ${this.properties.location}`;
    await this.#ask('POST', new URL('?create=true', this.#base), doing, signal);
  }

  async save(file: FileRef, content: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
    const doing = `${describeFile(file)} could not be written to ${this.properties.location}`;
    try {
      await this.#ask('POST', this.#urlOf(file), doing, signal, {
        headers: { 'content-type': 'application/octet-stream' },
        body: content,
      });
    } catch (error) {
      // rest-server refuses to write a file again. That it holds the same is proved, not believed.
      if (isStillpointError(error, 'backend.denied') && (await this.#holds(file, content, signal))) return;
      if (isStillpointError(error, 'backend.failed')) await this.#dropPart(file, content, signal);
      throw error;
    }
  }

  /** rclone leaves the empty beginning of a file where its disk is full: a lock or a restore point that looks damaged. */
  async #dropPart(file: FileRef, content: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
    // All other names are hashes of the whole file, so that a shorter one of that name is never a file of the repository.
    if (file.type === 'config') return;
    try {
      const { sizeBytes } = await this.stat(file, signal);
      if (sizeBytes < content.reduce((sum, piece) => sum + piece.length, 0)) await this.remove(file, signal);
    } catch {
      // The failure of the save is what counts, and the retry sees a cancel by itself.
    }
  }

  async #holds(file: FileRef, content: readonly Uint8Array[], signal: AbortSignal): Promise<boolean> {
    const stored = await this.load(file, undefined, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      if (isStillpointError(error)) return undefined;
      throw error;
    });
    return stored !== undefined && stored.equals(Buffer.concat(content));
  }

  async load(file: FileRef, range: ByteRange | undefined, signal: AbortSignal): Promise<Buffer> {
    if (range?.length === 0) return await this.#loadNothing(file, range.offset, signal);
    const doing = `${describeFile(file)} could not be read from ${this.properties.location}`;
    const end = range && range.offset + range.length;
    const headers = end === undefined ? {} : { range: `bytes=${range?.offset}-${end - 1}` };
    const mostBytes = range === undefined ? MOST_WHOLE_BYTES[file.type] : undefined;
    const asking = { headers, accepts: [416], mostBytes };
    const answer = await this.#ask('GET', this.#urlOf(file), doing, signal, asking).catch((error: unknown) => {
      if (mostBytes !== undefined && isAnswerTooLong(error)) throw tooLarge(file, undefined);
      throw error;
    });
    if (answer.status === 416) throw shortFile(file, (await this.stat(file, signal)).sizeBytes, end ?? 0);
    if (range === undefined || end === undefined) return answer.body;
    // A server that knows no ranges sends all of it.
    const part = answer.status === 206 ? answer.body : answer.body.subarray(range.offset, end);
    if (part.length < range.length) throw shortFile(file, range.offset + part.length, end);
    if (part.length > range.length) throw notUnderstood(doing);
    return Buffer.from(part);
  }

  /** HTTP has no empty range. */
  async #loadNothing(file: FileRef, offset: number, signal: AbortSignal): Promise<Buffer> {
    const { sizeBytes } = await this.stat(file, signal);
    if (sizeBytes < offset) throw shortFile(file, sizeBytes, offset);
    return Buffer.alloc(0);
  }

  async stat(file: FileRef, signal: AbortSignal): Promise<StoredFile> {
    const doing = `${describeFile(file)} could not be looked up at ${this.properties.location}`;
    const { headers } = await this.#ask('HEAD', this.#urlOf(file), doing, signal);
    const sizeBytes = Number(headers['content-length']);
    if (Number.isSafeInteger(sizeBytes)) return { name: file.name, sizeBytes };
    throw notUnderstood(doing);
  }

  async *list(type: FileType, signal: AbortSignal): AsyncIterable<StoredFile> {
    if (type === 'config') {
      yield await this.stat({ type, name: '' }, signal);
      return;
    }
    const doing = `the folder "${type}" could not be listed at ${this.properties.location}`;
    // rclone walks through 256 folders of a distant store before it says a word.
    const more = type === 'data' ? { silenceMs: LONG_SILENCE_MS } : {};
    const url = new URL(`${type}/`, this.#base);
    const answer = await this.#ask('GET', url, doing, signal, { accepts: [404], ...more });
    // rclone has no empty folders on most of its stores, and says so.
    if (answer.status === 404 && String(answer.headers['server']).startsWith('rclone/')) return;
    if (answer.status === 404) throw fromStatus(404, doing);
    // The text is one piece, its entries are made one by one: a listing may have a million of them.
    for (const entry of arrayElements(answer.body.toString('utf8'), () => notUnderstood(doing))) {
      signal.throwIfAborted();
      const file =
        typeof entry === 'string' ? await this.#statListed({ type, name: entry }, signal) : storedFile(entry);
      if (file === 'not understood') throw notUnderstood(doing);
      if (file !== undefined) yield file;
    }
  }

  /** The first version of the listing has names only, and a file may have gone since. */
  async #statListed(file: FileRef, signal: AbortSignal): Promise<StoredFile | undefined> {
    return await this.stat(file, signal).catch((error: unknown) => {
      if (isStillpointError(error, 'backend.not-found')) return undefined;
      throw error;
    });
  }

  async remove(file: FileRef, signal: AbortSignal): Promise<void> {
    const doing = `${describeFile(file)} could not be removed from ${this.properties.location}`;
    await this.#ask('DELETE', this.#urlOf(file), doing, signal);
  }

  async close(): Promise<void> {
    this.#http.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #urlOf({ type, name }: FileRef): URL {
    return new URL(type === 'config' ? 'config' : `${type}/${name}`, this.#base);
  }

  async #ask(method: string, url: URL, doing: string, signal: AbortSignal, more: Asking = {}): Promise<Answer> {
    const { headers = {}, body, accepts = [], mostBytes, silenceMs } = more;
    const request = {
      method,
      url,
      headers: { ...this.#headers, ...headers },
      ...(body && { body }),
      ...(silenceMs && { silenceMs }),
    };
    let answer: IncomingMessage;
    let content: Buffer;
    try {
      answer = await this.#http.send(request, signal);
      content = await this.#http.readAll(answer, signal, mostBytes);
    } catch (cause) {
      signal.throwIfAborted();
      throw fromNetworkError(cause, doing);
    }
    const status = answer.statusCode ?? 0;
    if (status !== 200 && status !== 206 && !accepts.includes(status)) {
      throw fromStatus(status, doing, {
        said: said(content),
        to: said(Buffer.from(answer.headers.location ?? '')),
        isNameless: this.#headers['authorization'] === undefined,
      });
    }
    return { status, headers: answer.headers, body: content };
  }
}

interface Asking {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: readonly Uint8Array[];
  /** Statuses that are not errors, beside those of success. */
  readonly accepts?: readonly number[];
  /** Of the body of the answer. */
  readonly mostBytes?: number | undefined;
  readonly silenceMs?: number;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

function storedFile(entry: unknown): StoredFile | 'not understood' {
  const { name, size } = (entry ?? {}) as { readonly name?: unknown; readonly size?: unknown };
  const isOne = typeof name === 'string' && typeof size === 'number' && Number.isSafeInteger(size);
  return isOne ? { name, sizeBytes: size } : 'not understood';
}

/** A short text of a server is worth showing; a page of HTML is not. */
function said(body: Buffer): string {
  const text = body.toString('utf8').trim();
  return body.length > SAID_BYTES || !/^[\x20-\x7e]+$/.test(text) || text.includes('<') ? '' : text;
}

function notUnderstood(doing: string): StillpointError {
  return new StillpointError(
    'backend.failed',
    `${doing.slice(0, 1).toUpperCase()}${doing.slice(1)}: no such answer is known.`,
    {
      advice: 'Check that the location is that of a server for restic repositories.',
      cause: undefined,
    },
  );
}
