/**
 * The file transfers of one host: channels on one connection, opened when there is more to do than the open ones can
 * take, and opened again after the connection was lost. Each channel has a server process of its own, so that one that
 * waits for the disk holds up no other. Where the server allows fewer channels than we want, users share them.
 */
import { type Clock, systemClock } from '../../base/clock.ts';
import { Semaphore } from '../../base/limit.ts';
import { Tries } from '../../base/retry.ts';
import { CHANNEL_REFUSED, LATER_GREETING_BUDGET_MS, NONCE_BUDGET_MS, REQUEST_SILENCE_MS } from '../budgets.ts';
import type { RemoteProcess } from '../transport.ts';
import { SftpClient } from './sftp-client.ts';
import { noSftp } from './sftp-errors.ts';
import type { Silence } from './silence.ts';

/** The way to the host: a connection that is made again when it was lost. */
export interface SftpLine extends AsyncDisposable {
  /** A process that speaks SFTP; undefined when the server refuses another one. */
  start(signal: AbortSignal): Promise<RemoteProcess | undefined>;
}

export interface SftpPoolOptions {
  readonly host: string;
  readonly line: SftpLine;
  /** How many may work at once, and how many channels there are at most. */
  readonly connections: number;
  readonly clock: Clock;
  /** How long a request may go without an answer, and by which clock; default five minutes by that of the system. */
  readonly silence?: { readonly silenceMs?: number | undefined; readonly clock?: Clock };
}

interface Seat {
  readonly client: SftpClient;
  users: number;
}

export class SftpPool implements AsyncDisposable {
  readonly #options: SftpPoolOptions;
  readonly #places: Semaphore;
  readonly #opening = new Semaphore(1);
  readonly #silence: Silence;
  #seats: Seat[] = [];
  #isFull = false;

  constructor(options: SftpPoolOptions) {
    this.#options = options;
    this.#places = new Semaphore(options.connections);
    const { clock = systemClock, silenceMs = REQUEST_SILENCE_MS } = options.silence ?? {};
    this.#silence = { clock, silenceMs, lastHeard: { ms: 0 } };
  }

  /** Runs `work` with a client. Errors of the way are `ssh.…`; nothing is repeated here. */
  async use<T>(signal: AbortSignal, work: (client: SftpClient) => Promise<T>): Promise<T> {
    using _place = await this.#places.acquire(signal);
    const seat = await this.#seat(signal);
    try {
      return await work(seat.client);
    } finally {
      seat.users -= 1;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { client } of this.#seats) client.end();
    await this.#options.line[Symbol.asyncDispose]();
  }

  async #seat(signal: AbortSignal): Promise<Seat> {
    using _turn = await this.#opening.acquire(signal);
    const refusals = new Tries({ clock: this.#options.clock, times: CHANNEL_REFUSED });
    for (;;) {
      this.#seats = this.#seats.filter(({ client }) => !client.isOver);
      if (this.#seats.length === 0) this.#isFull = false;
      const least = this.#seats.toSorted((left, right) => left.users - right.users)[0];
      const seat = least !== undefined && (least.users === 0 || this.#isFull) ? least : await this.#open(signal);
      if (seat !== undefined) {
        seat.users += 1;
        return seat;
      }
      if (least !== undefined) {
        this.#isFull = true;
        refusals.failed();
        continue;
      }
      // Right after a lost connection a server may still count the channels that it has not buried.
      await refusals.waitAfter(noSftp(this.#options.host), signal);
    }
  }

  async #open(signal: AbortSignal): Promise<Seat | undefined> {
    const { host, line } = this.#options;
    const process = await line.start(signal);
    if (process === undefined) return undefined;
    const budgetMs = this.#seats.length === 0 ? NONCE_BUDGET_MS : LATER_GREETING_BUDGET_MS;
    const seat = { client: await SftpClient.open(host, process, signal, budgetMs, this.#silence), users: 0 };
    this.#seats.push(seat);
    return seat;
  }
}
