/**
 * Proving and opening what was read, in threads, or for little data in this one: starting threads takes longer than
 * proving some megabytes. The pool only spreads work; its callers limit how much is under way. A thread that dies
 * fails all work, because what it would have answered is unknown.
 */
import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import type { StillpointError } from '../../base/errors.ts';
import type { CipherKey, Sealer } from '../crypto/aes-poly1305.ts';
import type {
  FromReader,
  Opened,
  Proved,
  ProveRequest,
  ReaderSetup,
  Started,
  Stretch,
  ToReader,
} from './reader-messages.ts';
import { StretchReader } from './stretch-reader.ts';
import { rejectAll, startThread, threadFailed } from './threads.ts';

/** Which part of a pack a stretch is. */
type Part = Pick<ProveRequest, 'isFirst' | 'isLast'>;

export interface ReadingPort extends AsyncDisposable {
  /** How many threads there are. */
  readonly size: number;
  /** Whether work begins at once; threads that are still starting take it too, and begin then. */
  readonly isReady: boolean;
  /** Proves the next stretch of the pack that `lane` reads; stretches of one lane follow each other. `data` is taken. */
  prove(lane: number, part: Part, stretch: Stretch): Promise<Pick<Proved, 'faults' | 'sha256'>>;
  /** Plaintext in the order asked for, or why it cannot be read. `data` is taken. */
  open(stretch: Stretch): Promise<Opened['blobs']>;
}

const MAX_WORKERS = 4;
const THREADS_PAY_BYTES = 16 * 1024 * 1024;

/** @param bytes how much there will be to read */
export function openReading(key: CipherKey, sealer: Sealer, bytes: number): ReadingPort {
  return bytes > THREADS_PAY_BYTES ? readInThreads(key) : readHere(sealer);
}

export function readInThreads(key: CipherKey): ReadingPort {
  return new ReaderPool(key, Math.min(availableParallelism(), MAX_WORKERS));
}

export function readHere(sealer: Sealer): ReadingPort {
  const reader = new StretchReader(sealer);
  return {
    size: 1,
    isReady: true,
    prove: (lane, part, stretch) => Promise.resolve(reader.prove({ lane, ...part, ...stretch })),
    open: (stretch) => Promise.resolve(reader.open(stretch)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

interface Job {
  readonly bytes: number;
  resolve(answer: FromReader): void;
  reject(error: unknown): void;
}

interface Member {
  readonly worker: Worker;
  readonly jobs: Map<number, Job>;
  bytes: number;
}

class ReaderPool implements ReadingPort {
  readonly #members: readonly Member[];
  #nextJob = 1;
  #starting: number;
  #failure: StillpointError | undefined;
  #closed = false;

  constructor(key: CipherKey, count: number) {
    const setup: ReaderSetup = { key };
    this.#starting = count;
    this.#members = Array.from({ length: count }, () => this.#start(setup));
  }

  get size(): number {
    return this.#members.length;
  }

  get isReady(): boolean {
    return this.#starting === 0;
  }

  async prove(lane: number, part: Part, stretch: Stretch): Promise<Proved> {
    const member = this.#members[lane % this.#members.length] as Member;
    return (await this.#submit(member, { kind: 'prove', job: this.#nextJob++, lane, ...part, ...stretch })) as Proved;
  }

  async open(stretch: Stretch): Promise<Opened['blobs']> {
    const member = this.#members.reduce((least, other) => (other.bytes < least.bytes ? other : least));
    return ((await this.#submit(member, { kind: 'open', job: this.#nextJob++, ...stretch })) as Opened).blobs;
  }

  #submit(member: Member, request: ToReader): Promise<FromReader> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const bytes = request.data.length;
    const data = bytes === request.data.buffer.byteLength ? request.data : Uint8Array.from(request.data);
    return new Promise((resolve, reject) => {
      // A thread without work keeps no process alive.
      if (member.jobs.size === 0) member.worker.ref();
      member.jobs.set(request.job, { bytes, resolve, reject });
      member.bytes += bytes;
      member.worker.postMessage({ ...request, data }, [data.buffer as ArrayBuffer]);
    });
  }

  #start(setup: ReaderSetup): Member {
    const worker = startThread<FromReader | Started>(new URL('./reader.ts', import.meta.url), setup, {
      onMessage: (message) => this.#receive(member, message),
      onFailure: (cause) => this.#fail(cause),
      isClosed: () => this.#closed,
    });
    const member: Member = { worker, jobs: new Map(), bytes: 0 };
    worker.unref();
    return member;
  }

  #receive(member: Member, message: FromReader | Started): void {
    if (message.kind === 'started') {
      this.#starting -= 1;
      return;
    }
    const job = member.jobs.get(message.job);
    if (job === undefined) return;
    member.jobs.delete(message.job);
    member.bytes -= job.bytes;
    if (member.jobs.size === 0) member.worker.unref();
    job.resolve(message);
  }

  #fail(cause: unknown): void {
    this.#failure ??= threadFailed('decrypts', cause);
    rejectAll(this.#members, this.#failure);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#fail(new Error('the reading was ended'));
    await Promise.all(this.#members.map(({ worker }) => worker.terminate()));
  }
}
