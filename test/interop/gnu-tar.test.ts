/**
 * The codec against the programs that it has to get along with: GNU tar in three formats and busybox as writers, GNU
 * tar as reader, on three file systems.
 */
import { createReadStream } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { TarEntry, TarXattr } from '../../shared/tar/entry.ts';
import { decodePosixAcl, formatAclText } from '../../shared/tar/posix-acl.ts';
import { readTar } from '../../shared/tar/reader.ts';
import { type TarItem, writeTar } from '../../shared/tar/write-tar.ts';
import { describeTree, type TreeDescription, treeDifferences } from '../support/describe-tree.ts';
import { mountFilesystem } from '../support/loop-filesystem.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { makeTortureTree } from '../support/torture-tree.ts';

const EVERYTHING = ['--format=posix', '--numeric-owner', '--xattrs', '--xattrs-include=*', '--sparse'];
const EXTRACT = ['--numeric-owner', '--same-permissions', '--same-owner', '--xattrs', '--xattrs-include=*', '--acls'];

const isRoot = process.getuid?.() === 0;
let folder: TemporaryFolder;
let tree: string;
let original: TreeDescription;

beforeAll(async () => {
  if (!isRoot) return;
  folder = await temporaryFolder();
  tree = join(folder.path, 'tree');
  await makeTortureTree(tree, { smallFiles: 300, sparseBytes: 9 * 1024 ** 3 });
  original = await describeTree(tree, { withHoles: true });
});

beforeEach(({ skip }) => skip(!isRoot, 'needs root for owners, devices, attributes and mounts'));

afterAll(async () => {
  await folder?.[Symbol.asyncDispose]();
});

/** Reads with our reader, writes with our writer, extracts with GNU tar. */
async function throughOurs(
  archive: string,
  target: string,
  options: { readonly withAclTexts: boolean },
): Promise<string> {
  const ours = `${archive}.ours`;
  await writeFile(ours, writeTar(rewritten(archive, options.withAclTexts)));
  await mkdir(target, { recursive: true });
  const args = options.withAclTexts ? EXTRACT : EXTRACT.filter((arg) => arg !== '--acls');
  await execa('tar', ['--extract', ...args, '-P', '-C', target, '-f', ours]);
  return ours;
}

async function* rewritten(archive: string, withAclTexts: boolean): AsyncGenerator<TarItem> {
  for await (const entry of readTar(createReadStream(archive))) {
    const texts = withAclTexts ? aclTexts(entry.xattrs) : { aclAccess: undefined, aclDefault: undefined };
    yield { head: { ...entry, ...texts }, content: entry.content };
  }
}

function aclTexts(xattrs: readonly TarXattr[]): Pick<TarEntry, 'aclAccess' | 'aclDefault'> {
  const text = (name: string): Buffer | undefined => {
    const value = xattrs.find((xattr) => xattr.name.toString() === name)?.value;
    const entries = value === undefined ? undefined : decodePosixAcl(value);
    return entries === undefined ? undefined : formatAclText(entries);
  };
  return { aclAccess: text('system.posix_acl_access'), aclDefault: text('system.posix_acl_default') };
}

describe('a tree of everything, read from GNU tar and written for GNU tar', () => {
  test.each(['ext4', 'xfs', 'btrfs'] as const)('comes back whole on %s', async (kind) => {
    await using mounted = await mountFilesystem(kind, folder.path, 400 * 1024 ** 2);
    const source = join(mounted.path, 'source');
    await execa('cp', ['-a', tree, source]);
    const before = await describeTree(source, { withHoles: true });
    expect(treeDifferences(original, before)).toEqual([]);
    const archive = join(folder.path, `${kind}.tar`);
    await execa('tar', ['--create', ...EVERYTHING, '-C', source, '-f', archive, '.']);
    const target = join(mounted.path, 'target');
    const ours = await throughOurs(archive, target, { withAclTexts: true });
    expect(treeDifferences(before, await describeTree(target, { withHoles: true }))).toEqual([]);
    const compare = ['--compare', ...EXTRACT, '--exclude=./sparse/large'];
    const compared = await execa('tar', [...compare, '-C', source, '-f', ours], { reject: false });
    expect([compared.exitCode, compared.stdout, compared.stderr]).toEqual([0, '', '']);
  });

  test('ACLs come back from the raw attributes alone when tar is not asked for ACLs', async () => {
    const archive = join(folder.path, 'raw.tar');
    await execa('tar', ['--create', ...EVERYTHING, '-C', tree, '-f', archive, './acls', './attributes']);
    const target = join(folder.path, 'raw');
    await throughOurs(archive, target, { withAclTexts: false });
    for (const part of ['acls', 'attributes']) {
      const expected = await describeTree(join(tree, part));
      expect(treeDifferences(expected, await describeTree(join(target, part)))).toEqual([]);
    }
  });

  test('ACL texts keep a default ACL of the folder above from being inherited', async () => {
    const archive = join(folder.path, 'inherit.tar');
    await execa('tar', ['--create', ...EVERYTHING, '-C', tree, '-f', archive, './acls']);
    const target = join(folder.path, 'inherit');
    await mkdir(target);
    await execa('setfacl', ['-m', 'd:u:4242:rwx', target]);
    await throughOurs(archive, target, { withAclTexts: true });
    const expected = await describeTree(join(tree, 'acls'));
    expect(treeDifferences(expected, await describeTree(join(target, 'acls')))).toEqual([]);
  });

  test('GNU tar lists our archive under the same names', async () => {
    const archive = join(folder.path, 'list.tar');
    await execa('tar', ['--create', ...EVERYTHING, '-C', tree, '-f', archive, '.']);
    const ours = `${archive}.ours`;
    await writeFile(ours, writeTar(rewritten(archive, false)));
    const list = async (file: string): Promise<string> => {
      const { stdout } = await execa('tar', ['--list', '--quoting-style=escape', '-f', file], { env: { LC_ALL: 'C' } });
      return stdout;
    };
    expect(await list(ours)).toBe(await list(archive));
  });
});

/** One line for each entry, as the reader sees it and as find does. */
async function seenBy(archive: string): Promise<Map<string, string>> {
  const seen = new Map<string, string>();
  for await (const entry of readTar(createReadStream(archive))) {
    const path = entry.name.toString('latin1').replace(/^\.\//, '');
    const facts = [entry.mode.toString(8), `${entry.uid}:${entry.gid}`, entry.mtime.seconds];
    if (entry.type === 'hardlink') seen.set(path, 'another name');
    else seen.set(path, [entry.type, entry.type === 'file' ? entry.size : '', ...facts].join(' '));
  }
  return seen;
}

const FIND_TYPES: Readonly<Record<string, string>> = {
  f: 'file',
  d: 'dir',
  l: 'symlink',
  p: 'fifo',
  c: 'chardev',
  b: 'blockdev',
};

async function seenByFind(): Promise<Map<string, string>> {
  const { stdout } = await execa('find', ['.', '-printf', '%y\\t%s\\t%m\\t%U:%G\\t%T@\\0%P\\0'], {
    cwd: tree,
    encoding: 'buffer',
    env: { LC_ALL: 'C' },
    stripFinalNewline: false,
  });
  const fields = Buffer.from(stdout).toString('latin1').split('\0').slice(0, -1);
  const seen = new Map<string, string>();
  for (let at = 0; at < fields.length; at += 2) {
    const [type = '', size = '', mode, owner, time = ''] = (fields[at] ?? '').split('\t');
    const facts = [mode, owner, time.replace(/\..*/, '')];
    seen.set(fields[at + 1] || '.', [FIND_TYPES[type], type === 'f' ? size : '', ...facts].join(' '));
  }
  return seen;
}

/** What remains of `seen` after everything that was found again, as itself or as another name of a file. */
function surprises(seen: ReadonlyMap<string, string>, listed: ReadonlyMap<string, string>): string[] {
  const wrong = [...seen].filter(
    ([path, line]) => listed.get(path) !== line && (line !== 'another name' || !listed.has(path)),
  );
  return wrong.map(([path, line]) => `${path}: ${line} and not ${listed.get(path) ?? 'there'}`);
}

describe('archives of other writers', () => {
  test.each([
    ['pax', ['--format=posix']],
    ['pax with sparse 0.0', ['--format=posix', '--sparse-version=0.0']],
    ['pax with sparse 0.1', ['--format=posix', '--sparse-version=0.1']],
    ['gnu', ['--format=gnu']],
    ['oldgnu', ['--format=oldgnu']],
  ])('GNU tar with the format %s', async (_name, options) => {
    const archive = join(folder.path, 'other.tar');
    await execa('tar', ['-c', '--sparse', '--numeric-owner', ...options, '-C', tree, '-f', archive, '.']);
    const [seen, listed] = await Promise.all([seenBy(archive), seenByFind()]);
    expect(surprises(seen, listed)).toEqual([]);
    expect(seen.size).toBe(listed.size);
    await rm(archive);
  });

  // These cannot hold all of the tree: large numbers and long names are left out.
  test.each([
    ['GNU tar with the format ustar', 'tar', ['-c', '--format=ustar']],
    ['busybox', 'busybox', ['tar', '-c']],
  ])('%s', async (_name, program, options) => {
    const archive = join(folder.path, 'other.tar');
    const parts = [
      'small',
      'data',
      'links',
      'other-folder',
      'attributes',
      'acls',
      'sparse/hole-at-end',
      'owners/m4755',
    ];
    await execa(program, [...options, '-C', tree, '-f', archive, ...parts]);
    const [seen, listed] = await Promise.all([seenBy(archive), seenByFind()]);
    expect(surprises(seen, listed)).toEqual([]);
    expect(seen.size).toBeGreaterThan(330);
    await rm(archive);
  });
});
