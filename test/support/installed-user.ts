/**
 * A user of the real programs: a home of their own with a configuration, a repository and nothing else of this
 * machine's. What they start is a process, as it is for people.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { inject } from 'vitest';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { createRepository } from '../../shared/repository/open-repository.ts';
import { goOnWith } from './needing.ts';
import { NO_RESTIC } from './restic.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { CHEAP_KEY } from './test-repository.ts';

/** The command line, for those who start it in a way of their own. */
export const CLI = join(inject('programs'), 'cli.js');
const MCP_SERVER = join(inject('programs'), 'mcp-server.js');

const PASSWORD = 'correct horse battery';

interface Ended {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface InstalledUser extends AsyncDisposable {
  readonly home: string;
  readonly configFile: string;
  readonly repository: string;
  readonly password: string;
  readonly environment: Readonly<Record<string, string>>;
  /** The command line, without its arguments. */
  readonly cli: readonly [string, ...string[]];
  readonly mcpServer: { readonly command: string; readonly args: string[]; readonly env: Record<string, string> };
  configure(more: Readonly<Record<string, unknown>>): Promise<void>;
  /** A process that goes on. */
  start(words: readonly string[], signal: AbortSignal): ReturnType<typeof startCli>;
  run(words: readonly string[], signal: AbortSignal): Promise<Ended>;
  /** Runs a command with --json that has to succeed; gives its one document. */
  ask(words: readonly string[], signal: AbortSignal): Promise<unknown>;
  /** Makes the repository with a cheap key, where making it is not what is tested: it is opened many times. */
  makeRepository(): Promise<void>;
  /** Debian's restic on the user's repository. */
  restic(words: readonly string[], signal: AbortSignal): Promise<string>;
}

function startCli(
  [program, ...words]: readonly [string, ...string[]],
  environment: { readonly HOME: string },
  signal: AbortSignal,
) {
  return execa(program, words, {
    cwd: environment.HOME,
    env: environment,
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
    stripFinalNewline: false,
    cancelSignal: signal,
  });
}

interface Surroundings {
  /** Words of a program that starts theirs, and of its own arguments. */
  readonly under?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export async function installedUser({ under = [], environment: more = {} }: Surroundings = {}): Promise<InstalledUser> {
  const folder = await temporaryFolder();
  const home = folder.path;
  const configFile = join(home, '.config/stillpoint/config.jsonc');
  const repository = join(home, 'repository');
  const passwordFile = join(home, 'password');
  const environment = { HOME: home, PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8', ...more };
  const startedBy = (program: string): [string, ...string[]] => {
    const [first, ...rest] = under;
    return first === undefined ? [process.execPath, program] : [first, ...rest, process.execPath, program];
  };
  const cli = startedBy(CLI);
  const [command, ...server] = startedBy(MCP_SERVER);
  await mkdir(join(home, '.config/stillpoint'), { recursive: true });
  await writeFile(passwordFile, `${PASSWORD}\n`, { mode: 0o600 });

  const user: InstalledUser = {
    home,
    configFile,
    repository,
    password: PASSWORD,
    environment,
    cli,
    // What SDK clients pass on by themselves, and no more
    mcpServer: { command, args: [...server, '--config', configFile], env: environment },
    async configure(more) {
      const configuration = { repositories: { main: { location: repository, passwordFile } }, ...more };
      await writeFile(configFile, JSON.stringify(configuration, undefined, 2));
    },
    start: (words, signal) => startCli([...cli, ...words], environment, signal),
    async run(words, signal) {
      const { exitCode, stdout, stderr } = await user.start(words, signal);
      signal.throwIfAborted();
      return { exitCode, stdout, stderr };
    },
    async ask(words, signal) {
      const { exitCode, stdout, stderr } = await user.run([...words, '--json'], signal);
      if (exitCode === 0 && stderr === '') return JSON.parse(stdout) as unknown;
      throw new Error(`stillpoint ${words.join(' ')} ended with ${String(exitCode)}: ${stdout}${stderr}`);
    },
    async makeRepository() {
      const signal = AbortSignal.timeout(60_000);
      const backend = createLocalBackend(repository);
      await (await createRepository(backend, PASSWORD, signal, { keyCost: CHEAP_KEY })).close();
    },
    async restic(words, signal) {
      goOnWith(NO_RESTIC);
      const where = ['--no-cache', '--repo', repository, '--password-file', passwordFile];
      const { stdout } = await execa('restic', [...where, ...words], { cancelSignal: signal, stdin: 'ignore' });
      return stdout;
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
  await user.configure({});
  return user;
}
