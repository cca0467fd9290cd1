/**
 * A writer's heavy work: of little data it is done in the writer's own thread, and of more in threads, of which each is
 * started when it pays: a backup that finds little to store is over before they would have begun. The pool only spreads
 * jobs; its callers limit how much is under way. A worker that fails fails every job, because a blob that was in it is
 * lost to the writer.
 */
import type { StillpointError } from '../../base/errors.ts';
import type { BlobId, BlobType, PackId } from '../ids.ts';
import type { ForeignBlob } from '../repository.ts';
import { createBlobWork } from './blob-work.ts';
import type { CutBehind, CutContent, EncodedBlob, FromWorker, ToWorker, WorkerSetup } from './messages.ts';
import { rejectAll, startThread, threadFailed } from './threads.ts';

export interface EncodedBatch {
  readonly ids: readonly BlobId[];
  readonly data: Uint8Array;
  readonly blobs: readonly EncodedBlob[];
}

export interface ResealedBatch extends EncodedBatch {
  /** Places of the blobs that could not be proved. */
  readonly faults: readonly number[];
}

export interface FinishedPack {
  readonly id: PackId;
  readonly content: readonly Uint8Array[];
}

/** The worker on which one content is cut. */
export interface CutLane {
  /** Some more bytes, which are moved, and so many zeros behind them. Answered in the order of asking. */
  cut(data: readonly Uint8Array[], zeros: number, behind: CutBehind): Promise<CutContent>;
}

/** Given the ids of a batch, says which of them (by place) are to be encoded. */
export type Choose = (ids: readonly BlobId[]) => readonly number[];

type Result = EncodedBatch | ResealedBatch | FinishedPack | CutContent;

interface Job {
  readonly weight: number;
  readonly choose: Choose | undefined;
  ids: readonly BlobId[];
  resolve(result: Result): void;
  reject(error: unknown): void;
}

interface Order extends Partial<Pick<Job, 'choose' | 'ids'>> {
  readonly weight: number;
  /** Default: the one with the least to do. */
  readonly member?: Member;
}

interface Worker {
  /** @param moved nobody else's from now on */
  post(message: ToWorker, moved: readonly Uint8Array[]): void;
  end(): Promise<unknown>;
}

interface Member {
  readonly worker: Worker;
  readonly jobs: Map<number, Job>;
  weight: number;
}

/** What cutting and hashing cost beside compressing and sealing. */
const LIGHT = 1 / 8;
/** So much is done in the time and with the work that a thread takes to start: 100 ms of a processor. */
const THREAD_PAYS_BYTES = 4 * 1024 * 1024;

const buffersOf = (moved: readonly Uint8Array[]): ArrayBuffer[] => moved.map(({ buffer }) => buffer as ArrayBuffer);

/** In the source tree the entry lies beside this file; in a bundle, beside the bundle. */
export function defaultWorkerUrl(): URL {
  const entry = import.meta.url.endsWith('.ts') ? './worker.ts' : './repository-worker.js';
  return new URL(entry, import.meta.url);
}

export class WorkerPool implements AsyncDisposable {
  readonly #setup: WorkerSetup;
  readonly #most: number;
  readonly #url: URL;
  /** Does what comes first, as long as it is little. */
  readonly #here: Member;
  readonly #threads: Member[] = [];
  #bytesHere = 0;
  #nextJob = 1;
  #nextContent = 1;
  #failure: StillpointError | undefined;
  #closed = false;
  /** Called when a worker has run out of work. */
  onIdle: () => void = () => undefined;

  /** @param most how many threads there may be */
  constructor(setup: WorkerSetup, most: number, url: URL) {
    this.#setup = setup;
    this.#most = most;
    this.#url = url;
    this.#here = this.#memberOf((receive) => this.#workHere(receive));
  }

  /** Whether some worker has nothing to do. */
  get hasIdle(): boolean {
    const members = this.#threads.length === 0 ? [this.#here] : this.#threads;
    return members.some(({ jobs }) => jobs.size === 0);
  }

  /** Hashes the blobs that lie in `data`, then seals those that `choose` wants. `data` is moved. */
  encode(type: BlobType, data: Uint8Array, lengths: readonly number[], choose: Choose): Promise<EncodedBatch> {
    const job = this.#nextJob++;
    const request = { kind: 'hash', job, type, data, lengths } as const;
    return this.#submit(request, [data], { weight: data.length, choose }) as Promise<EncodedBatch>;
  }

  /** @param bytes how much there is to be looked at, as far as is known */
  openCutLane(bytes: number): CutLane {
    const isLittle = this.#threads.length === 0 && this.#bytesHere + bytes <= THREAD_PAYS_BYTES;
    const member = isLittle ? this.#here : (this.#leastThread() ?? this.#startThread());
    const content = this.#nextContent++;
    return {
      cut: (data, zeros, behind) => {
        const request = { kind: 'cut', job: this.#nextJob++, content, data, zeros, behind } as const;
        const weight = data.reduce((sum, { length }) => sum + length, 0) * LIGHT;
        return this.#submit(request, data, { weight, member }) as Promise<CutContent>;
      },
    };
  }

  /** Opens, proves and seals anew what lies in `data`, which is moved. */
  reseal(data: Uint8Array, blobs: readonly ForeignBlob[]): Promise<ResealedBatch> {
    const job = this.#nextJob++;
    const request = { kind: 'reseal', job, data, blobs } as const;
    const ids = blobs.map(({ id }) => id);
    return this.#submit(request, [data], { weight: data.length, ids }) as Promise<ResealedBatch>;
  }

  /** @param pieces the sealed blobs, moved */
  finish(pieces: readonly Uint8Array[], header: Uint8Array): Promise<FinishedPack> {
    const job = this.#nextJob++;
    const weight = pieces.reduce((sum, piece) => sum + piece.length, 0) * LIGHT;
    return this.#submit({ kind: 'finish', job, pieces, header }, pieces, { weight }) as Promise<FinishedPack>;
  }

  #submit(
    request: ToWorker,
    moved: readonly Uint8Array[],
    { weight, choose, ids = [], member = this.#memberFor(weight) }: Order,
  ): Promise<Result> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      member.jobs.set(request.job, { weight, choose, ids, resolve, reject });
      member.weight += weight;
      member.worker.post(request, moved);
    });
  }

  #memberFor(weight: number): Member {
    if (this.#threads.length === 0 && this.#bytesHere + weight <= THREAD_PAYS_BYTES) {
      this.#bytesHere += weight;
      return this.#here;
    }
    const least = this.#leastThread();
    if (least === undefined) return this.#startThread();
    const pays = least.jobs.size > 0 && least.weight + weight > THREAD_PAYS_BYTES;
    return pays && this.#threads.length < this.#most ? this.#startThread() : least;
  }

  #leastThread(): Member | undefined {
    const [first, ...others] = this.#threads;
    return first && others.reduce((one, other) => (other.weight < one.weight ? other : one), first);
  }

  #memberOf(start: (receive: (message: FromWorker) => void) => Worker): Member {
    const member: Member = {
      worker: start((message) => this.#receive(member, message)),
      jobs: new Map(),
      weight: 0,
    };
    return member;
  }

  #startThread(): Member {
    const member = this.#memberOf((onMessage) => {
      const hooks = { onMessage, onFailure: (cause: unknown) => this.#fail(cause), isClosed: () => this.#closed };
      const thread = startThread<FromWorker>(this.#url, this.#setup, hooks);
      return {
        post: (message, moved) => thread.postMessage(message, buffersOf(moved)),
        end: () => thread.terminate(),
      };
    });
    this.#threads.push(member);
    return member;
  }

  /** Who gave a buffer away must find it gone, here as with a thread. */
  #workHere(receive: (message: FromWorker) => void): Worker {
    const work = createBlobWork(this.#setup, receive);
    work.catch(() => undefined);
    const post = async (message: ToWorker): Promise<void> => {
      try {
        (await work)(message);
      } catch (error) {
        this.#fail(error);
      }
    };
    return {
      post: (message, moved) => void post(structuredClone(message, { transfer: buffersOf(moved) })),
      end: () => Promise.resolve(),
    };
  }

  #receive(member: Member, message: FromWorker): void {
    const job = member.jobs.get(message.job);
    if (job === undefined) return;
    switch (message.kind) {
      case 'hashed': {
        job.ids = message.ids;
        const wanted = job.choose?.(message.ids) ?? [];
        member.worker.post({ kind: 'encode', job: message.job, wanted }, []);
        if (wanted.length > 0) return;
        this.#settle(member, message.job, job);
        job.resolve({ ids: message.ids, data: new Uint8Array(0), blobs: [] });
        return;
      }
      case 'encoded':
        this.#settle(member, message.job, job);
        job.resolve({ ids: job.ids, data: message.data, blobs: message.blobs });
        return;
      case 'resealed':
        this.#settle(member, message.job, job);
        job.resolve({ ids: job.ids, data: message.data, blobs: message.blobs, faults: message.faults });
        return;
      case 'cut':
        this.#settle(member, message.job, job);
        job.resolve({ cuts: message.cuts, openBytes: message.openBytes });
        return;
      case 'finished':
        this.#settle(member, message.job, job);
        job.resolve({ id: message.id, content: message.content });
        return;
    }
  }

  #settle(member: Member, number: number, job: Job): void {
    member.jobs.delete(number);
    member.weight -= job.weight;
    if (member.jobs.size === 0) this.onIdle();
  }

  #fail(cause: unknown): void {
    this.#failure ??= threadFailed('compresses and encrypts', cause);
    rejectAll([this.#here, ...this.#threads], this.#failure);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#fail(new Error('the writer was closed'));
    await Promise.all(this.#threads.map(({ worker }) => worker.end()));
  }
}
