/**
 * Every remote script of the product is read by the three shells that a host's /bin/sh may be, without being run, and
 * by shellcheck, which knows what is likely to be a mistake.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { EVERY_SCRIPT, PARTS } from '../../support/remote/every-script.ts';
import { hasShell, SHELLS } from '../../support/snapshot/paper-lvm.ts';

const SHARED = join(import.meta.dirname, '../../../shared');

/**
 * What shellcheck says and is meant as it is written.
 *
 * SC2154: variables that another function, or the shell around a fragment, has set. SC2034: the rest of a line that is
 * read and not used. SC2015: "A && B || C" where C is meant for either. SC2046, SC2086: lists of words that are to be
 * split; they hold no blanks and no patterns by their form. SC2016: a `$` in single quotes is for an inner shell.
 * SC2317: functions that are called by a name that is put together. SC2012: ls -l of /proc, where no name is odd. SC2185: find's
 * version. SC2089, SC2090: a program in a variable that eval reads.
 */
const MEANT = [
  'SC2154',
  'SC2034',
  'SC2015',
  'SC2046',
  'SC2086',
  'SC2016',
  'SC2317',
  'SC2012',
  'SC2185',
  'SC2089',
  'SC2090',
];

/** As it stands in the document that a host is sent. */
const wrapped = (script: string): string => `body() {\n${script}\n}\nbody "$@"\n`;

test('no script of the product is missing here', () => {
  const files = readdirSync(SHARED, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const names = files.flatMap((file) => {
    const text = readFileSync(join(SHARED, file), 'utf8');
    return text.includes('script:')
      ? [...text.matchAll(/\bname: '([a-z]+(?:-[a-z]+)+)'/g)].map(([, name]) => name)
      : [];
  });
  const known = new Set([...EVERY_SCRIPT.map(({ name }) => name), ...PARTS]);
  expect(names.length).toBeGreaterThan(25);
  expect(names.filter((name) => !known.has(name ?? ''))).toEqual([]);
});

describe.each(SHELLS)('%s reads the script', (shell) => {
  test.for(EVERY_SCRIPT)('$name', async ({ script }, { skip }) => {
    if (!hasShell(shell)) skip(`there is no ${shell} here`);
    const [program, first] = shell === 'busybox' ? ['busybox', ['sh']] : [shell, shell === 'bash' ? ['--posix'] : []];
    const result = await execa(program, [...first, '-n'], { input: wrapped(script), reject: false });
    expect({ code: result.exitCode, stderr: result.stderr }).toEqual({ code: 0, stderr: '' });
  });
});

describe('shellcheck has nothing to say of the script', () => {
  const whyNot = existsSync('/usr/bin/shellcheck') ? undefined : 'there is no shellcheck here';
  test.for(EVERY_SCRIPT)('$name', async ({ script }, { skip }) => {
    if (whyNot !== undefined) skip(whyNot);
    const flags = ['--shell=sh', '--format=gcc', `--exclude=${MEANT.join(',')}`, '-'];
    const { stdout } = await execa('shellcheck', flags, { input: wrapped(script), reject: false });
    expect(stdout).toBe('');
  });

  test('and would say it', async ({ skip }) => {
    if (whyNot !== undefined) skip(whyNot);
    const { stdout } = await execa('shellcheck', ['--shell=sh', '--format=gcc', '-'], {
      input: wrapped('cd /tmp; rm -rf "$1/"*; local x=[[ a ]]'),
      reject: false,
    });
    expect(stdout).not.toBe('');
  });
});
