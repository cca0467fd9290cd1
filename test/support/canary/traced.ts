/** Every program that a process and its children start, written down with all arguments and the whole environment. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { whyNoProgram } from '../needing.ts';

/** Undefined where it can be done. */
export const whyNoTrace = (): string | undefined => whyNoProgram('strace');

/**
 * Words before those of a program; the program stays the child of whoever starts it.
 *
 * @param gains whether something in it gets more rights than it has, as sudo does; then it takes several times as long
 */
export const tracedTo = (file: string, gains: 'more rights' | 'no rights' = 'no rights'): readonly string[] => [
  ...['strace', '-DDD', '-f', ...(gains === 'more rights' ? [] : ['--seccomp-bpf']), '-qq', '-A', '-o', file],
  ...['-e', 'trace=execve,execveat', '-e', 'signal=none', '-v', '-s', '100000'],
];

/** What was written down in a folder so far, a text for each file. */
export async function tracesIn(folder: string): Promise<readonly { readonly file: string; readonly text: string }[]> {
  const files = await readdir(folder);
  return Promise.all(files.map(async (file) => ({ file, text: await readFile(join(folder, file), 'latin1') })));
}
