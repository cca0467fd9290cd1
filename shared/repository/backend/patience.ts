/** How long a store that fails is waited for, by who waits. */
import type { RetryTimes } from '../../base/retry.ts';

export interface RetryPolicy extends RetryTimes {
  /** Time in which nothing moved counts too. */
  readonly budgetMs: number;
  /** The same for a request that is refused by a place that answers others. */
  readonly refusedMs: number;
}

export interface Patience extends RetryPolicy {
  /** After how long without a sign of life a request is given up. */
  readonly silenceMs: number;
}

/** A person waits for the answer, or a program that gives up after a minute. */
const question: Patience = {
  tries: 12,
  budgetMs: 12_000,
  refusedMs: 12_000,
  firstWaitMs: 500,
  longestWaitMs: 4_000,
  silenceMs: 30_000,
};

/** A router or a server that restarts is waited for. It must end well before our lock counts as lost, after 22.5 minutes. */
const job: Patience = {
  tries: 12,
  budgetMs: 10 * 60_000,
  refusedMs: 45_000,
  firstWaitMs: 500,
  longestWaitMs: 60_000,
  silenceMs: 5 * 60_000,
};

export const PATIENCE = { question, job } as const;
