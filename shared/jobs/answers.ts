/**
 * What a person was asked once and need not be asked again: kept in memory for as long as the shell lives, handed to a
 * runner through its pipe, never written anywhere.
 */
import { z } from 'zod';
import { registerSecret } from '../base/log.ts';
import type { HostKeyOffer, Prompter, Question } from '../domain/prompter.ts';

const answerSchema = z.object({ kind: z.string(), subject: z.string(), text: z.string(), value: z.string() });
export type Answer = z.infer<typeof answerSchema>;

/** One line of JSON on the runner's standard input. */
export const handoverSchema = z.object({
  answers: z.array(answerSchema),
  /** By the name of the repository. */
  repositorySecrets: z.record(
    z.string(),
    z.object({
      password: z.string(),
      /** What the place of the repository asks for. */
      store: z.string().optional(),
    }),
  ),
  /** What the starter noticed on the way; the runner tells it in the job's log. */
  warnings: z.array(z.object({ code: z.string(), message: z.string(), advice: z.string() })),
});
export type Handover = z.infer<typeof handoverSchema>;
export type RepositorySecrets = Handover['repositorySecrets'][string];

export class AnswerBook {
  readonly #person: Prompter | undefined;
  readonly #answers = new Map<string, Answer>();

  constructor(person: Prompter | undefined) {
    this.#person = person;
  }

  get hasPerson(): boolean {
    return this.#person !== undefined;
  }

  /**
   * A prompter for one attempt to log in. What is asked twice in one attempt was answered wrongly the first time, so it
   * goes to the person again.
   */
  attempt(): Prompter {
    const asked = new Set<string>();
    return {
      ask: async (question, signal) => {
        const key = keyOf(question);
        const known = this.#answers.get(key);
        if (known !== undefined && !asked.has(key)) {
          asked.add(key);
          return known.value;
        }
        asked.add(key);
        this.#answers.delete(key);
        const value = await this.#person?.ask(question, signal);
        if (value === undefined) return undefined;
        if (!question.echo) registerSecret(value);
        this.#answers.set(key, { kind: question.kind, subject: question.subject, text: question.text, value });
        return value;
      },
      confirmHostKey: async (offer: HostKeyOffer, signal) =>
        (await this.#person?.confirmHostKey(offer, signal)) ?? false,
    };
  }

  /** For a subject that refused what was answered. */
  forget(subject: string): void {
    for (const [key, answer] of this.#answers) if (answer.subject === subject) this.#answers.delete(key);
  }

  about(subject: string): Answer[] {
    return [...this.#answers.values()].filter((answer) => answer.subject === subject);
  }
}

/**
 * The runner's side: there is no person, so what was answered before is answered again as often as it is asked, also
 * when a lost connection is opened anew; everything else is declined.
 */
export function replayedAnswers(answers: readonly Answer[]): Prompter {
  const known = new Map(answers.map((answer) => [keyOf(answer), answer.value]));
  return {
    ask: (question) => Promise.resolve(known.get(keyOf(question))),
    confirmHostKey: () => Promise.resolve(false),
  };
}

function keyOf({ kind, subject, text }: Pick<Question, 'subject' | 'text'> & { readonly kind: string }): string {
  return JSON.stringify([kind, subject, text]);
}
