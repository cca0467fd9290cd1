/** A person at a real terminal, who types an answer to each question. */
import { execa } from 'execa';
import type { InstalledUser } from './installed-user.ts';

export interface Dialogue {
  /** What the end of the screen looks like when something is asked. */
  readonly question: RegExp;
  /**
   * In order, each with the key that ends it: "yes\r", or a control character; or what is done before it is typed, with what the
   * screen shows.
   */
  readonly answers: readonly (string | ((screen: string) => Promise<string>))[];
  /** Stands for the machine's own SSH configuration, for this process and its children. */
  readonly sshConfigFile?: string;
}

/** What the screen showed, how it ended, and the answers that nobody asked for. */
export async function atTerminal(
  user: InstalledUser,
  words: readonly string[],
  { question, answers, sshConfigFile }: Dialogue,
  signal: AbortSignal,
): Promise<{ readonly screen: string; readonly exitCode: number | undefined; readonly unasked: number }> {
  const command = [...user.cli, ...words].join(' ');
  const script = `exec script -qec '${command}' /dev/null`;
  const [program, ...args] =
    sshConfigFile === undefined
      ? ['sh', '-c', script]
      : ['unshare', '-m', 'sh', '-c', `mount --bind ${sshConfigFile} /etc/ssh/ssh_config && ${script}`];
  const terminal = execa(program, args, {
    cwd: user.home,
    env: { ...user.environment, NO_COLOR: '1' },
    extendEnv: false,
    reject: false,
    cancelSignal: signal,
  });
  const waiting = [...answers];
  let screen = '';
  let from = 0;
  for await (const chunk of terminal.stdout) {
    screen += String(chunk);
    const answer = question.test(screen.slice(from)) ? waiting.shift() : undefined;
    if (answer === undefined) continue;
    const shown = screen.slice(from);
    from = screen.length;
    terminal.stdin.write(typeof answer === 'string' ? answer : await answer(shown));
  }
  return { screen, exitCode: (await terminal).exitCode, unasked: waiting.length };
}
