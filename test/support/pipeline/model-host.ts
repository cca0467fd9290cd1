/**
 * A host that is only a model: it knows which runs are armed and which snapshots stand, answers every command of a
 * backup as a host would, and breaks where a test says so. What a backup claims of it is compared with what it holds.
 */
import { Readable } from 'node:stream';
import type { WallSpan } from '../../../shared/base/clock.ts';
import { StillpointError } from '../../../shared/base/errors.ts';
import type { RemoteCommand, RemoteScript } from '../../../shared/remote/command.ts';
import type { RemoteHost } from '../../../shared/remote/remote-host.ts';
import { BOOT_ID, madeSnapshots, quietAnswer, streamOf } from './paper-answers.ts';
import { paperFiles } from './paper-files.ts';

const TIMES = '1700000000.0000000000 1700000000.0000000000';
const LISTING = `d 2 3 755 0 0 4096 ${TIMES}\0\0\0f 12 1 644 0 0 5 ${TIMES}\0hello\0\0`;
const FILES = [
  { path: '', type: 'dir' },
  { path: 'hello', type: 'file', content: Buffer.from('world') },
] as const;
const ABOVE = `d 3 4 755 0 0 4096 ${TIMES}\0/srv\0\0`;

type Moment = 'before' | 'after';
export type Strike = (command: string, moment: Moment) => void;

export class ModelHost {
  /** Runs with a folder on the host. */
  readonly runs = new Set<string>();
  readonly snapshots = new Set<string>();
  /** Names of the commands that were run, in order. */
  readonly ran: string[] = [];
  /** All that went to the host: scripts, arguments and input. */
  readonly sent: Buffer[] = [];
  /** The same by the connection that they were run on, in the order in which these were opened. */
  readonly ranOn: string[][] = [];
  /** Throws to break a command: before it does anything, or when it is done and its answer is lost. */
  strike: Strike = () => undefined;
  /** How many logins are let in; the next one fails. */
  mostConnections = Number.POSITIVE_INFINITY;
  /** What a release cannot remove. */
  isBusy = false;

  get isClean(): boolean {
    return this.runs.size === 0 && this.snapshots.size === 0;
  }

  /** Each call is a connection of its own to the same host. */
  open(): RemoteHost {
    if (this.ranOn.length >= this.mostConnections) throw connectionLost();
    const own: string[] = [];
    this.ranOn.push(own);
    return {
      name: 'db1',
      run: async (command, signal) => {
        own.push(command.name);
        this.sent.push(...wordsOf(command), Buffer.from(command.input ?? []));
        this.#begin(command.name, signal);
        const answer = this.#answer(command);
        this.strike(command.name, 'after');
        return answer as never;
      },
      stream: async (command, input, signal) => {
        own.push(command.name);
        this.sent.push(...wordsOf(command));
        this.#begin(command.name, signal);
        if (command.name === 'pack-files') {
          return paperFiles(FILES).stream(command, input && Readable.from(this.#heard(input)), signal);
        }
        if (command.name === 'take-dump') return streamOf('words');
        return streamOf(command.name === 'list-ancestors' ? ABOVE : LISTING);
      },
      async [Symbol.asyncDispose]() {},
    };
  }

  async *#heard(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of input) {
      this.sent.push(Buffer.from(chunk));
      yield chunk;
    }
  }

  #begin(name: string, signal: AbortSignal): void {
    signal.throwIfAborted();
    this.ran.push(name);
    this.strike(name, 'before');
    signal.throwIfAborted();
  }

  #answer(command: RemoteCommand<unknown>): unknown {
    const [first = ''] = command.args.map(String);
    switch (command.name) {
      case 'identify-host':
        return { ...(quietAnswer(command, BOOT_ID, undefined) as object), wallClock: aMomentOf(Date.now()) };
      case 'look-for-dump':
        return command.parse({ exitCode: 0, stdout: Buffer.alloc(0), stderr: '' });
      case 'read-clock':
        return command.parse({ exitCode: 0, stdout: Buffer.from('1700000000.000000000 1000.00\n'), stderr: '' });
      case 'arm-lease':
        this.runs.add(first);
        break;
      case 'take-snapshots': {
        const wallClockNs = BigInt(Date.now()) * 1_000_000n;
        return madeSnapshots(command, { beforeUptime: 1000, afterUptime: 1000.01, wallClockNs }, (name) => {
          this.snapshots.add(name);
          return name;
        });
      }
      case 'take-up-reading':
        return undefined;
      case 'release-lease':
        if (this.isBusy)
          return { removed: [], kept: [...this.snapshots].map((object) => ({ object, reason: 'busy' })) };
        this.runs.clear();
        this.snapshots.clear();
        break;
      default:
    }
    return quietAnswer(command, BOOT_ID, [...this.snapshots][0]);
  }
}

const wordsOf = ({ script, args }: RemoteScript): Buffer[] => [script, ...args].map((word) => Buffer.from(word));

const aMomentOf = (ms: number): WallSpan => ({ earliestMs: ms, latestMs: ms + 1 });

export function connectionLost(): StillpointError {
  return new StillpointError('ssh.connection-lost', 'The connection to "db1" is gone.', {
    advice: 'See why.',
    cause: undefined,
  });
}
