/**
 * Logging in: which method is tried next, and what became of each. The host says which methods it takes; keys come
 * before what a person has to type; every attempt is written down, because "permission denied" alone helps no user.
 */
import type { AnyAuthMethod, KeyboardInteractiveCallback, Prompt } from 'ssh2';
import type { StillpointError } from '../../base/errors.ts';
import { registerSecret } from '../../base/log.ts';
import type { QuestionIdentity } from '../../domain/prompter.ts';
import type { Identity, IdentityPorts, OneKey } from './identities.ts';
import { findIdentities } from './identities.ts';
import { loginRefused } from './ssh-errors.ts';

type Method = 'publickey' | 'keyboard-interactive' | 'password';

const OPENSSH_ORDER: readonly Method[] = ['publickey', 'keyboard-interactive', 'password'];

export class Login {
  readonly #ports: IdentityPorts;
  readonly #tried: string[] = [];
  readonly #skipped: string[] = [];
  readonly #asked = { password: 0, 'keyboard-interactive': 0 };
  #keys: Identity[] | undefined;
  #pending: string | undefined;
  /** The questions whose answers are on trial. */
  #onTrial: QuestionIdentity[] = [];
  #offeredKey: OneKey | undefined;
  #offered: readonly string[] = [];

  constructor(ports: IdentityPorts) {
    this.#ports = ports;
  }

  /**
   * The next attempt, or false when there is none left. `left` are the methods that the host still takes, null before
   * the first answer; `partial` says that the last attempt was accepted and another one is wanted.
   */
  async next(left: readonly string[] | null, partial: boolean | null): Promise<AnyAuthMethod | false> {
    const username = this.#ports.config.user;
    if (this.#offeredKey?.hasSigned === true) {
      // ssh2 does not pass on what a host says after a key of an agent: a key that was wanted and is not enough shows
      // as a refusal, with the old list of methods. Asking for "none" brings the list that holds now.
      this.#offeredKey = undefined;
      this.#settle('accepted, and more is wanted');
      return { type: 'none', username };
    }
    this.#settle(partial === true ? 'accepted, and more is wanted' : 'refused');
    this.#verdict(partial === true ? 'proved' : 'refused');
    if (left === null) return { type: 'none', username };
    this.#offered = left;
    for (const method of this.#order()) {
      if (!left.includes(method)) continue;
      const attempt = await this.#attempt(method, username);
      if (attempt !== undefined) return attempt;
    }
    return false;
  }

  /** ssh2 tells of an attempt that failed on our side, such as an agent that would not sign. */
  note(error: Error): void {
    this.#offeredKey = undefined;
    this.#settle(error.message);
  }

  failure(cause: unknown): StillpointError {
    const attempts = { tried: this.#tried, skipped: this.#skipped, takes: this.#offered, tooMany: false };
    return loginRefused(this.#ports.config, attempts, cause);
  }

  /** The host let us in. */
  accepted(): void {
    this.#verdict('proved');
  }

  #verdict(outcome: 'proved' | 'refused'): void {
    for (const question of this.#onTrial) this.#ports.prompter?.settle(question, outcome);
    this.#onTrial = [];
  }

  #settle(outcome: string): void {
    if (this.#pending !== undefined) this.#tried.push(`${this.#pending}: ${outcome}`);
    this.#pending = undefined;
  }

  #order(): readonly Method[] {
    const { methods, preferredMethods } = this.#ports.config;
    const allowed: Readonly<Record<Method, boolean>> = {
      publickey: methods.publicKey,
      password: methods.password,
      'keyboard-interactive': methods.keyboardInteractive,
    };
    const preferred = preferredMethods?.flatMap((name) => OPENSSH_ORDER.filter((known) => known === name));
    return (preferred ?? OPENSSH_ORDER).filter((method) => allowed[method]);
  }

  async #attempt(method: Method, username: string): Promise<AnyAuthMethod | undefined> {
    if (method === 'publickey') {
      const identity = (await this.#identities()).shift();
      if (identity === undefined) return undefined;
      this.#pending = identity.label;
      this.#offeredKey = identity.agent;
      return { type: 'agent', username, agent: identity.agent };
    }
    if (!this.#mayAsk(method)) return undefined;
    if (method === 'password') return await this.#password(username);
    this.#pending = 'keyboard-interactive';
    return {
      type: 'keyboard-interactive',
      username,
      prompt: (name, instructions, _language, prompts, finish) => this.#interact(name, instructions, prompts, finish),
    };
  }

  async #identities(): Promise<Identity[]> {
    if (this.#keys === undefined) {
      const found = await findIdentities(this.#ports);
      this.#keys = [...found.offered];
      this.#skipped.push(...found.skipped);
    }
    return this.#keys;
  }

  #mayAsk(method: 'password' | 'keyboard-interactive'): boolean {
    const { config, prompter } = this.#ports;
    const asked = this.#asked[method];
    if (prompter !== undefined && !config.batchMode) {
      this.#asked[method] += 1;
      return asked < config.passwordPrompts;
    }
    if (asked === 0) this.#skipped.push(`${method}: there was no one to ask`);
    this.#asked[method] += 1;
    return false;
  }

  async #password(username: string): Promise<AnyAuthMethod | undefined> {
    const { config } = this.#ports;
    const again = this.#asked.password > 1 ? ' (the last one was wrong)' : '';
    const password = await this.#ask(
      'ssh-password',
      '',
      `Password of "${username}" on "${config.alias}"${again}`,
      false,
    );
    if (password === undefined) {
      this.#asked.password = config.passwordPrompts;
      this.#skipped.push('password: not given');
      return undefined;
    }
    this.#pending = 'password';
    return { type: 'password', username, password };
  }

  #interact(name: string, instructions: string, prompts: readonly Prompt[], finish: KeyboardInteractiveCallback): void {
    const answers = async (): Promise<string[]> => {
      const given: string[] = [];
      for (const { prompt, echo } of prompts) {
        const text = [name, instructions, prompt].filter((part) => part.trim() !== '').join(' ');
        const answer = await this.#ask('keyboard-interactive', ` ${prompt.trim()}`, text.trim(), echo === true);
        if (answer === undefined) this.#asked['keyboard-interactive'] = this.#ports.config.passwordPrompts;
        given.push(answer ?? '');
      }
      return given;
    };
    answers().then(finish, () => finish(prompts.map(() => '')));
  }

  async #ask(
    kind: 'ssh-password' | 'keyboard-interactive',
    what: string,
    text: string,
    echo: boolean,
  ): Promise<string | undefined> {
    const { config, prompter, signal } = this.#ports;
    if (prompter === undefined) return undefined;
    const question = { kind, subject: config.alias, key: `${config.user}@${config.hostName}:${config.port}${what}` };
    const answer = await this.#ports.whileAsking(() => prompter.ask({ ...question, text, echo }, signal));
    if (answer !== undefined && !echo) registerSecret(answer);
    if (answer !== undefined) this.#onTrial.push(question);
    return answer;
  }
}
