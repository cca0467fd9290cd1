/**
 * The person behind the core's questions. Questions come one at a time, whoever asks them. A remembered answer is given
 * once in a conversation; when the same question comes again within it, the answer was refused and the person is asked.
 * A conversation lasts from the first to the last piece of work that goes on at the same time.
 */
import { registerSecret } from '../shared/base/log.ts';
import type { HostKeyOffer, Prompter, Question } from '../shared/domain/prompter.ts';

export interface Answer {
  readonly text: string;
  readonly remember: boolean;
}

/** How a person is reached: the editor's input box and modal dialog. */
export interface Person {
  /** `again` is a sentence that says why the question comes once more. */
  answer(question: Question, again: string | undefined, signal: AbortSignal): Promise<Answer | undefined>;
  trustHostKey(offer: HostKeyOffer, signal: AbortSignal): Promise<boolean>;
}

export interface Memory {
  recall(question: Question): Promise<string | undefined>;
  remember(question: Question, value: string): Promise<void>;
}

export interface PrompterWords {
  readonly refused: string;
  readonly typeTwice: string;
  readonly different: string;
}

export class PersonPrompter implements Prompter {
  readonly #person: Person;
  readonly #memory: Memory;
  readonly #words: PrompterWords;
  readonly #given = new Set<string>();
  #talks = 0;
  #choosing = 0;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(person: Person, memory: Memory, words: PrompterWords) {
    this.#person = person;
    this.#memory = memory;
    this.#words = words;
  }

  /** Brackets a piece of work that may ask. */
  async conversation<T>(work: () => Promise<T>): Promise<T> {
    this.#talks += 1;
    try {
      return await work();
    } finally {
      this.#talks -= 1;
      if (this.#talks === 0) this.#given.clear();
    }
  }

  /**
   * Brackets work in which a password is chosen, not given: it is typed twice, and nothing remembered is used. A slip
   * of the finger would otherwise lock the user out of the repository.
   */
  async choosingPassword<T>(work: () => Promise<T>): Promise<T> {
    this.#choosing += 1;
    try {
      return await work();
    } finally {
      this.#choosing -= 1;
    }
  }

  ask(question: Question, signal: AbortSignal): Promise<string | undefined> {
    return this.#inTurn(() =>
      question.kind === 'new-repository-password' || (this.#choosing > 0 && question.kind === 'repository-password')
        ? this.#askTwice(question, signal)
        : this.#askOnce(question, signal),
    );
  }

  confirmHostKey(offer: HostKeyOffer, signal: AbortSignal): Promise<boolean> {
    return this.#inTurn(() => this.#person.trustHostKey(offer, signal));
  }

  async #askOnce(question: Question, signal: AbortSignal): Promise<string | undefined> {
    const key = `${question.kind}:${question.subject}:${question.text}`;
    const asked = this.#given.has(key);
    this.#given.add(key);
    const known = asked ? undefined : await this.#memory.recall(question);
    if (known !== undefined) return known;
    const answer = await this.#person.answer(question, asked ? this.#words.refused : undefined, signal);
    return this.#keep(question, answer);
  }

  async #askTwice(question: Question, signal: AbortSignal): Promise<string | undefined> {
    for (let again: string | undefined; ; again = this.#words.different) {
      const first = await this.#person.answer(question, again, signal);
      if (first === undefined) return undefined;
      const second = await this.#person.answer(question, this.#words.typeTwice, signal);
      if (second === undefined) return undefined;
      if (first.text === second.text) {
        return this.#keep(question, { text: first.text, remember: first.remember || second.remember });
      }
    }
  }

  async #keep(question: Question, answer: Answer | undefined): Promise<string | undefined> {
    if (answer === undefined) return undefined;
    if (!question.echo) registerSecret(answer.text);
    if (answer.remember) await this.#memory.remember(question, answer.text);
    return answer.text;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work, work);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }
}
