/**
 * Content by one tar(1) for a whole tree. The names of what is wanted flow to its standard input while its archive
 * flows back, in the same order. tar holds back up to one record of output, so names must go on flowing: the queue
 * admits far more requests than fit into a record.
 *
 * What tar cannot open has no entry in the archive, and what it cannot read to its end is filled up with zeros; only
 * its exit code and standard error tell. A sparse file of which it cannot find the holes loses what lies behind the
 * place that cannot be read, and nothing is said at all; then its map ends before the file does. So nothing that came is to be believed before `run` has resolved, and then
 * only what `failures` does not name.
 */
import { displayName } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import type { StreamCommand, StreamResult } from '../../remote/command.ts';
import { commandFailed } from '../../remote/host-errors.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import type { TarEntry } from '../../tar/entry.ts';
import { readTar } from '../../tar/reader.ts';
import { type Complaint, complaintsOfTar, tooMuchUnreadable } from './complaints.ts';
import { MOST_COMPLAINTS_BYTES } from './listing.ts';
import { type ReadingPlace, scriptAt } from './reading-place.ts';
import { RequestQueue } from './request-queue.ts';

const MOST_OUTSTANDING = 4096;
/** 64 KiB records: fewer system calls on the host than tar's 10 KiB. */
const BLOCKING_FACTOR = 128;

/**
 * Some versions of ZFS told of holes in files that had just been written, which tar would take for zeros. In a snapshot
 * nothing has just been written; where it is read live, tar looks for zeros itself. Before 1.29 it always did.
 */
const LOOK_FOR_HOLES = `
holes=
if [ "$(stat -f -c %T -- "$1" 2>/dev/null </dev/null)" = zfs ]; then
  case $(tar --help 2>/dev/null </dev/null) in *--hole-detection*) holes=--hole-detection=raw ;; esac
fi`;

/** tar where the tree is read; reads names, each ended by NUL, from standard input. */
export function packFiles(place: ReadingPlace, base: Buffer): StreamCommand {
  const isLive = place.kind === 'live';
  return {
    ...scriptAt(place, {
      name: 'pack-files',
      script: `${isLive ? LOOK_FOR_HOLES : ''}
exec tar --create --file=- --blocking-factor=${BLOCKING_FACTOR} --format=posix --numeric-owner \\
  --quoting-style=escape --xattrs --xattrs-include="*" --sparse ${isLive ? '$holes ' : ''}--no-recursion --directory="$1" --null --verbatim-files-from --files-from=-`,
      args: [base],
    }),
    // 1 and 2: some of it could not be read.
    accepts: [0, 1, 2],
    stderrBytes: MOST_COMPLAINTS_BYTES,
  };
}

export interface ContentRequest<T> {
  /** Relative to the base, with "./" in front so that no name looks like an option. */
  readonly name: Buffer;
  readonly subject: T;
}

export interface ContentHandlers<T> {
  /** Must consume the entry's content before it resolves. */
  take(entry: TarEntry, subject: T): Promise<void>;
  /** Called for each request that tar passed over. */
  passOver(subject: T): void;
  /** Called for each request that will not be answered. */
  abandon(subject: T, error: unknown): void;
}

export interface ContentTotals {
  readonly receivedBytes: number;
  /** What tar could not read: no entry came, or one that is filled up with zeros. Names are those of the requests. */
  readonly failures: readonly Complaint[];
  /** What else tar said, of files that came whole. */
  readonly remarks: readonly Complaint[];
  /** Lines of tar's that name nothing, though it ended well. */
  readonly others: readonly string[];
}

/**
 * Sends requests as they come and hands each answer over, in order. Errors: `read.incomplete` when an answer is missing
 * without a complaint of tar's about it, or another one comes; `remote.command-failed` when tar failed and not each of
 * its reasons names what it is about.
 */
export class ContentStream<T> {
  readonly queue = new RequestQueue<ContentRequest<T>>(MOST_OUTSTANDING);
  readonly #sent: ContentRequest<T>[] = [];
  readonly #passedOver: Buffer[] = [];
  readonly #cut: Complaint[] = [];

  async run(
    host: RemoteHost,
    command: StreamCommand,
    handlers: ContentHandlers<T>,
    signal: AbortSignal,
  ): Promise<ContentTotals> {
    let current: ContentRequest<T> | undefined;
    try {
      const names = this.#names();
      const first = await names.next();
      // Nothing changed: no need to bother the host.
      if (first.done) return { receivedBytes: 0, failures: [], remarks: [], others: [] };
      await using stream = await host.stream(command, startingWith(first.value, names), signal);
      for await (const entry of readTar(stream.output)) {
        current = this.#requestOf(entry, handlers);
        const missingBytes = entry.size - (entry.sparseEnd ?? entry.size);
        if (missingBytes > 0) this.#cut.push({ ...CUT, name: entry.name, missingBytes });
        await handlers.take(entry, current.subject);
        current = undefined;
        this.queue.answered();
      }
      const result = await stream.finished;
      while (this.#sent.length > 0) this.#passOver(this.#sent.shift(), handlers);
      return { receivedBytes: result.bytes, ...this.#account(host.name, command, result) };
    } catch (error) {
      const unanswered = [...(current ? [current] : []), ...this.#sent, ...this.queue.fail(error as Error)];
      for (const request of unanswered) handlers.abandon(request.subject, error);
      throw error;
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
    this.#passedOver.push(request.name);
    handlers.passOver(request.subject);
    this.queue.answered();
  }

  /** Each request without an answer and each failure must be explained; else what came proves nothing. */
  #account(host: string, command: StreamCommand, result: StreamResult): Omit<ContentTotals, 'receivedBytes'> {
    const { complaints, others } = complaintsOfTar(result.stderr);
    if (result.exitCode === 0) {
      if (this.#passedOver[0] !== undefined) throw unexpected(undefined, this.#passedOver[0]);
      return { failures: this.#cut, remarks: complaints, others };
    }
    if (!result.stderrIsWhole) throw tooMuchUnreadable(host, command, result);
    const failures = [...this.#cut, ...complaints.filter(({ isOfAttributes }) => !isOfAttributes)];
    if (others.length > 0 || failures.length === 0) {
      throw commandFailed(host, command, result.exitCode, result.stderr);
    }
    const named = new Set(failures.map(({ name }) => name.toString('latin1')));
    const unexplained = this.#passedOver.find((name) => !named.has(name.toString('latin1')));
    if (unexplained !== undefined) throw unexpected(undefined, unexplained);
    return { failures, remarks: complaints.filter(({ isOfAttributes }) => isOfAttributes), others };
  }

  /** Many names in one write: a million small writes would cost more than the names. */
  async *#names(): AsyncGenerator<Uint8Array> {
    for await (const requests of this.queue) {
      this.#sent.push(...requests);
      yield Buffer.concat(requests.flatMap((request) => [request.name, NUL]));
    }
  }
}

const NUL = Buffer.from([0]);

async function* startingWith<U>(first: U, rest: AsyncGenerator<U>): AsyncGenerator<U> {
  yield first;
  yield* rest;
}

const CUT = { reason: 'its content is cut', isOfAttributes: false } as const;

function unexpected(found: Buffer | undefined, wanted: Buffer | undefined): StillpointError {
  const what = wanted === undefined ? 'nothing more' : `"${displayName(wanted)}"`;
  const came = found === undefined ? 'the stream ended' : `"${displayName(found)}" came`;
  return new StillpointError('read.incomplete', `The stream of content should hold ${what}, but ${came}.`, {
    advice: 'Run the backup again; if it recurs, look at the log for what tar said on the host.',
    cause: undefined,
  });
}
