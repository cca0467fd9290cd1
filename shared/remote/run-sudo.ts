/** Runs sudo to its end, and what is said on the way: its question, our answer, and the trial script. */
import { deadline } from '../base/cancel.ts';
import { Conversation } from './conversation.ts';
import { loginShellLate } from './host-errors.ts';
import { isSudoRs, type SudoAnswer, type SudoOutput, sudoSilent, TRIAL_SCRIPT, whosePassword } from './sudo.ts';
import type { RemoteProcess } from './transport.ts';

export interface SudoRun {
  readonly host: string;
  readonly process: RemoteProcess;
  readonly answer: SudoAnswer | undefined;
  readonly budgetMs: number;
}

export async function runSudo({ host, process, answer, budgetMs }: SudoRun, signal: AbortSignal): Promise<SudoOutput> {
  using conversation = new Conversation(host, process);
  const within = async <T>(task: () => Promise<T>): Promise<T> => {
    using limit = deadline(signal, budgetMs, () =>
      conversation.heard() === ''
        ? loginShellLate(host, '', budgetMs / 1000)
        : sudoSilent(host, conversation.heard(), budgetMs / 1000),
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

export async function givePassword(conversation: Conversation, prompt: string, password: string): Promise<void> {
  await conversation.write(Buffer.from(`${password}\n`));
  if (isSudoRs(conversation.stderr.text(), prompt)) await conversation.stderr.seenLineOf(prompt);
}

/** Runs a part of a conversation; when the signal fires, the process is ended and the reason is what is thrown. */
export async function during<T>(conversation: Conversation, signal: AbortSignal, task: () => Promise<T>): Promise<T> {
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
