/**
 * A host on paper for whole backups: one volume with a folder of files, snapshots that are copies of it, and a clock that
 * the test sets. Time passes only when something is done, so that ours, the host's and the true time are known.
 */
import type { Clock } from '../../../shared/base/clock.ts';
import type { RemoteCommand, RemoteStream, StreamCommand } from '../../../shared/remote/command.ts';
import type { RemoteHost } from '../../../shared/remote/remote-host.ts';
import { guestGroups } from '../../unit/snapshot/fixtures.ts';
import { BOOT_ID, madeSnapshots, quietAnswer, streamOf } from './paper-answers.ts';
import { type PaperFile, paperFiles } from './paper-files.ts';

/** A folder of the guest's volume vg0/files. */
export const FOLDER = '/srv/files';

const NS_IN_MS = 1_000_000n;
/** How long a command takes. */
const COMMAND_MS = 30;
const CREATE_MS = 700;

interface StoredFile {
  readonly content: Buffer;
  readonly inode: number;
  /** mtime and ctime. */
  readonly timeNs: bigint;
}

export class PaperMachine {
  /** The true time. */
  ms: number;
  /** What is wrong with our clock, and with the host's. */
  ourErrorMs = 0;
  hostErrorMs = 0;
  bootId = BOOT_ID;
  /** A date(1) and a file system that know whole seconds only. */
  isCoarse = false;
  /** Runs just before the snapshots are made. */
  onCreate: () => void = () => undefined;
  readonly #files = new Map<string, StoredFile>();
  #snapshot: ReadonlyMap<string, StoredFile> = new Map();
  #bootMs: number;
  #inode = 100;

  constructor(now: Date) {
    this.ms = now.getTime();
    this.#bootMs = this.ms - 3_600_000;
  }

  /** The clock of the machine that makes the backup. */
  get clock(): Clock {
    return {
      now: () => new Date(Math.floor(this.ms + this.ourErrorMs)),
      monotonicMs: () => this.ms,
      // Short waits take no time; renewals wait for longer and are ended.
      sleep: async (ms, signal) => {
        signal.throwIfAborted();
        if (ms < 10_000) return this.pass(ms);
        await new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
        });
      },
    };
  }

  get hostNs(): bigint {
    return BigInt(Math.round((this.ms + this.hostErrorMs) * 1000)) * 1000n;
  }

  pass(ms: number): void {
    this.ms += ms;
  }

  restartHost(): void {
    this.bootId = this.bootId.replace(/^./, (digit) => ((Number.parseInt(digit, 16) + 1) % 16).toString(16));
    this.#bootMs = this.ms;
  }

  /** Writes a file as a user of the host would: its times are what the host's clock shows. */
  write(name: string, content: string): void {
    const timeNs = this.isCoarse ? (this.hostNs / 1_000_000_000n) * 1_000_000_000n : this.hostNs;
    const inode = this.#files.get(name)?.inode ?? (this.#inode += 1);
    this.#files.set(name, { content: Buffer.from(content), inode, timeNs });
  }

  /** What is not there any more, as where a volume is not mounted. */
  remove(name: string): void {
    this.#files.delete(name);
  }

  /** A connection to it. */
  get host(): RemoteHost {
    return {
      name: 'db1',
      run: async <T>(command: RemoteCommand<T>, signal: AbortSignal) => {
        signal.throwIfAborted();
        this.pass(COMMAND_MS / 2);
        const answer = this.#answer(command);
        this.pass(COMMAND_MS / 2);
        return answer as T;
      },
      stream: async (command, input, signal) => this.#stream(command, input, signal),
      async [Symbol.asyncDispose]() {},
    };
  }

  #answer(command: RemoteCommand<unknown>): unknown {
    switch (command.name) {
      case 'identify-host': {
        const earliestMs = this.isCoarse
          ? Math.floor(Number(this.hostNs) / 1e9) * 1000
          : Number(this.hostNs / NS_IN_MS);
        const wallClock = { earliestMs, latestMs: earliestMs + (this.isCoarse ? 1000 : 1) };
        return { ...(quietAnswer(command, this.bootId, UUID) as object), uptimeSeconds: this.#uptime(), wallClock };
      }
      case 'list-volume-groups':
        return guestGroups().map((group) => ({ ...group, vg_free_count: 2000 }));
      case 'take-snapshots': {
        this.onCreate();
        this.#snapshot = new Map(this.#files);
        const facts = { beforeUptime: this.#uptime(), wallClockNs: this.#date() };
        this.pass(CREATE_MS);
        return madeSnapshots(command, { ...facts, afterUptime: this.#uptime() }, () => UUID);
      }
      default:
        return quietAnswer(command, this.bootId, UUID);
    }
  }

  #uptime(): number {
    return Math.floor((this.ms - this.#bootMs) / 10) / 100;
  }

  #date(): bigint {
    return this.isCoarse ? (this.hostNs / 1_000_000_000n) * 1_000_000_000n : this.hostNs;
  }

  async #stream(
    command: StreamCommand,
    input: AsyncIterable<Uint8Array> | undefined,
    signal: AbortSignal,
  ): Promise<RemoteStream> {
    this.pass(COMMAND_MS);
    switch (command.name) {
      case 'list-ancestors':
        return streamOf(command.args.map((path) => lineOf('d', 2n, 0, 0n, path.toString())).join(''));
      case 'list-tree': {
        const files = [...this.#snapshot].toSorted(([left], [right]) => (left < right ? -1 : 1));
        const lines = files.map(([name, { content, inode, timeNs }]) =>
          lineOf('f', BigInt(inode), content.length, timeNs, name),
        );
        return streamOf(lineOf('d', 2n, 4096, 0n, '') + lines.join(''));
      }
      case 'pack-files': {
        const files = [...this.#snapshot].map(
          ([path, { content, inode }]): PaperFile => ({ path, type: 'file', content, inode }),
        );
        return await paperFiles([{ path: '', type: 'dir' }, ...files]).stream(command, input, signal);
      }
      default:
        throw new Error(`nobody answers "${command.name}"`);
    }
  }
}

const UUID = 'abcdef-0123-4567-89ab-cdef-0123-456789';

/** As find prints an entry. */
function lineOf(type: 'f' | 'd', inode: bigint, size: number, timeNs: bigint, path: string): string {
  const time = `${timeNs / 1_000_000_000n}.${String(timeNs % 1_000_000_000n).padStart(9, '0')}`;
  return `${type} ${inode} 1 ${type === 'd' ? '755' : '644'} 0 0 ${size} ${time} ${time}\0${path}\0\0`;
}
