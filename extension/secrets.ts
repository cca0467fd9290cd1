/**
 * Answers that the user asked us to remember, in the editor's secret storage and nowhere else. They are bound to this
 * machine: a lost one leads to a question, never to a failure. One-time codes are not remembered.
 */
import type { SecretStorage } from 'vscode';
import { registerSecret } from '../shared/base/log.ts';
import type { Question, QuestionIdentity } from '../shared/domain/prompter.ts';

const PREFIX = 'answer:';

export function isRememberable(question: Question): boolean {
  return !question.echo && question.kind !== 'keyboard-interactive';
}

export class RememberedSecrets {
  readonly #storage: SecretStorage;

  constructor(storage: SecretStorage) {
    this.#storage = storage;
  }

  async recall(question: Question): Promise<string | undefined> {
    if (!isRememberable(question)) return undefined;
    const value = await this.#storage.get(secretKey(question));
    if (value !== undefined) registerSecret(value);
    return value;
  }

  async remember(question: Question, value: string): Promise<void> {
    if (isRememberable(question)) await this.#storage.store(secretKey(question), value);
  }

  async forget(question: QuestionIdentity): Promise<void> {
    await this.#storage.delete(secretKey(question));
  }

  /** Returns how many there were. */
  async forgetAll(): Promise<number> {
    const keys = (await this.#storage.keys()).filter((key) => key.startsWith(PREFIX));
    for (const key of keys) await this.#storage.delete(key);
    return keys.length;
  }
}

function secretKey({ kind, subject, key }: QuestionIdentity): string {
  return `${PREFIX}${JSON.stringify([kind, subject, key])}`;
}
