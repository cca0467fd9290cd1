/**
 * Content by one tar(1) for a whole tree. The names of what is wanted flow to its standard input while its archive
 * flows back, in the same order. tar holds back up to one record of output, so names must go on flowing: the queue
 * admits far more requests than fit into a record.
 */
import { displayName } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import type { RunId } from '../../domain/names.ts';
import type { StreamCommand } from '../../remote/command.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import { ENTER } from '../../snapshot/lvm/mount.ts';
import type { TarEntry } from '../../tar/entry.ts';
import { readTar } from '../../tar/reader.ts';
import { RequestQueue } from './request-queue.ts';

const MOST_OUTSTANDING = 4096;
/** 64 KiB records: fewer system calls on the host than tar's 10 KiB. */
const BLOCKING_FACTOR = 128;

/** tar in the snapshot's namespace; reads names, each ended by NUL, from standard input. */
export function packFiles(run: RunId, base: Buffer): StreamCommand {
  return {
    name: 'pack-files',
    script: `${ENTER}
sp_enter "$1" tar --create --file=- --blocking-factor=${BLOCKING_FACTOR} --format=posix --numeric-owner \\
  --xattrs --xattrs-include='*' --sparse --no-recursion --directory="$2" --null --verbatim-files-from --files-from=-`,
    args: [run, base],
    needs: 'root',
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
  /** Called for each request that will not be answered. */
  abandon(subject: T, error: unknown): void;
}

export interface ContentTotals {
  readonly receivedBytes: number;
  /** What tar said though it ended well: the last 8 KiB. */
  readonly stderr: string;
}

/**
 * Sends requests as they come and hands each answer over, in order. Errors: `read.incomplete` when an answer is missing
 * or another one comes.
 */
export class ContentStream<T> {
  readonly queue = new RequestQueue<ContentRequest<T>>(MOST_OUTSTANDING);
  readonly #sent: ContentRequest<T>[] = [];

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
      if (first.done) return { receivedBytes: 0, stderr: '' };
      await using stream = await host.stream(command, startingWith(first.value, names), signal);
      for await (const entry of readTar(stream.output)) {
        current = this.#sent.shift();
        if (current === undefined || !current.name.equals(entry.name)) throw unexpected(entry.name, current?.name);
        await handlers.take(entry, current.subject);
        current = undefined;
        this.queue.answered();
      }
      const { bytes, stderr } = await stream.finished;
      const missing = this.#sent[0];
      if (missing !== undefined) throw unexpected(undefined, missing.name);
      return { receivedBytes: bytes, stderr };
    } catch (error) {
      const unanswered = [...(current ? [current] : []), ...this.#sent, ...this.queue.fail(error as Error)];
      for (const request of unanswered) handlers.abandon(request.subject, error);
      throw error;
    }
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

function unexpected(found: Buffer | undefined, wanted: Buffer | undefined): StillpointError {
  const what = wanted === undefined ? 'nothing more' : `"${displayName(wanted)}"`;
  const came = found === undefined ? 'the stream ended' : `"${displayName(found)}" came`;
  return new StillpointError('read.incomplete', `The stream of content should hold ${what}, but ${came}.`, {
    advice: 'Nothing was committed. Run the backup again; if it recurs, look at the log for what tar said on the host.',
    cause: undefined,
  });
}
