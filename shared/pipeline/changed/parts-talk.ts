/** A conversation with the host about parts of one file. What it says counts when `end` has resolved. */
import type { StreamCommand } from '../../remote/command.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import type { Range } from '../backup/pack-files.ts';
import { RequestQueue } from '../backup/request-queue.ts';
import { Doubt } from './doubt.ts';
import { NO_PROGRAM } from './host-commands.ts';

type Stream = Awaited<ReturnType<RemoteHost['stream']>>;

export interface TalkPorts {
  readonly host: RemoteHost;
  /** Told of what came over the connection. */
  readonly onReceived: (bytes: number) => void;
  /** How long the host may say nothing to a question. */
  readonly silenceMs?: number;
}

/** A piece has 8 MiB at most, and a disk that is asked for so much answers in seconds. */
const SILENCE_MS = 5 * 60_000;
const LINE_BYTES = 65;
const NEWLINE = 0x0a;
const HASH = /^[0-9a-f]{64}\n$/;

export class PartsTalk implements AsyncDisposable {
  readonly #questions: RequestQueue<Range>;
  readonly #stream: Stream;
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #ports: TalkPorts;
  #rest: Buffer = Buffer.alloc(0);

  private constructor(questions: RequestQueue<Range>, stream: Stream, ports: TalkPorts) {
    this.#questions = questions;
    this.#stream = stream;
    this.#chunks = (stream.output as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
    this.#ports = ports;
  }

  static async open(command: StreamCommand, ports: TalkPorts, signal: AbortSignal): Promise<PartsTalk> {
    const questions = new RequestQueue<Range>(Number.MAX_SAFE_INTEGER);
    return new PartsTalk(questions, await ports.host.stream(command, linesOf(questions), signal), ports);
  }

  async ask(parts: readonly Range[]): Promise<void> {
    for (const part of parts) await this.#questions.push(part);
  }

  /** The next answer, where hashes were asked for. */
  async hash(): Promise<string> {
    while (this.#rest.length < LINE_BYTES) this.#rest = Buffer.concat([this.#rest, await this.#more()]);
    const line = this.#rest.toString('latin1', 0, LINE_BYTES);
    this.#rest = this.#rest.subarray(LINE_BYTES);
    if (!HASH.test(line)) throw new Doubt('the host gave something else than a hash');
    return line.slice(0, -1);
  }

  /** The next answers, where bytes were asked for. */
  async *bytes(parts: readonly Range[]): AsyncGenerator<Buffer> {
    for (const { length } of parts) {
      for (let left = length; left > 0; ) {
        if (this.#rest.length === 0) this.#rest = await this.#more();
        const some = this.#rest.subarray(0, left);
        this.#rest = this.#rest.subarray(some.length);
        left -= some.length;
        // With the last of a part its end has to be there, so that nothing of it is believed that is no part of it.
        if (left === 0) await this.#endOfPart();
        yield some;
      }
    }
  }

  async #endOfPart(): Promise<void> {
    if (this.#rest.length === 0) this.#rest = await this.#more();
    if (this.#rest[0] !== NEWLINE) throw new Doubt('the host gave another part than it was asked for');
    this.#rest = this.#rest.subarray(1);
  }

  /** Nothing more is asked, and nothing more may come. */
  async end(): Promise<void> {
    this.#questions.end();
    if (this.#rest.length > 0 || (await this.#chunks.next()).done !== true)
      throw new Doubt('the host gave more than it was asked for');
    const { exitCode } = await this.#stream.finished;
    if (exitCode !== 0) throw new Doubt('the program that gives parts of it on the host failed');
  }

  async #more(): Promise<Buffer> {
    const chunk = await this.#spoken(this.#chunks.next());
    if (chunk.done !== true) {
      this.#ports.onReceived(chunk.value.length);
      return chunk.value;
    }
    const { exitCode } = await this.#stream.finished;
    throw new Doubt(
      exitCode === NO_PROGRAM
        ? 'the host has no Python, Perl or sha256sum to compute hashes with'
        : 'the host gave less than it was asked for',
    );
  }

  async #spoken<T>(answer: Promise<T>): Promise<T> {
    const silence = Promise.withResolvers<never>();
    const doubt = new Doubt('the host does not answer what it was asked');
    const timer = setTimeout(silence.reject, this.#ports.silenceMs ?? SILENCE_MS, doubt);
    try {
      return await Promise.race([answer, silence.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#questions.end();
    await this.#stream[Symbol.asyncDispose]();
  }
}

async function* linesOf(questions: RequestQueue<Range>): AsyncGenerator<Uint8Array> {
  for await (const parts of questions) {
    yield Buffer.from(parts.map(({ offset, length }) => `${offset} ${length}\n`).join(''));
  }
}
