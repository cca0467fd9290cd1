/**
 * A user without root who owns the target, or the folder that it is in, does his worst while root restores into it:
 * nothing outside may change. Each attack is seen to work on what it is aimed at.
 */
import { chmod, chown, lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { prepareTarget } from '../../shared/pipeline/restore/target.ts';
import { refusalOf } from '../../shared/pipeline/restore/target-errors.ts';
import { type ForgedNode, forgeRepository } from '../support/forged-repository.ts';
import { restoreFrom, said } from '../support/restoring.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

const NOBODY = 65534;

let folder: TemporaryFolder;
let outside: string;
let target: string;
let repository: string;

beforeEach(async ({ skip }) => {
  skip(process.getuid?.() !== 0, 'needs root, whose rights somebody else is after');
  folder = await temporaryFolder();
  await chmod(folder.path, 0o755);
  outside = join(folder.path, 'outside');
  target = join(folder.path, 'home', 'target');
  repository = join(folder.path, 'repository');
  await mkdir(outside);
  await mkdir(target, { recursive: true });
  for (const path of [join(folder.path, 'home'), target]) await chown(path, NOBODY, NOBODY);
  const files = Array.from({ length: 4000 }, (_, index): ForgedNode => {
    return { name: `file-${index}`, type: 'file', content: ['x'.repeat(100)] };
  });
  const owned = { uid: NOBODY, gid: NOBODY };
  await forgeRepository(repository, [
    { name: 'a', type: 'dir', ...owned, children: [{ name: 'b', type: 'dir', ...owned, children: files }] },
    { name: 'c', type: 'dir', children: files },
  ]);
});

afterEach(async () => {
  await folder?.[Symbol.asyncDispose]();
});

/** Runs `script` in a loop as the other user until the restore has ended; $1 is the folder outside. */
async function attackWith(script: string, cwd: string) {
  const loop = `cd "$2" || exit 1; echo ready; while [ ! -e "$3/over" ]; do\n${script}\ndone\nexit 0`;
  const attacker = execa(
    'setpriv',
    [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', 'sh', '-c', loop, 'sh', outside, cwd, folder.path],
    { reject: false },
  );
  await new Promise<void>((resolve) => attacker.stdout.once('data', () => resolve()));
  const restored = await restoreFrom(repository, target);
  await writeFile(join(folder.path, 'over'), '');
  expect((await attacker).exitCode).toBe(0);
  expect(await readdir(outside)).toEqual([]);
  return restored;
}

/** The first look at the target meets the link, or the work does that began in the folder before. */
const NOTICED =
  /^restore\.target: (The folder ".*" is no longer the one|The way to ".*" leads through a symbolic link)/;

test('a folder that root makes is exchanged for a link as soon as it is there', async () => {
  const { error, report } = await attackWith(
    'for name in a c; do [ -d "$name" ] && [ ! -L "$name" ] && mv "$name" "old-$name" && ln -s "$1" "$name"; done 2>/dev/null',
    target,
  );
  expect(said(error)).toBe('');
  expect(report?.files).toBe(8000);
});

test('the folder in which the work is done is exchanged for a link', async () => {
  const { error } = await attackWith(
    'for name in .[!.]*; do [ -d "$name" ] && [ ! -L "$name" ] && mv "$name" "old" && ln -s "$1" "$name"; done 2>/dev/null',
    target,
  );
  expect(said(error)).toMatch(NOTICED);
});

test.for([
  ['is moved away', 'mv "$made" old'],
  ['is exchanged for a link', 'mv "$made" old; ln -s "$OUTSIDE" "$made"'],
] as const)('the folder for the work %s before the first step into it', async ([, attack]) => {
  const stand = join(folder.path, 'stand-in');
  await mkdir(stand);
  const mkdirPath = (await execa('sh', ['-c', 'command -v mkdir'])).stdout;
  await writeFile(join(stand, 'mkdir'), `#!/bin/sh\n${mkdirPath} "$@" || exit\nfor made; do :; done\n${attack}\n`);
  await chmod(join(stand, 'mkdir'), 0o755);
  const command = prepareTarget(target, '.stillpoint-restore-1');
  const output = await execa('sh', ['-c', command.script, 'sh', ...command.args.map(String)], {
    env: { PATH: `${stand}:${process.env['PATH']}`, OUTSIDE: outside },
    encoding: 'buffer',
    stripFinalNewline: false,
  });
  const facts = command.parse({
    stdout: Buffer.from(output.stdout),
    stderr: String(output.stderr),
    exitCode: output.exitCode ?? -1,
  });
  expect(facts).toMatchObject({ state: 'exchanged', work: '' });
  expect(said(refusalOf(target, facts))).toMatch(NOTICED);
  expect(await readdir(outside)).toEqual([]);
});

test('the target is exchanged for a link', async () => {
  const { error } = await attackWith(
    '[ -n "$(ls -A target 2>/dev/null)" ] && [ ! -L target ] && mv target old && ln -s "$1" target',
    join(folder.path, 'home'),
  );
  expect(said(error)).toMatch(NOTICED);
});

test('the names of what is restored are taken by links before it is moved to its place', async () => {
  const { error } = await attackWith(
    'ln -sn "$1" a 2>/dev/null; ln -sn "$1/kept" c 2>/dev/null; [ -L a ] || exit 2',
    target,
  );
  expect(said(error)).toMatch(/could not be moved to its place|is not empty/);
});

test('a link on the way that somebody else could have put there is not followed', async () => {
  await symlink(outside, join(folder.path, 'home', 'link'));
  const refused = await restoreFrom(repository, join(folder.path, 'home', 'link', 'new'));
  expect(said(refused.error)).toContain('leads through a symbolic link in a folder that other users can change');
  expect(await readdir(outside)).toEqual([]);
  // In a folder of our own it is.
  await symlink(outside, join(folder.path, 'own-link'));
  const { error } = await restoreFrom(repository, join(folder.path, 'own-link', 'new'));
  expect(said(error)).toBe('');
  expect((await readdir(join(outside, 'new'))).sort()).toEqual(['a', 'c']);
});

test('until it is complete nobody else can look into it, and then it is as it was', async () => {
  const seen: string[] = [];
  const { report } = await restoreFrom(repository, target, {
    onEvent: (event) => {
      if (event.type === 'progress') seen.push(event.phase);
    },
  });
  expect(seen.length).toBeGreaterThan(0);
  expect(report).toMatchObject({ files: 8000, leftOut: { count: 0 } });
  const facts = await lstat(join(target, 'a/b'));
  expect([facts.uid, facts.mode & 0o777]).toEqual([NOBODY, 0o755]);
  expect((await lstat(target)).uid).toBe(NOBODY);
  expect(await readFile(join(target, 'c/file-17'), 'utf8')).toBe('x'.repeat(100));
});
