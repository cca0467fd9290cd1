/**
 * Whether a call that failed is made again, and when.
 *
 * A store that fails may be on its way back, and a running backup waits for that. Or it is up and refuses this one
 * request forever: full stores answer 500 to every write (rclone), a used-up quota is a plain "failure" over SFTP, and
 * neither says more. Therefore, when the same request was refused like that three times in a row, the file `config` is
 * asked for. If that comes, or is said not to be there, the store is up, and waiting for long would be pointless.
 */
import { deadline } from '../../base/cancel.ts';
import type { Clock } from '../../base/clock.ts';
import { isStillpointError, StillpointError } from '../../base/errors.ts';
import type { LogFields, Logger } from '../../base/log.ts';
import { Tries } from '../../base/retry.ts';
import { STATUS } from '../../remote/sftp/packets.ts';
import type { FileType } from './backend.ts';
import { EVERYTHING, type GivenUp } from './given-up.ts';
import { type CallName, lastWord } from './last-word.ts';
import type { RetryPolicy } from './patience.ts';

/** A call that failed and is made again. */
export interface Trouble {
  readonly error: StillpointError;
  /** No try begins later than this. */
  readonly leftMs: number;
  /** Whether the place answers other requests; undefined where it was not asked. */
  readonly answersOthers: boolean | undefined;
}

export interface RetryPorts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called for each failure after which a call is made again. */
  readonly onTrouble?: ((trouble: Trouble) => void) | undefined;
  readonly policy: RetryPolicy;
  /** From 0 to below 1; default Math.random. */
  readonly random?: () => number;
}

export interface Call {
  readonly call: CallName;
  readonly type: FileType | undefined;
  readonly fields: LogFields;
}

/** Refusals of one request in a row after which another one is asked. */
const ASK_AFTER = 3;
const ASK_BUDGET_MS = 10_000;
const LONGEST_WAIT_WHERE_REFUSED_MS = 10_000;

export interface AttemptPorts extends RetryPorts {
  readonly givenUp: GivenUp;
  /** Reads `config`. */
  readonly askForConfig: (signal: AbortSignal) => Promise<unknown>;
}

/** Decides for one call whether it is made again, and when. */
export class Attempts {
  readonly #ports: AttemptPorts;
  readonly #call: Call;
  readonly #what: string;
  readonly #tries: Tries;
  #refusals = 0;
  #answersOthers: boolean | undefined;

  constructor(ports: AttemptPorts, call: Call) {
    this.#ports = ports;
    this.#call = call;
    this.#what = `${call.call} ${call.type ?? ''}`;
    const { clock, policy: times, random = Math.random } = ports;
    this.#tries = new Tries({ clock, times, random });
  }

  /** The call got on since the last failure, so its count begins anew. */
  renew(): void {
    this.#tries.renew();
    this.#refusals = 0;
    this.#answersOthers = undefined;
  }

  worked(): void {
    this.#ports.givenUp.worked(this.#what);
  }

  /** Resolves when it is time for the next try; throws the error when there is no further try. */
  async waitAfter(error: unknown, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!isStillpointError(error) || error.retry === 'never') throw error;
    const { clock, logger, policy, givenUp } = this.#ports;
    this.#tries.failed(silentMs(error));
    await this.#judge(error, signal);
    const isRefused = this.#answersOthers === true;
    const { tries, passedMs, leftMs, waitMs, isLast } = this.#tries.verdict(
      isRefused ? { budgetMs: policy.refusedMs, longestWaitMs: LONGEST_WAIT_WHERE_REFUSED_MS } : {},
    );
    const facts = { ...this.#call.fields, code: error.code, error: error.message, tries };
    if (isLast || givenUp.has(this.#what)) {
      givenUp.add(isRefused ? this.#what : EVERYTHING);
      logger.log('warn', 'A call to the store failed for the last time.', facts);
      throw lastWord(error, { call: this.#call.call, tries, passedMs, answersOthers: this.#answersOthers });
    }
    logger.log('warn', 'A call to the store failed and is made again.', { ...facts, waitMs });
    this.#ports.onTrouble?.({ error, leftMs, answersOthers: this.#answersOthers });
    await clock.sleep(waitMs, signal);
  }

  async #judge(error: StillpointError, signal: AbortSignal): Promise<void> {
    this.#refusals = isBareRefusal(error) ? this.#refusals + 1 : 0;
    if (this.#refusals === 0) this.#answersOthers = undefined;
    const isTheSame = this.#call.call === 'load' && this.#call.type === 'config';
    if (this.#refusals < ASK_AFTER || this.#answersOthers === true || isTheSame) return;
    this.#answersOthers = await this.#answers(signal);
  }

  /** Also "it is not there" is an answer, and "you may not". */
  async #answers(signal: AbortSignal): Promise<boolean> {
    using limit = deadline(signal, ASK_BUDGET_MS, noAnswer);
    try {
      await this.#ports.askForConfig(limit.signal);
      return true;
    } catch (error) {
      signal.throwIfAborted();
      return !limit.signal.aborted && isStillpointError(error) && error.retry === 'never';
    }
  }
}

/** "No", without a reason. Those that name one, or say "later" (429, 502 to 504), are taken at their word. */
function isBareRefusal({ code, details }: StillpointError): boolean {
  return code === 'backend.failed' && (details['status'] === 500 || details['status'] === STATUS.failure);
}

/** For how long nothing moved before an error. */
function silentMs({ details }: StillpointError): number {
  return typeof details['silentMs'] === 'number' ? details['silentMs'] : 0;
}

function noAnswer(): StillpointError {
  return new StillpointError('backend.failed', 'The store of the repository does not answer.', {
    advice: '',
    cause: undefined,
    retry: 'maybe',
  });
}
