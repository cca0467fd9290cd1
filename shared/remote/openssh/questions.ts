/**
 * A client's questions put to the person, and what became of the answers. A question that comes again means that its
 * last answer was refused; that the login ended well means that the last answers were right.
 *
 * Where a person declines, or cannot be asked, nothing is sent in place of an answer: OpenSSH would take silence for
 * an empty password and send that, so the attempt is ended at once.
 */
import { registerSecret } from '../../base/log.ts';
import type { Prompter, QuestionIdentity } from '../../domain/prompter.ts';
import { knownKeysOf } from '../ssh/host-key.ts';
import type { ShownHostKey } from '../ssh/host-key-errors.ts';
import { sshCommand } from '../ssh/openssh-config.ts';
import type { Hop } from './client.ts';
import { readClientLog } from './client-log.ts';
import { type Prompt, parsePrompt } from './prompts.ts';

export interface QuestionsOptions {
  /** Undefined where no person can be asked. */
  readonly prompter: Prompter | undefined;
  readonly way: readonly Hop[];
  /** The name of the host that all this is for. */
  readonly host: string;
  log(hop: number): Promise<string>;
  /** A person has to do something that is not an answer. */
  notice(text: string): void;
}

export interface RefusedKey extends ShownHostKey {
  /** Keys of other types that are known for the host. */
  readonly otherKeys: readonly string[];
}

export class Questions {
  readonly #options: QuestionsOptions;
  readonly #onTrial = new Map<string, QuestionIdentity>();
  readonly #asked = new Map<string, number>();
  readonly declined: string[] = [];
  /** The host key that the person did not trust. The client is ended at once, often before it has said so itself. */
  refusedKey: RefusedKey | undefined;
  readonly #stop = Promise.withResolvers<void>();
  #open = 0;

  constructor(options: QuestionsOptions) {
    this.#options = options;
  }

  /** Resolves when an answer that was needed was not given: the attempt is over. */
  get stopped(): Promise<void> {
    return this.#stop.promise;
  }

  /** A person is thinking, so time does not run. */
  get isAsking(): boolean {
    return this.#open > 0;
  }

  /** The client is connected, or it is not: the last answers were right, or wrong. */
  settle(outcome: 'proved' | 'refused'): void {
    for (const question of this.#onTrial.values()) this.#options.prompter?.settle(question, outcome);
    this.#onTrial.clear();
  }

  async answer(
    asked: { readonly hop: number; readonly text: string; readonly hint: string | undefined },
    signal: AbortSignal,
  ): Promise<string | undefined> {
    this.#open += 1;
    try {
      const prompt = parsePrompt(asked.text, asked.hint);
      return await this.#answerTo(prompt, asked.hop, signal);
    } finally {
      this.#open -= 1;
    }
  }

  async #answerTo(prompt: Prompt, hop: number, signal: AbortSignal): Promise<string | undefined> {
    const config = this.#options.way[hop]?.config ?? NOWHERE;
    const { alias, user, hostName, port } = config;
    const address = `${user}@${hostName}:${port}`;
    switch (prompt.kind) {
      case 'host-key':
        return await this.#aboutHostKey(prompt, hop, signal);
      case 'passphrase':
        return await this.#ask('key-passphrase', prompt.file, `Passphrase for key "${prompt.file}"`, signal);
      case 'pin':
        return await this.#ask('key-passphrase', prompt.device, `PIN for ${prompt.device}`, signal);
      case 'password':
        return await this.#ask('ssh-password', address, `Password of "${user}" on "${alias}"`, signal);
      case 'question':
        return await this.#ask('keyboard-interactive', `${address} ${prompt.text.trim()}`, prompt.text.trim(), signal);
      case 'password-change':
        this.declined.push(`password: the host wants a new one first; change it with "${sshCommand(config)}"`);
        this.#stop.resolve();
        return undefined;
      case 'side-question':
        return 'no';
      case 'touch':
        this.#options.notice(prompt.text);
        return await new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined)));
      case 'other':
        return await this.#ask('keyboard-interactive', `${address} ${prompt.text.trim()}`, prompt.text.trim(), signal);
    }
  }

  async #ask(
    kind: QuestionIdentity['kind'],
    key: string,
    words: string,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { prompter, host } = this.#options;
    const question: QuestionIdentity = { kind, subject: host, key };
    const id = `${kind} ${key}`;
    if (this.#onTrial.delete(id)) prompter?.settle(question, 'refused');
    const times = (this.#asked.get(id) ?? 0) + 1;
    this.#asked.set(id, times);
    const text = times === 1 ? words : `${words} (the last one was wrong)`;
    const answer = await prompter?.ask({ ...question, text, echo: false }, signal);
    if (signal.aborted) return undefined;
    if (answer === undefined) {
      const what = whatOf(kind, key);
      this.declined.push(`${what} not given`);
      this.#stop.resolve();
      return undefined;
    }
    registerSecret(answer);
    this.#onTrial.set(id, question);
    return answer;
  }

  /** The answer is the fingerprint that the person saw, so that no other key can be accepted by it. */
  async #aboutHostKey(
    { keyType, fingerprint, othersKnown }: Extract<Prompt, { kind: 'host-key' }>,
    hop: number,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { prompter, way, host } = this.#options;
    const step = way[hop];
    if (step === undefined || prompter === undefined) return undefined;
    const { hostKey } = readClientLog(await this.#options.log(hop));
    const known = await knownKeysOf(step.config);
    const otherKeys =
      known.otherKeys.length === 0 && othersKnown ? ['one that OpenSSH does not name'] : known.otherKeys;
    const type = hostKey?.fingerprint === fingerprint ? hostKey.type : keyType;
    const isTrusted = await prompter.confirmHostKey(
      { host, address: known.address, keyType: type, fingerprint, otherKeys },
      signal,
    );
    if (isTrusted) return fingerprint;
    this.refusedKey = { config: step.config, keyType: type, fingerprint, otherKeys };
    this.#stop.resolve();
    return undefined;
  }
}

/** In the words of OpenSSH, which calls the ways of logging in by these names. */
function whatOf(kind: QuestionIdentity['kind'], key: string): string {
  if (kind === 'key-passphrase') return `key file "${key}": its passphrase was`;
  return kind === 'ssh-password' ? 'password:' : `${kind}:`;
}

const NOWHERE = { alias: '', configFile: undefined, user: '', hostName: '', port: 0 };
