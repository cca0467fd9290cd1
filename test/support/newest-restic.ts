/**
 * The newest restic that can be had: a static program of a later Debian suite, fetched into the lab's cache. Debian's
 * own 0.14 is too old to judge what restic has changed since.
 */
import { fetchDebianProgram } from '../lab/debian-suite.ts';
import { runRestic } from './restic.ts';

const SUITES = ['forky', 'trixie'] as const;

type NewestRestic =
  | { readonly program: string; readonly version: string; readonly skip: undefined }
  /** Why it cannot be had, to be printed with the tests that are skipped. */
  | { readonly program: 'restic'; readonly version: undefined; readonly skip: string };

export async function newestRestic(signal: AbortSignal = AbortSignal.timeout(4 * 60_000)): Promise<NewestRestic> {
  const reasons: string[] = [];
  for (const suite of SUITES) {
    const found = await fetchDebianProgram({ suite, package: 'restic', file: 'usr/bin/restic' }, signal);
    if ('path' in found) return { program: found.path, version: found.version, skip: undefined };
    reasons.push(found.reason);
  }
  return { program: 'restic', version: undefined, skip: `no restic newer than Debian's: ${reasons.join('; ')}` };
}

/** Runs a restic on the repository in a folder, and throws with all that it printed when it fails. */
export function resticWith(program: string): (folder: string, ...args: readonly string[]) => Promise<string> {
  return async (folder, ...args) => {
    const { exitCode, stdout, stderr } = await runRestic(program, folder, args);
    if (exitCode === 0) return stdout;
    throw new Error(`${program} ${args.join(' ')} ended with ${exitCode}:\n${stdout}\n${stderr}`);
  };
}
