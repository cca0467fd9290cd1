/**
 * Content by one tar(1) for a whole tree. The names of what is wanted flow to its standard input while its archive
 * flows back, in the same order. tar holds back up to one record of output, so names must go on flowing: the queue
 * admits far more requests than fit into a record.
 *
 * What tar cannot open has no entry in the archive, and what it cannot read to its end is filled up with zeros; only
 * its exit code and standard error tell. A sparse file of which it cannot find the holes loses what lies behind the
 * place that cannot be read, and nothing is said at all; then its map ends before the file does. So nothing that came is to be believed before `run` has resolved, and then
 * only what `failures` does not name.
 *
 * Where the connection is lost and the place is a snapshot, the stream is taken up: what tar had said is asked of the host,
 * a file that was on its way is read on from where it was, and what had no answer is asked for again. What came is not.
 */
import type { StreamCommand } from '../../remote/command.ts';
import { isLostConnection } from '../../remote/host-errors.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import { newSaidId, type SaidId } from '../../snapshot/host/run-folder.ts';
import type { TarEntry } from '../../tar/entry.ts';
import { readTar } from '../../tar/reader.ts';
import type { ChangedOrder } from '../changed/changed-file.ts';
import { ContentAccount, type ContentTotals, unexpected } from './content-account.ts';
import { filledUp, partsFrom } from './content-rest.ts';
import type { Range } from './pack-files.ts';
import { RequestQueue } from './request-queue.ts';

const MOST_OUTSTANDING = 4096;

export interface ContentOrder {
  /** tar, under the name of what it says. */
  pack(said: SaidId): StreamCommand;
  /** undefined where what is read may be another one by now. */
  readonly takeUp?: TakeUp;
  /** How only what changed of a large file is asked for; undefined as above. */
  readonly changed?: ChangedOrder;
}

interface TakeUp {
  /**
   * Waits for the host, ends what still reads there, and resolves to what tar had said; undefined where it
   * was never begun. Errors: the loss itself, where the
   * run cannot go on.
   * @param came how many bytes came so far
   */
  again(lost: unknown, came: number, said: SaidId, signal: AbortSignal): Promise<string | undefined>;
  /** What is left of a file. @param name as tar was given it */
  rest(name: Buffer, ranges: readonly Range[]): StreamCommand;
}

export interface ContentRequest<T> {
  /** Relative to the base, with "./" in front so that no name looks like an option. */
  readonly name: Buffer;
  readonly subject: T;
}

export interface ContentHandlers<T> {
  /** Must consume the entry's content before it resolves. */
  take(entry: TarEntry, subject: T): Promise<void>;
  /** Called when all of the entry has come, as far as is known before tar has ended. */
  came?(subject: T): void;
  /** Called where less of the content came than there is, before zeros come in its place. */
  cut?(subject: T): void;
  /** Called for each request that tar passed over. */
  passOver(subject: T): void;
  /** Called for each request that will not be answered. */
  abandon(subject: T, error: unknown): void;
}

/** One stream from its first name to its end, or to the loss of its connection. */
interface Part {
  readonly said: SaidId;
  readonly command: StreamCommand;
  answers: number;
  /** What tar had said is settled once. */
  isSettled: boolean;
}

/**
 * Sends requests as they come and hands each answer over, in order. Errors: `read.incomplete` when an answer is missing
 * without a complaint of tar's about it, or another one comes; `remote.command-failed` when tar failed and not each of
 * its reasons names what it is about.
 */
export class ContentStream<T> {
  readonly queue = new RequestQueue<ContentRequest<T>>(MOST_OUTSTANDING);
  readonly #account = new ContentAccount();
  /** Asked for and without an answer, in the order of asking. */
  #sent: ContentRequest<T>[] = [];
  #current: ContentRequest<T> | undefined;
  #part: Part | undefined;

  async run(
    host: RemoteHost,
    order: ContentOrder,
    handlers: ContentHandlers<T>,
    signal: AbortSignal,
  ): Promise<ContentTotals> {
    try {
      for (;;) {
        const said = newSaidId();
        const part = { said, command: order.pack(said), answers: 0, isSettled: false };
        this.#part = part;
        try {
          await this.#runPart(host, part, order, handlers, signal);
          if (!part.isSettled) return this.#account.totals();
        } catch (error) {
          if (signal.aborted || this.#current !== undefined || !isLostConnection(error)) throw error;
          await this.#takeUp(host, part, order, error, signal);
        }
      }
    } catch (error) {
      const current = this.#current === undefined ? [] : [this.#current];
      const unanswered = [...current, ...this.#sent, ...this.queue.fail(error as Error)];
      for (const request of unanswered) handlers.abandon(request.subject, error);
      throw error;
    }
  }

  /** To its end, or until its connection was lost in the middle of an entry: then the part is settled. */
  async #runPart(
    host: RemoteHost,
    part: Part,
    order: ContentOrder,
    handlers: ContentHandlers<T>,
    signal: AbortSignal,
  ): Promise<void> {
    const names = this.#names(part);
    const first = await names.next();
    // Nothing changed: no need to bother the host.
    if (first.done) return;
    await using stream = await host.stream(part.command, startingWith(first.value, names), signal);
    for await (const entry of readTar(this.#counted(stream.output))) {
      const request = this.#requestOf(entry, handlers);
      this.#current = request;
      part.answers += 1;
      const missingBytes = entry.size - (entry.sparseEnd ?? entry.size);
      if (missingBytes > 0) this.#account.cut(entry.name, missingBytes);
      const onCut = (): void => handlers.cut?.(request.subject);
      const isHere = entry.whole !== undefined;
      const whole = isHere
        ? entry
        : { ...entry, content: this.#wholeContent(entry, { host, part, order, signal }, onCut) };
      await handlers.take(whole, request.subject);
      if (!this.#account.isCut(entry.name)) handlers.came?.(request.subject);
      this.#current = undefined;
      this.queue.answered();
      // The content went on by another way; nothing more comes by this one.
      if (part.isSettled) return;
    }
    const result = await stream.finished;
    while (this.#sent.length > 0) this.#passOver(this.#sent.shift(), handlers);
    this.#account.end(host.name, part.command, result);
  }

  /** Of an entry, also where its connection is lost in the middle of it. */
  async *#wholeContent(
    entry: TarEntry,
    {
      host,
      part,
      order,
      signal,
    }: { readonly host: RemoteHost; readonly part: Part; readonly order: ContentOrder; readonly signal: AbortSignal },
    onCut: () => void,
  ): AsyncGenerator<Buffer> {
    let came = 0;
    let lost: unknown;
    try {
      for await (const chunk of entry.content) {
        came += chunk.length;
        yield chunk;
      }
      return;
    } catch (error) {
      if (signal.aborted || order.takeUp === undefined || !isLostConnection(error)) throw error;
      lost = error;
    }
    while (came < entry.storedSize) {
      await this.#takeUp(host, part, order, lost, signal);
      try {
        const parts = partsFrom(entry, came);
        await using stream = await host.stream(order.takeUp.rest(entry.name, parts.ranges), undefined, signal);
        const missing = (bytes: number): void => {
          onCut();
          this.#account.cut(entry.name, bytes);
        };
        for await (const chunk of filledUp(parts, this.#counted(stream.output), missing)) {
          came += chunk.length;
          yield chunk;
        }
        await stream.finished;
      } catch (error) {
        if (signal.aborted || !isLostConnection(error)) throw error;
        lost = error;
      }
    }
  }

  /** Waits until it can go on. */
  async #takeUp(
    host: RemoteHost,
    part: Part,
    { takeUp }: ContentOrder,
    lost: unknown,
    signal: AbortSignal,
  ): Promise<void> {
    if (takeUp === undefined) throw lost;
    const said = await takeUp.again(lost, this.#account.receivedBytes, part.said, signal);
    if (part.isSettled) return;
    // tar begins when there is a file for what it says.
    if (said === undefined && part.answers > 0) throw lost;
    // A request that is asked for again is answered again; what was said of it so far does not count.
    const again = new Set(this.#sent.map(({ name }) => name.toString('latin1')));
    const mayName = (name: Buffer): boolean => isName(name) && !again.has(name.toString('latin1'));
    this.#account.endCut({ host: host.name, command: part.command, said: said ?? '' }, lost, mayName);
    part.isSettled = true;
  }

  async *#counted(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      this.#account.receivedBytes += chunk.length;
      yield chunk;
    }
  }

  /** Answers come in the order of asking, so every request before that of an entry was passed over. */
  #requestOf(entry: TarEntry, handlers: ContentHandlers<T>): ContentRequest<T> {
    const wanted = this.#sent[0];
    for (;;) {
      const request = this.#sent.shift();
      if (request === undefined) throw unexpected(entry.name, wanted?.name);
      if (request.name.equals(entry.name)) return request;
      this.#passOver(request, handlers);
    }
  }

  #passOver(request: ContentRequest<T> | undefined, handlers: ContentHandlers<T>): void {
    if (request === undefined) return;
    this.#account.passOver(request.name);
    handlers.passOver(request.subject);
    this.queue.answered();
  }

  /**
   * Many names in one write: a million small writes would cost more than the names. What had no answer in the part before
   * comes first. A part that is over gives back what it took too late.
   */
  async *#names(part: Part): AsyncGenerator<Uint8Array> {
    if (this.#sent.length > 0) yield asNames(this.#sent);
    for await (const requests of this.queue) {
      if (this.#part !== part) {
        this.queue.giveBack(requests);
        return;
      }
      this.#sent.push(...requests);
      yield asNames(requests);
    }
  }
}

const NUL = Buffer.from([0]);

const asNames = (requests: readonly { readonly name: Buffer }[]): Buffer =>
  Buffer.concat(requests.flatMap(({ name }) => [name, NUL]));

/** What tar says of its own output begins with no dot. */
const isName = (name: Buffer): boolean => name[0] === 0x2e;

async function* startingWith<U>(first: U, rest: AsyncGenerator<U>): AsyncGenerator<U> {
  yield first;
  yield* rest;
}
