/** What the process itself says when its standard output takes nothing: /dev/full answers every write with ENOSPC. */
import { execa } from 'execa';
import { expect, test } from 'vitest';

test.each([[['--help']], [['--version']]])(
  '%j into a full place is a failure in words, and no stack trace',
  async (words) => {
    const main = new URL('../../../cli/main.ts', import.meta.url).pathname;
    const command = ['-c', 'exec "$@" > /dev/full', 'sh', process.execPath, main, ...words];
    const { exitCode, stderr } = await execa('sh', command, { reject: false });
    expect(stderr).toMatch(/^Standard output could not be written \(ENOSPC\)\.\n[^\n]+\n\[output\.failed\]$/);
    expect(exitCode).toBe(1);
  },
);
