/** A server for tests: started on a free port of this machine, waited for, and ended with everything it started. */
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';

export interface RunningServer extends AsyncDisposable {
  readonly port: number;
}

const START_BUDGET_MS = 60_000;

/** @param commandFor the program and its arguments for a port of 127.0.0.1 */
export async function startServer(
  commandFor: (port: number) => readonly [string, ...string[]],
  env: Readonly<Record<string, string>> = {},
): Promise<RunningServer> {
  const port = await freePort();
  const server = startProgram(commandFor(port), env);
  await server.until(() => answers(port));
  return { port, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

export interface RunningProgram extends AsyncDisposable {
  /** Waits until the program is ready, or throws what it said when it ended instead. */
  until(isReady: () => Promise<boolean>): Promise<void>;
}

export function startProgram(
  [program, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string>> = {},
): RunningProgram {
  const child = execa(program, args, {
    env,
    stdin: 'ignore',
    stdout: 'ignore',
    reject: false,
    forceKillAfterDelay: 5000,
  });
  let ended: string | undefined;
  void child.then(({ stderr, exitCode }) => {
    ended = `exit ${exitCode}: ${stderr.slice(-1000)}`;
  });
  return {
    async until(isReady) {
      for (const start = Date.now(); !(await isReady()); await sleep(50)) {
        if (ended !== undefined) throw new Error(`${program} did not start: ${ended}`);
        if (Date.now() - start < START_BUDGET_MS) continue;
        child.kill('SIGKILL');
        throw new Error(`${program} does not answer`);
      }
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await child;
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { readonly port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
