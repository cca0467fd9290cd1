/**
 * The server half of the workbench as a process group of its own, ended as a whole: the server alone would leave its
 * extension host and file watcher behind for a while.
 */
import { spawn } from 'node:child_process';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { cleanUpAtExit } from '../lab/exit-cleanup.ts';

export interface ServerProcess extends AsyncDisposable {
  readonly port: number;
  /** Resolves when the server has ended, however that came. */
  readonly ended: Promise<void>;
  /** The last lines that it printed. */
  log(): string;
}

export interface ServerCommand {
  /** The script and its arguments for this Node. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Its first group is the port. */
  readonly ready: RegExp;
}

const STOP_MS = 5_000;
const KEPT_LINES = 200;

/** Resolves when the server listens; rejects with what it printed when it ends before. */
export async function startServer(command: ServerCommand): Promise<ServerProcess> {
  const child = spawn(process.execPath, command.args, {
    // An empty gallery: the workbench asks no server for extensions.
    env: { ...command.env, EXTENSIONS_GALLERY: '{}' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const lines: string[] = [];
  const ended = new Promise<void>((resolve) => void child.once('close', () => resolve()));
  const signalGroup = (signal: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // The whole group has ended already.
    }
  };
  const forget = cleanUpAtExit(() => signalGroup('SIGKILL'));

  const stop = async (): Promise<void> => {
    signalGroup('SIGTERM');
    const timer = setTimeout(() => signalGroup('SIGKILL'), STOP_MS);
    await ended;
    clearTimeout(timer);
    signalGroup('SIGKILL');
    forget();
  };
  try {
    const port = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      void ended.then(() => reject(new Error(`The server ended at once.\n${lines.join('\n')}`)));
      for (const stream of [child.stdout, child.stderr]) {
        createInterface({ input: stream }).on('line', (line) => {
          lines.push(line);
          if (lines.length > KEPT_LINES) lines.shift();
          const match = command.ready.exec(line);
          if (match !== null) resolve(Number(match[1]));
        });
      }
    });
    return { port, ended, log: () => lines.join('\n'), [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
