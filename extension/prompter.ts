/**
 * The person behind the core's questions. Questions come one at a time, whichever part of the program asks. A
 * remembered answer is given once in a conversation, and again after it was proved; when the same question comes again
 * without that, the answer was refused and the person is asked. A conversation lasts from the first to the last piece
 * of work that runs at the same time. What the person wants remembered is stored when it was proved, and what was
 * refused is forgotten.
 */
import { registerSecret } from '../shared/base/log.ts';
import type { HostKeyOffer, Prompter, Question, QuestionIdentity } from '../shared/domain/prompter.ts';

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
  forget(question: QuestionIdentity): Promise<void>;
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
  /** What the person wants remembered, until it is known to be right. */
  readonly #unproved = new Map<string, { readonly question: Question; readonly value: string }>();
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

  settle(question: QuestionIdentity, outcome: 'proved' | 'refused'): void {
    const id = idOf(question);
    const unproved = this.#unproved.get(id);
    this.#unproved.delete(id);
    if (outcome === 'proved') this.#given.delete(id);
    const stored =
      outcome === 'refused'
        ? this.#memory.forget(question)
        : unproved && this.#memory.remember(unproved.question, unproved.value);
    // A key ring that fails costs another question, not the work.
    stored?.catch(() => undefined);
  }

  async #askOnce(question: Question, signal: AbortSignal): Promise<string | undefined> {
    const id = idOf(question);
    const asked = this.#given.has(id);
    this.#given.add(id);
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

  #keep(question: Question, answer: Answer | undefined): string | undefined {
    if (answer === undefined) return undefined;
    if (!question.echo) registerSecret(answer.text);
    if (answer.remember) this.#unproved.set(idOf(question), { question, value: answer.text });
    else this.#unproved.delete(idOf(question));
    return answer.text;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work, work);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }
}

function idOf({ kind, subject, key }: QuestionIdentity): string {
  return JSON.stringify([kind, subject, key]);
}
