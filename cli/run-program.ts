/** A program in our place, with our standard streams. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { StillpointError } from '../shared/base/errors.ts';

/** Ctrl-C reaches it by itself, because it is in our process group: its end is waited for, and is the answer. */
export function runProgram([program = '', ...args]: readonly string[]): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const child = spawn(program, args, { stdio: 'inherit' });
  child.once('error', (cause) =>
    reject(
      new StillpointError('usage.invalid', `"${program}" could not be started: ${cause.message}.`, {
        advice: 'It has to be among the programs of this machine (PATH).',
        cause,
      }),
    ),
  );
  child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  return promise;
}
