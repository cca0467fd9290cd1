/**
 * A RemoteHost on any transport. It decides three things: as which user a script runs, whether a lost connection may be
 * answered by running it again, and when an answer is believed (a trailer, an accepted exit code, a parse that
 * understood everything).
 *
 * Invariants: a script is sent only to a shell that answered with our nonce. A script that may have run is repeated
 * only if it says that it is repeatable. Every process started here is ended when its answer is there, when the signal
 * fires, and when the host is disposed.
 *
 * Crash story: if we die, the connection closes; whatever the script armed on the host cleans up after it.
 */
import { Readable } from 'node:stream';
import { deadline } from '../base/cancel.ts';
import type { Clock } from '../base/clock.ts';
import type { LogFields, Logger } from '../base/log.ts';
import { type RetryPorts, retry, Tries } from '../base/retry.ts';
import { ANSWER_LIMIT, LOST_CONNECTION, NONCE_BUDGET_MS } from './budgets.ts';
import type { CommandOutput, RemoteCommand, RemoteScript, RemoteStream, StreamCommand } from './command.ts';
import { unreadableOutput } from './command.ts';
import { contentStream } from './content-stream.ts';
import { Conversation } from './conversation.ts';
import {
  answerTooLong,
  commandFailed,
  commandTooSlow,
  hostClosed,
  isLostConnection,
  loginShellEnded,
  loginShellLate,
} from './host-errors.ts';
import type { RemoteHost } from './remote-host.ts';
import type { Account, GivenPassword, RootAccess, SudoAnswer, SudoMode, SudoOutput } from './sudo.ts';
import {
  createPrompt,
  findRootAccess,
  isSudoRs,
  PASSWORDLESS_COMMAND_LINE,
  passwordCommandLine,
  rootLost,
  sudoSilent,
  TRIAL_SCRIPT,
  USER_COMMAND_LINE,
  whosePassword,
} from './sudo.ts';
import type { Transport } from './transport.ts';

export interface ShellHostOptions {
  readonly name: string;
  readonly transport: Transport;
  readonly sudo: SudoMode;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Asks a person for the sudo password of an account, who may decline; undefined where no person can be asked. */
  readonly askPassword:
    | ((account: string, text: string, signal: AbortSignal) => Promise<GivenPassword | undefined>)
    | undefined;
  /** How long a login shell may take to reach our command; the ordinary value is in `budgets.ts`. */
  readonly nonceBudgetMs?: number;
}

export function createShellHost(options: ShellHostOptions): RemoteHost {
  return new ShellHost(options);
}

/** Who we are on the host; the cheapest command there is. */
export const identifyAccount: RemoteCommand<Account> = {
  name: 'identify-account',
  script: 'id -u && id -un',
  args: [],
  needs: 'user',
  budgetMs: 20_000,
  repeatable: true,
  parse(output) {
    const [, uid, name] = /^(\d+)\n([^\n]+)\n$/.exec(output.stdout.toString('utf8')) ?? [];
    if (uid === undefined || name === undefined) {
      throw unreadableOutput(identifyAccount, 'not a number and a name', output.stdout.toString('utf8'));
    }
    return { uid: Number(uid), name };
  },
};

class ShellHost implements RemoteHost {
  readonly name: string;
  readonly #options: ShellHostOptions;
  readonly #log: Logger;
  readonly #open = new Set<Disposable>();
  #isClosed = false;
  #wasReached = false;
  #rootWay: RootAccess | undefined;
  #rootSearch: Promise<RootAccess> | undefined;

  constructor(options: ShellHostOptions) {
    this.name = options.name;
    this.#options = options;
    this.#log = options.logger.child({ host: options.name });
  }

  async run<T>(command: RemoteCommand<T>, signal: AbortSignal): Promise<T> {
    const tries = new Tries(
      this.#afterLoss('The connection was lost; the command is run again.', { command: command.name }),
    );
    for (;;) {
      // Has tries of its own, and when they are over it is not begun again.
      const conversation = await this.#begin(command, signal);
      try {
        return await this.#runIn(conversation, command, signal);
      } catch (error) {
        if (!command.repeatable || !isLostConnection(error)) throw error;
        await tries.waitAfter(error, signal);
      }
    }
  }

  #afterLoss(message: string, fields: LogFields): RetryPorts {
    const onFailure: RetryPorts['onFailure'] = (_error, { isLast, waitMs: wait }) => {
      if (!isLast) this.#log.log('warn', message, { ...fields, wait });
    };
    return { clock: this.#options.clock, times: LOST_CONNECTION, onFailure };
  }

  async stream(
    command: StreamCommand,
    input: AsyncIterable<Uint8Array> | undefined,
    signal: AbortSignal,
  ): Promise<RemoteStream> {
    const conversation = await this.#begin(command, signal);
    try {
      await during(conversation, signal, () => conversation.say(command, input !== undefined));
    } catch (error) {
      this.#end(conversation);
      throw error;
    }
    return contentStream({
      host: this.name,
      command,
      conversation,
      input,
      signal,
      onEnd: () => this.#end(conversation),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const conversation of this.#open) conversation[Symbol.dispose]();
    await this.#options.transport[Symbol.asyncDispose]();
  }

  async #runIn<T>(conversation: Conversation, command: RemoteCommand<T>, signal: AbortSignal): Promise<T> {
    const started = this.#options.clock.monotonicMs();
    try {
      const output = await this.#answer(command, conversation, signal);
      this.#log.log('debug', 'Command ended.', {
        command: command.name,
        exitCode: output.exitCode,
        ms: Math.round(this.#options.clock.monotonicMs() - started),
      });
      if (!(command.accepts ?? [0]).includes(output.exitCode)) {
        throw commandFailed(this.name, command, output.exitCode, output.stderr);
      }
      return command.parse(output);
    } finally {
      this.#end(conversation);
    }
  }

  async #answer<T>(command: RemoteCommand<T>, conversation: Conversation, signal: AbortSignal): Promise<CommandOutput> {
    using limit = deadline(signal, command.budgetMs, () => commandTooSlow(this.name, command, command.budgetMs));
    return await during(conversation, limit.signal, async () => {
      await conversation.say(command, command.input !== undefined);
      if (command.input !== undefined) await conversation.feed(Readable.from([command.input]));
      const chunks: Buffer[] = [];
      let length = 0;
      const content = conversation.content();
      for (;;) {
        const next = await content.next();
        if (next.done === true) {
          return { stdout: Buffer.concat(chunks), stderr: conversation.ownStderr(), exitCode: next.value };
        }
        length += next.value.length;
        if (length > ANSWER_LIMIT) throw answerTooLong(this.name, command, ANSWER_LIMIT);
        chunks.push(next.value);
      }
    });
  }

  /** A shell that answered. Nothing of the script was sent yet, so a connection that was lost is simply tried again. */
  async #begin(script: RemoteScript, signal: AbortSignal): Promise<Conversation> {
    if (this.#isClosed) throw hostClosed(this.name);
    const isForRoot = script.needs === 'root' || (script.needs === 'either' && this.#options.sudo !== 'none');
    const way = isForRoot ? await this.#findRoot(signal) : undefined;
    const ports = this.#afterLoss('The connection was lost before the command began; trying again.', {});
    const mayPass = (error: unknown): boolean => this.#wasReached && isLostConnection(error);
    const greet = (): Promise<Conversation> => {
      this.#log.log('debug', 'Command starts.', { command: script.name, needs: script.needs });
      return this.#greet(way, signal);
    };
    return await retry(greet, { ...ports, mayPass }, signal);
  }

  async #greet(way: RootAccess | undefined, signal: AbortSignal): Promise<Conversation> {
    const prompt = createPrompt();
    const process = await this.#options.transport.start(commandLineFor(way, prompt), signal);
    const conversation = new Conversation(this.name, process);
    this.#open.add(conversation);
    if (this.#isClosed) {
      this.#end(conversation);
      throw hostClosed(this.name);
    }
    const budgetMs = this.#options.nonceBudgetMs ?? NONCE_BUDGET_MS;
    let waitsForSudo = way?.kind === 'password';
    using limit = deadline(signal, budgetMs, () =>
      waitsForSudo
        ? sudoSilent(this.name, conversation.heard(), budgetMs / 1000)
        : loginShellLate(this.name, conversation.heard(), budgetMs / 1000),
    );
    try {
      await during(conversation, limit.signal, async () => {
        if (way?.kind === 'password') {
          if (!(await conversation.stderr.seen(`${prompt}:`))) throw rootLost(this.name, conversation.stderr.text());
          waitsForSudo = false;
          await givePassword(conversation, prompt, way.password);
        }
        const greeted = await conversation.greet();
        if (greeted.reached) {
          this.#wasReached = true;
          return;
        }
        const isSudo = way !== undefined && way.kind !== 'direct';
        if (isSudo && /sudo/.test(greeted.stderr)) throw rootLost(this.name, greeted.stderr);
        throw loginShellEnded(this.name, greeted);
      });
      return conversation;
    } catch (error) {
      this.#end(conversation);
      throw error;
    }
  }

  /** One search at a time; a failed one is not remembered, because a person may settle it meanwhile. */
  async #findRoot(signal: AbortSignal): Promise<RootAccess> {
    if (this.#rootWay !== undefined) return this.#rootWay;
    this.#rootSearch ??= findRootAccess({
      host: this.name,
      mode: this.#options.sudo,
      whoAmI: () => this.run(identifyAccount, signal),
      run: (commandLine, answer) => this.#runSudo(commandLine, answer, signal),
      mayAsk: this.#options.askPassword !== undefined,
      askPassword: async (account, text) => await this.#options.askPassword?.(account, text, signal),
    }).finally(() => {
      this.#rootSearch = undefined;
    });
    this.#rootWay = await this.#rootSearch;
    return this.#rootWay;
  }

  async #runSudo(commandLine: string, answer: SudoAnswer | undefined, signal: AbortSignal): Promise<SudoOutput> {
    const process = await this.#options.transport.start(commandLine, signal);
    using conversation = new Conversation(this.name, process);
    const budgetMs = this.#options.nonceBudgetMs ?? NONCE_BUDGET_MS;
    const within = async <T>(task: () => Promise<T>): Promise<T> => {
      using limit = deadline(signal, budgetMs, () =>
        conversation.heard() === ''
          ? loginShellLate(this.name, '', budgetMs / 1000)
          : sudoSilent(this.name, conversation.heard(), budgetMs / 1000),
      );
      const result = await during(conversation, limit.signal, task);
      // The end of the process at the limit looks like an answer of its own.
      limit.signal.throwIfAborted();
      return result;
    };
    if (answer !== undefined) {
      const { prompt } = answer;
      if (await within(() => conversation.stderr.seen(`${prompt}:`))) {
        // A person takes the time that a person takes.
        const whose = whosePassword(conversation.stderr.text(), prompt);
        const password = await during(conversation, signal, () => answer.password(whose));
        if (password === undefined) return { code: undefined, stdout: '', stderr: '', prompts: 1 };
        await within(() => givePassword(conversation, prompt, password));
      }
    }
    return await within(async () => {
      await conversation.write(Buffer.from(TRIAL_SCRIPT));
      process.stdin.end();
      const stdout = await conversation.rest();
      const { code } = await process.exited;
      await conversation.stderr.ended;
      const stderr = conversation.stderr.text();
      const prompts = answer === undefined ? 0 : conversation.stderr.count(answer.prompt);
      return { code, stdout, stderr, prompts };
    });
  }

  #end(conversation: Conversation): void {
    this.#open.delete(conversation);
    conversation[Symbol.dispose]();
  }
}

function commandLineFor(way: RootAccess | undefined, prompt: string): string {
  if (way === undefined || way.kind === 'direct') return USER_COMMAND_LINE;
  return way.kind === 'passwordless' ? PASSWORDLESS_COMMAND_LINE : passwordCommandLine(prompt);
}

async function givePassword(conversation: Conversation, prompt: string, password: string): Promise<void> {
  await conversation.write(Buffer.from(`${password}\n`));
  if (isSudoRs(conversation.stderr.text(), prompt)) await conversation.stderr.seenLineOf(prompt);
}

/** Runs a part of a conversation; when the signal fires, the process is ended and the reason is what is thrown. */
async function during<T>(conversation: Conversation, signal: AbortSignal, task: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const onAbort = (): void => conversation[Symbol.dispose]();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await task();
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
