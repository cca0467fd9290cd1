/**
 * Who is asked on two ways that are gone at the same time hears one question after the other, in the order in which they
 * would come if the ways were gone one after the other.
 */
import { abortable } from '../base/cancel.ts';
import { Semaphore } from '../base/limit.ts';
import type { Prompter } from '../domain/prompter.ts';

export interface QuestionsInOrder {
  /** For what would be gone first. */
  readonly first: Prompter;
  /** Its questions wait until `firstIsThere` was called. */
  readonly second: Prompter;
  readonly firstIsThere: () => void;
}

export function questionsInOrder(prompter: Prompter): QuestionsInOrder {
  const turns = new Semaphore(1);
  const arrived = Promise.withResolvers<void>();
  const inTurn = (before: Promise<void>): Prompter => {
    const wait = async <T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> => {
      await abortable(before, signal);
      using _ = await turns.acquire(signal);
      return await ask();
    };
    return {
      ask: (question, signal) => wait(signal, () => prompter.ask(question, signal)),
      confirmHostKey: (offer, signal) => wait(signal, () => prompter.confirmHostKey(offer, signal)),
      settle: (question, outcome) => prompter.settle(question, outcome),
    };
  };
  return { first: inTurn(Promise.resolve()), second: inTurn(arrived.promise), firstIsThere: () => arrived.resolve() };
}
