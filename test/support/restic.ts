/** Debian's restic, the judge of what we write and the author of what we read. Needs the package `restic`. */
import { execa } from 'execa';
import { goOnWith, whyNoProgram } from './needing.ts';
import { PASSWORD } from './test-repository.ts';

/** Why there is no restic here, or undefined. What follows skips the test that calls it; hooks need `needing`. */
export const NO_RESTIC = whyNoProgram('restic');

export interface ResticResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs restic on the repository in `folder`; never throws, because its refusals are results too. */
export function restic(folder: string, ...args: readonly string[]): Promise<ResticResult> {
  return runRestic('restic', folder, args);
}

/** As `restic`, with another restic than Debian's. */
export async function runRestic(program: string, folder: string, args: readonly string[]): Promise<ResticResult> {
  if (program === 'restic') goOnWith(NO_RESTIC);
  const env = { RESTIC_PASSWORD: PASSWORD, RESTIC_PROGRESS_FPS: '0', LC_ALL: 'C' };
  const done = await execa(program, ['--no-cache', '--repo', folder, ...args], { env, reject: false });
  return { exitCode: done.exitCode ?? -1, stdout: done.stdout, stderr: done.stderr };
}

/** As `restic`, and an error with all that it printed when it fails. */
export async function resticOk(folder: string, ...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await restic(folder, ...args);
  if (exitCode === 0) return stdout;
  throw new Error(`restic ${args.join(' ')} ended with ${exitCode}:\n${stdout}\n${stderr}`);
}

/** `restic check`, which prints "no errors were found" and, on a sound repository, nothing that says error or warning. */
export async function resticFinds(folder: string, ...args: readonly string[]): Promise<string[]> {
  const { exitCode, stdout, stderr } = await restic(folder, 'check', ...args);
  const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => /error|warn|fatal|missing|damaged/i.test(line));
  const findings = lines.filter((line) => !line.includes('no errors were found'));
  return exitCode === 0 ? findings : [`exit ${exitCode}`, ...findings];
}
