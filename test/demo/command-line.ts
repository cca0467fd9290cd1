/** Stillpoint's own command line as a user starts it: a process of its own, answering in JSON. */
import { join } from 'node:path';
import { execa } from 'execa';
import type { RunEvent } from '../../shared/domain/events.ts';
import type { JobResult } from '../../shared/domain/verbs/verbs.ts';

const ENTRY = join(import.meta.dirname, '../../cli/main.ts');

export interface CommandLine {
  /** One document. Throws with what was printed unless the exit code is 0. */
  ask(args: readonly string[], signal: AbortSignal): Promise<unknown>;
  /** Follows a job to its end; events as they come. */
  follow(args: readonly string[], onEvent: (event: RunEvent) => void, signal: AbortSignal): Promise<JobResult>;
}

export function commandLine(configFile: string, stateHome: string): CommandLine {
  const start = (args: readonly string[], signal: AbortSignal) =>
    execa(process.execPath, [ENTRY, '--config', configFile, '--json', ...args], {
      cancelSignal: signal,
      env: { XDG_STATE_HOME: stateHome },
      stdin: 'ignore',
      reject: false,
    });
  return {
    async ask(args, signal) {
      const ended = await start(args, signal);
      if (ended.exitCode === 0) return JSON.parse(ended.stdout) as unknown;
      throw new Error(
        `stillpoint ${args.join(' ')} ended with ${String(ended.exitCode)}: ${ended.stdout}${ended.stderr}`,
      );
    },
    async follow(args, onEvent, signal) {
      const running = start(args, signal);
      let result: JobResult | undefined;
      const lines: string[] = [];
      for await (const line of running) {
        lines.push(line);
        const event = JSON.parse(line) as RunEvent;
        onEvent(event);
        if (event.type === 'job-finished' && event.outcome === 'succeeded') result = event.result;
      }
      const ended = await running;
      if (ended.exitCode === 0 && result !== undefined) return result;
      throw new Error(
        `stillpoint ${args.join(' ')} ended with ${String(ended.exitCode)}: ${lines.slice(-2).join('\n')}${ended.stderr}`,
      );
    },
  };
}
