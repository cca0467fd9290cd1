/**
 * A restore point as a tar stream, out of the command itself: GNU tar makes the torture tree of it again, busybox all of
 * it that busybox knows, and our own codec reads back the same bytes.
 */
import { randomBytes } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { createRepository } from '../../shared/repository/open-repository.ts';
import { readTar } from '../../shared/tar/reader.ts';
import { describeTree, type TreeDescription, treeDifferences } from '../support/describe-tree.ts';
import { mountFilesystem } from '../support/loop-filesystem.ts';
import { whyNotRoot } from '../support/needing.ts';
import { NO_RESTIC } from '../support/restic.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { CHEAP_KEY, testSignal } from '../support/test-repository.ts';
import { makeTortureTree } from '../support/torture-tree.ts';

const PASSWORD = 'a password for tests';
const MAIN = new URL('../../cli/main.ts', import.meta.url).pathname;
const whyNot = NO_RESTIC ?? whyNotRoot('owners, devices and attributes');
/** restic 0.14 keeps link targets as text and no attributes of links; newer ones do better. */
const LOSSY_IN_RESTIC = ['kinds/link-bytes', 'attributes/link'];

let folder: TemporaryFolder;
let tree: string;
let original: TreeDescription;

beforeAll(async () => {
  if (whyNot !== undefined) return;
  folder = await temporaryFolder();
  tree = join(folder.path, 'tree');
  const repository = join(folder.path, 'repository');
  await makeTortureTree(tree, { smallFiles: 300, sparseBytes: 20 * 1024 ** 2 });
  await writeFile(join(tree, 'larger-than-a-window'), randomBytes(40 * 1024 ** 2));
  original = await describeTree(tree);
  const options = { keyCost: CHEAP_KEY };
  await (await createRepository(createLocalBackend(repository), PASSWORD, testSignal(), options)).close();
  const env = {
    RESTIC_REPOSITORY: repository,
    RESTIC_PASSWORD: PASSWORD,
    RESTIC_CACHE_DIR: join(folder.path, 'cache'),
  };
  await execa('restic', ['backup', '--quiet', tree], { env });
  await writeFile(join(folder.path, 'password'), `${PASSWORD}\n`);
  await chmod(join(folder.path, 'password'), 0o600);
  const config = { repositories: { here: { location: repository, passwordFile: join(folder.path, 'password') } } };
  await writeFile(join(folder.path, 'config.jsonc'), JSON.stringify(config));
});

beforeEach(({ skip }) => skip(whyNot !== undefined, whyNot));

afterAll(async () => {
  await folder?.[Symbol.asyncDispose]();
});

/** A line of a shell in which `stillpoint` is the command. */
async function shell(line: string, ...args: readonly string[]) {
  const script = `stillpoint() { "$NODE" "$MAIN" --config "$CONFIG" "$@"; }\n${line}`;
  const env = { NODE: process.execPath, MAIN, CONFIG: join(folder.path, 'config.jsonc'), XDG_STATE_HOME: folder.path };
  return await execa('bash', ['-c', script, 'bash', ...args], { env, reject: false, stripFinalNewline: false });
}

function plain(description: TreeDescription, ...facts: readonly string[]): TreeDescription {
  const kept = [...description].filter(([path]) => !LOSSY_IN_RESTIC.includes(path));
  if (facts.length === 0) return new Map(kept);
  const known = (all: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(all).filter(([fact]) => facts.includes(fact)));
  return new Map(kept.map(([path, all]) => [path, known(all)]));
}

const locks = async (): Promise<readonly string[]> => await readdir(join(folder.path, 'repository', 'locks'));

describe('restore --to -', () => {
  test('GNU tar makes the whole torture tree of it', async () => {
    const target = join(folder.path, 'gnu');
    await mkdir(target);
    const { exitCode, stderr } = await shell(
      `stillpoint restore latest --to - 2> "$1.said" | tar -C "$1" --numeric-owner --xattrs --xattrs-include='*' --acls --warning=no-timestamp -xpf -
      echo "\${PIPESTATUS[*]}" >&2`,
      target,
    );
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '0 0\n' });
    expect(await readFile(`${target}.said`, 'utf8')).toMatch(/^Streamed \d+ files, /);
    expect(treeDifferences(plain(original), plain(await describeTree(join(target, tree))))).toEqual([]);
    expect(await locks()).toEqual([]);
    await rm(target, { recursive: true });
  });

  test('busybox tar makes all of it that busybox knows, long names and large numbers as well', async () => {
    const target = join(folder.path, 'busybox');
    await mkdir(target);
    const { stdout, stderr } = await shell(
      `stillpoint restore latest --to - 2> /dev/null | busybox tar -C "$1" -xpf - ; echo "\${PIPESTATUS[*]}"`,
      target,
    );
    expect({ stdout, stderr }).toEqual({ stdout: '0 0\n', stderr: '' });
    const facts = ['type', 'size', 'content', 'target', 'linkedTo', 'owner', 'device'];
    const restored = await describeTree(join(target, tree));
    expect(treeDifferences(plain(original, ...facts), plain(restored, ...facts))).toEqual([
      // busybox leaves links to whoever makes them.
      'kinds/link-plain: owner should be 1234:5678 and is 0:0',
    ]);
    await rm(target, { recursive: true });
  });

  test('chosen paths come alone, and our own codec reads what was stored', async () => {
    const file = join(folder.path, 'part.tar');
    const { exitCode } = await shell(
      'stillpoint -q restore latest "$1" "$2" --to - > "$3"',
      `${tree}/names`,
      `${tree}/data`,
      file,
    );
    expect(exitCode).toBe(0);
    const seen: string[] = [];
    for await (const entry of readTar(createReadStream(file))) {
      const chunks: Buffer[] = [];
      for await (const piece of entry.content) chunks.push(Buffer.from(piece));
      seen.push(entry.name.toString('latin1'));
      if (entry.type !== 'file') continue;
      const path = Buffer.concat([Buffer.from('/'), entry.name]);
      expect(Buffer.concat(chunks).equals(await readFile(path))).toBe(true);
    }
    const wanted = [...original.keys()].filter((path) => /^(names|data)(\/|$)/.test(path));
    const above = tree.split('/').length - 1;
    expect(seen).toHaveLength(wanted.length + above);
    expect((await execa('tar', ['-tf', file])).exitCode).toBe(0);
  });

  test('a reader that stops is an exit code, and leaves no lock', async () => {
    const { stdout, stderr } = await shell(
      'stillpoint restore latest --to - | head -c 1000 | wc -c; echo "${PIPESTATUS[*]}"',
    );
    expect(stdout).toBe('1000\n141 0 0\n');
    expect(stderr).toMatch(/stopped before its end[^]*\[output\.closed\]\n$/);
    expect(await locks()).toEqual([]);
  });

  test('a place that fills up is a failure, also when a part of the last write went there', async () => {
    await using mounted = await mountFilesystem('tmpfs', folder.path, 1024 ** 2);
    const { exitCode, stderr } = await shell('stillpoint restore latest --to - > "$1"', join(mounted.path, 'part.tar'));
    expect(stderr).toContain('Standard output could not be written (ENOSPC).');
    expect(exitCode).toBe(1);
    expect(await locks()).toEqual([]);
  });

  test('a terminal is refused with what to do', async () => {
    if (!existsSync('/usr/bin/script')) throw new Error('the package "bsdutils" has script(1)');
    const { stdout } = await shell(
      'export -f stillpoint; SHELL=/bin/bash NO_COLOR=1 script -qec "stillpoint restore latest --to -" /dev/null; echo $?',
    );
    expect(stdout.replaceAll('\r', '')).toBe(
      'A tar stream is nothing for a terminal.\nLead it into a file or a program, such as: stillpoint restore latest --to - | tar -t\n[usage.invalid]\n2\n',
    );
  });

  test('--json tells on standard error, and what does not go with it is refused', async () => {
    const { exitCode, stderr } = await shell(
      'stillpoint --json restore latest "$1" --to - > /dev/null',
      `${tree}/data`,
    );
    expect(exitCode).toBe(0);
    expect(JSON.parse(stderr)).toMatchObject({ leftOut: { count: 0 } });
    expect((await shell('stillpoint restore latest --to - --detach | cat; exit "${PIPESTATUS[0]}"')).exitCode).toBe(2);
  });

  test('damage: a small file is left out and named; in a large one the stream ends without its mark', async () => {
    const packs = (await execa('find', [join(folder.path, 'repository', 'data'), '-type', 'f', '-size', '+1M'])).stdout;
    for (const pack of packs.split('\n')) await truncate(pack, 100_000);
    const piped = 'stillpoint restore latest "$1" --to - 2> "$2" | tar -t; echo "${PIPESTATUS[0]}"';
    const said = join(folder.path, 'said');
    const small = await shell(piped, `${tree}/data`, said);
    expect(small.stdout).toMatch(/\n9\n$/);
    expect(small.stdout).not.toContain('size-3333333');
    expect(await readFile(said, 'utf8')).toMatch(/^Streamed in part: .*size-3333333": its content is damaged/s);
    const large = await shell(piped, join(tree, 'larger-than-a-window'), said);
    expect(large.stdout).toMatch(/^7\n$/m);
    expect(large.stderr).toMatch(/^tar: .*(Unexpected EOF|does not look like a tar archive)/m);
    expect(await readFile(said, 'utf8')).toMatch(
      /^The stream ends in the middle of .*larger-than-a-window": its content/,
    );
  });
});
