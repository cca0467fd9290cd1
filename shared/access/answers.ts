/**
 * What a person was asked once and need not be asked again: kept in memory for as long as the shell lives, handed to a
 * runner through its pipe, never written anywhere.
 *
 * Invariant: an answer goes out once, and again only after it was proved. A mistyped password would otherwise be sent at
 * every connection, until the account is locked.
 */
import { registerSecret } from '../base/log.ts';
import type { HostKeyOffer, Prompter, QuestionIdentity } from '../domain/prompter.ts';

/** `kind`, `subject` and `key` as in the question's identity. */
export interface Answer {
  readonly kind: string;
  readonly subject: string;
  readonly key: string;
  readonly value: string;
}

export class AnswerBook {
  readonly #person: Prompter | undefined;
  readonly #answers = new Map<string, KeptAnswer>();

  constructor(person: Prompter | undefined) {
    this.#person = person;
  }

  get hasPerson(): boolean {
    return this.#person !== undefined;
  }

  /**
   * A prompter for one attempt to log in. What is asked again before its answer was proved was answered wrongly, so it
   * goes to the person again.
   */
  attempt(): Prompter {
    const open = new Set<string>();
    return {
      ask: async (question, signal) => {
        const id = idOf(question);
        const known = this.#answers.get(id);
        if (known?.isProved === true && !open.has(id)) {
          open.add(id);
          return known.answer.value;
        }
        open.add(id);
        this.#answers.delete(id);
        const value = await this.#person?.ask(question, signal);
        if (value === undefined) return undefined;
        if (!question.echo) registerSecret(value);
        const { kind, subject, key } = question;
        this.#answers.set(id, { answer: { kind, subject, key, value }, isProved: false });
        return value;
      },
      settle: (question, outcome) => {
        if (outcome === 'proved') open.delete(idOf(question));
        this.settle(question, outcome);
      },
      confirmHostKey: async (offer: HostKeyOffer, signal) =>
        (await this.#person?.confirmHostKey(offer, signal)) ?? false,
    };
  }

  settle(question: QuestionIdentity, outcome: 'proved' | 'refused'): void {
    const id = idOf(question);
    const kept = this.#answers.get(id);
    if (kept === undefined) return;
    if (outcome === 'proved') this.#answers.set(id, { ...kept, isProved: true });
    else this.#answers.delete(id);
    this.#person?.settle(question, outcome);
  }

  /** For a subject whose answers are no longer wanted. */
  forget(subject: string): void {
    for (const [id, { answer }] of this.#answers) if (answer.subject === subject) this.#answers.delete(id);
  }

  /** What was answered and proved. */
  about(subject: string): Answer[] {
    const kept = [...this.#answers.values()];
    return kept.flatMap(({ answer, isProved }) => (isProved && answer.subject === subject ? [answer] : []));
  }
}

interface KeptAnswer {
  readonly answer: Answer;
  readonly isProved: boolean;
}

/**
 * The runner's side: there is no person, so what was answered before is answered again as often as it is asked, also
 * when a lost connection is opened again, until it is refused once; everything else is declined.
 */
export function replayedAnswers(answers: readonly Answer[]): Prompter {
  const known = new Map(answers.map((answer) => [idOf(answer), answer.value]));
  return {
    ask: (question) => Promise.resolve(known.get(idOf(question))),
    confirmHostKey: () => Promise.resolve(false),
    settle: (question, outcome) => {
      if (outcome === 'refused') known.delete(idOf(question));
    },
  };
}

function idOf({ kind, subject, key }: Omit<QuestionIdentity, 'kind'> & { readonly kind: string }): string {
  return JSON.stringify([kind, subject, key]);
}
