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
import { identifyAccount } from './identify-account.ts';
import { KeptShells } from './kept-shells.ts';
import type { RemoteHost } from './remote-host.ts';
import { during, givePassword, runSudo } from './run-sudo.ts';
import type { Account, GivenPassword, RootAccess, SudoMode } from './sudo.ts';
import {
  createPrompt,
  findRootAccess,
  PASSWORDLESS_COMMAND_LINE,
  passwordCommandLine,
  rootLost,
  sudoSilent,
  USER_COMMAND_LINE,
} from './sudo.ts';
import type { RemoteProcess, Transport } from './transport.ts';

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

export interface HostByShell extends RemoteHost {
  /** Asked once. */
  whoAmI(signal: AbortSignal): Promise<Account>;
}

export function createShellHost(options: ShellHostOptions): HostByShell {
  return new ShellHost(options);
}

interface Begun {
  readonly conversation: Conversation;
  readonly way: RootAccess | undefined;
  readonly wasKept: boolean;
}

class ShellHost implements HostByShell {
  readonly name: string;
  readonly #options: ShellHostOptions;
  readonly #log: Logger;
  readonly #open = new Set<Disposable>();
  #isClosed = false;
  #wasReached = false;
  #rootWay: RootAccess | undefined;
  #rootSearch: Promise<RootAccess> | undefined;
  #account: Account | undefined;
  readonly #kept: KeptShells;

  constructor(options: ShellHostOptions) {
    this.name = options.name;
    this.#options = options;
    this.#log = options.logger.child({ host: options.name });
    this.#kept = new KeptShells();
  }

  async run<T>(command: RemoteCommand<T>, signal: AbortSignal): Promise<T> {
    const tries = new Tries(
      this.#afterLoss('The connection was lost; the command is run again.', { command: command.name }),
    );
    let fromKept = true;
    for (;;) {
      // Has tries of its own, and when they are over it is not begun again.
      const begun = await this.#begin(command, command.repeatable, fromKept, signal);
      try {
        return await this.#runIn(begun, command, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (begun.wasKept && command.repeatable && !begun.conversation.hasBegun) {
          // It had gone, or something else was heard in it than an answer to this.
          fromKept = false;
          continue;
        }
        if (!command.repeatable || !isLostConnection(error)) throw error;
        await tries.waitAfter(error, signal);
      }
    }
  }

  async whoAmI(signal: AbortSignal): Promise<Account> {
    this.#account ??= await this.run(identifyAccount, signal);
    return this.#account;
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
    const { conversation } = await this.#begin(command, false, true, signal);
    try {
      const place = { takesInput: input !== undefined, readsOn: false };
      await during(conversation, signal, () => conversation.say(command, place));
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
    this.#kept[Symbol.dispose]();
    for (const conversation of this.#open) conversation[Symbol.dispose]();
    await this.#options.transport[Symbol.asyncDispose]();
  }

  async #runIn<T>({ conversation, way }: Begun, command: RemoteCommand<T>, signal: AbortSignal): Promise<T> {
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
      if (conversation.waitsForNext && !this.#isClosed) {
        this.#open.delete(conversation);
        this.#kept.keep(rightsOf(way), conversation);
      } else this.#end(conversation);
    }
  }

  async #answer<T>(command: RemoteCommand<T>, conversation: Conversation, signal: AbortSignal): Promise<CommandOutput> {
    using limit = deadline(signal, command.budgetMs, () => commandTooSlow(this.name, command, command.budgetMs));
    return await during(conversation, limit.signal, async () => {
      const takesInput = command.input !== undefined;
      await conversation.say(command, { takesInput, readsOn: command.leavesNoProcess === true && !takesInput });
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

  /**
   * A shell that answered: just now, or, for a script that may run again, some seconds ago. Nothing of the script was sent yet,
   * so a connection that was lost is simply tried again.
   */
  async #begin(script: RemoteScript, repeatable: boolean, fromKept: boolean, signal: AbortSignal): Promise<Begun> {
    if (this.#isClosed) throw hostClosed(this.name);
    const isForRoot = script.needs === 'root' || (script.needs === 'either' && this.#options.sudo !== 'none');
    const way = isForRoot ? await this.#findRoot(signal) : undefined;
    const ports = this.#afterLoss('The connection was lost before the command began; trying again.', {});
    const mayPass = (error: unknown): boolean => this.#wasReached && isLostConnection(error);
    const starts = { command: script.name, needs: script.needs };
    const kept = fromKept ? await this.#takeKept(way, repeatable, signal) : undefined;
    if (kept !== undefined) {
      this.#log.log('debug', 'Command starts.', { ...starts, in: 'a shell that was kept' });
      return { conversation: kept, way, wasKept: true };
    }
    const greet = (): Promise<Conversation> => {
      this.#log.log('debug', 'Command starts.', starts);
      return this.#greet(way, signal);
    };
    return { conversation: await retry(greet, { ...ports, mayPass }, signal), way, wasKept: false };
  }

  /** Where a script must not run twice, only a shell that answers now will do: into one that has gone it would be sent once and for all. */
  async #takeKept(
    way: RootAccess | undefined,
    repeatable: boolean,
    signal: AbortSignal,
  ): Promise<Conversation | undefined> {
    const kept = this.#kept.take(rightsOf(way));
    if (kept === undefined) return undefined;
    const conversation = kept.again();
    this.#open.add(conversation);
    if (repeatable) return conversation;
    using limit = deadline(signal, this.#options.nonceBudgetMs ?? NONCE_BUDGET_MS, () => hostClosed(this.name));
    const greeted = await during(conversation, limit.signal, () => conversation.greet()).catch(() => undefined);
    if (greeted?.reached === true) return conversation;
    this.#end(conversation);
    signal.throwIfAborted();
    return undefined;
  }

  async #greet(way: RootAccess | undefined, signal: AbortSignal): Promise<Conversation> {
    const prompt = createPrompt();
    const process = await this.#start(commandLineFor(way, prompt), signal);
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

  async #start(commandLine: string, signal: AbortSignal): Promise<RemoteProcess> {
    using waiting = new DisposableStack();
    const onFull = (): void => void waiting.use(this.#kept.makeRoom());
    return await this.#options.transport.start(commandLine, signal, onFull);
  }

  /** One search at a time; a failed one is not remembered, because a person may settle it meanwhile. */
  async #findRoot(signal: AbortSignal): Promise<RootAccess> {
    if (this.#rootWay !== undefined) return this.#rootWay;
    this.#rootSearch ??= findRootAccess({
      host: this.name,
      mode: this.#options.sudo,
      whoAmI: () => this.whoAmI(signal),
      run: async (commandLine, answer) => {
        const process = await this.#start(commandLine, signal);
        const budgetMs = this.#options.nonceBudgetMs ?? NONCE_BUDGET_MS;
        return await runSudo({ host: this.name, process, answer, budgetMs }, signal);
      },
      mayAsk: this.#options.askPassword !== undefined,
      askPassword: async (account, text) => await this.#options.askPassword?.(account, text, signal),
    }).finally(() => {
      this.#rootSearch = undefined;
    });
    this.#rootWay = await this.#rootSearch;
    return this.#rootWay;
  }

  #end(conversation: Conversation): void {
    this.#open.delete(conversation);
    conversation[Symbol.dispose]();
  }
}

/** Who logs in as root needs nothing more to be root. */
function rightsOf(way: RootAccess | undefined): 'root' | 'login' {
  return way === undefined || way.kind === 'direct' ? 'login' : 'root';
}

function commandLineFor(way: RootAccess | undefined, prompt: string): string {
  if (way === undefined || way.kind === 'direct') return USER_COMMAND_LINE;
  return way.kind === 'passwordless' ? PASSWORDLESS_COMMAND_LINE : passwordCommandLine(prompt);
}
