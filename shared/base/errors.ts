/**
 * The one error class of Stillpoint.
 *
 * An error is a message to a person who has to act: what happened and to which object (`message`), what it means and
 * what to do next (`advice`). Programs look at `code`, which is stable. There are no subclasses: an error crosses
 * bundles and processes, so it is recognised by a brand, never by `instanceof`.
 *
 * Foreign errors (ssh2, node:fs, a remote tool) become a StillpointError once, at the edge where they enter.
 */
import type { ErrorCode } from './error-codes.ts';

const BRAND = 'stillpoint.error';

/** Whether doing the same again may help: `safe` only where repeating cannot do harm. */
export type Retry = 'never' | 'maybe' | 'safe';

export interface ErrorFacts {
  /** What it means and what to do next, one or two sentences. */
  readonly advice: string;
  /** Plain data for programs; never a secret. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** The foreign error behind this one; it has to be given, even as `undefined`, so that it is not forgotten. */
  readonly cause: unknown;
  readonly retry?: Retry;
}

/** The form in which an error is stored in a job's log or sent to another process. */
export interface ErrorRecord {
  readonly code: string;
  readonly message: string;
  readonly advice: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export class StillpointError extends Error {
  override readonly name = 'StillpointError';
  readonly brand = BRAND;
  readonly code: ErrorCode;
  readonly advice: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly retry: Retry;

  constructor(code: ErrorCode, message: string, facts: ErrorFacts) {
    super(message, { cause: facts.cause });
    this.code = code;
    this.advice = facts.advice;
    this.details = facts.details ?? {};
    this.retry = facts.retry ?? 'never';
  }
}

export function isStillpointError(error: unknown, code?: ErrorCode): error is StillpointError {
  const candidate = error as Partial<StillpointError> | null | undefined;
  return candidate?.brand === BRAND && (code === undefined || candidate.code === code);
}

/** Gives every thrown thing the shape of our error; what we do not know is called an internal error. */
export function toStillpointError(error: unknown): StillpointError {
  const primary = primaryError(error);
  if (isStillpointError(primary)) return primary;
  const text = primary instanceof Error ? primary.message : String(primary);
  return new StillpointError('internal.unexpected', `Something unexpected went wrong: ${text}`, {
    advice: 'This is a fault in Stillpoint. Report it with the log of the job.',
    cause: primary,
  });
}

/**
 * The error that came first. `await using` reports a failing disposal as a SuppressedError whose `error` is the
 * disposal's and whose `suppressed` is the one that people need to see.
 */
function primaryError(error: unknown): unknown {
  let current = error;
  while (current instanceof SuppressedError) current = current.suppressed;
  return current;
}

export function toErrorRecord(error: unknown): ErrorRecord {
  const { code, message, advice, details } = toStillpointError(error);
  return { code, message, advice, details };
}

export function fromErrorRecord(record: ErrorRecord): StillpointError {
  return new StillpointError(record.code as ErrorCode, record.message, {
    advice: record.advice,
    details: record.details,
    cause: undefined,
  });
}

/** For states that cannot be; the message names the broken belief. */
export function invariant(condition: unknown, belief: string): asserts condition {
  if (condition) return;
  throw new StillpointError('internal.invariant', `Stillpoint believed "${belief}", and it is not so.`, {
    advice: 'This is a fault in Stillpoint. Report it with the log of the job.',
    cause: undefined,
  });
}

/** "ENOENT" and the like, where the operating system refused something. */
export function systemErrorCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}
