/**
 * Restoring what restic backed up: the torture tree comes back as it was, in whole and in part, and whatever goes
 * wrong is said by name.
 */
import { writeFileSync } from 'node:fs';
import { chown, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { cancelled } from '../../shared/base/cancel.ts';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { createRepository } from '../../shared/repository/open-repository.ts';
import { describeTree, type TreeDescription, treeDifferences } from '../support/describe-tree.ts';
import { mountFilesystem } from '../support/loop-filesystem.ts';
import { whyNotRoot } from '../support/needing.ts';
import { NO_RESTIC } from '../support/restic.ts';
import { type Restored, type RestoreOptions, restoreFrom, said, warningsOf } from '../support/restoring.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { CHEAP_KEY } from '../support/test-repository.ts';
import { makeTortureTree } from '../support/torture-tree.ts';

const PASSWORD = 'a password for tests';
const whyNot = NO_RESTIC ?? whyNotRoot('owners, devices, attributes and mounts');
/** restic 0.14 keeps link targets as text and no attributes of links; newer ones do better. */
const LOSSY_IN_RESTIC = ['kinds/link-bytes', 'attributes/link'];

let folder: TemporaryFolder;
let tree: string;
let repositoryFolder: string;
let original: TreeDescription;

function restic(args: readonly string[], cwd = folder.path) {
  const env = {
    RESTIC_REPOSITORY: repositoryFolder,
    RESTIC_PASSWORD: PASSWORD,
    RESTIC_CACHE_DIR: join(folder.path, 'cache'),
  };
  return execa('restic', [...args], { cwd, env });
}

/** Our own, because its key is cheap: restic's costs half a second each time that it is opened. */
async function makeRepository(path: string): Promise<void> {
  const signal = AbortSignal.timeout(60_000);
  await (await createRepository(createLocalBackend(path), PASSWORD, signal, { keyCost: CHEAP_KEY })).close();
}

beforeAll(async () => {
  if (whyNot !== undefined) return;
  folder = await temporaryFolder();
  tree = join(folder.path, 'tree');
  repositoryFolder = join(folder.path, 'repository');
  await makeTortureTree(tree, { smallFiles: 1500, sparseBytes: 100 * 1024 ** 2 });
  original = await describeTree(tree, { withHoles: true });
  await makeRepository(repositoryFolder);
  await restic(['backup', '--quiet', tree]);
});

beforeEach(({ skip }) => skip(whyNot !== undefined, whyNot));

afterAll(async () => {
  await folder?.[Symbol.asyncDispose]();
});

type Options = RestoreOptions & { readonly from?: string };

async function restoreTo(
  target: string,
  paths: readonly (string | Buffer)[] = [],
  { from = repositoryFolder, ...options }: Options = {},
): Promise<Restored> {
  return await restoreFrom(from, target, { ...options, paths, password: PASSWORD });
}

/** The tree without what no backup holds, or restic loses. */
function without(description: TreeDescription, ...paths: readonly string[]): TreeDescription {
  return new Map([...description].filter(([path]) => !paths.includes(path)));
}

function below(description: TreeDescription, prefix: string): TreeDescription {
  return new Map([...description].filter(([path]) => path === prefix || path.startsWith(`${prefix}/`)));
}

describe('restore', () => {
  test.each(['ext4', 'xfs', 'btrfs'] as const)('the whole torture tree comes back identical on %s', async (kind) => {
    await using mounted = await mountFilesystem(kind, folder.path, 700 * 1024 ** 2);
    const target = join(mounted.path, 'new', 'target');
    const { report, error, events } = await restoreTo(target);
    expect(error).toBeUndefined();
    const restored = await describeTree(join(target, tree), { withHoles: true });
    // Zeros that were stored come back as a hole, which restic cannot tell from one.
    const holes = (path: string): boolean => /^sparse\/(zeros-stored|many-holes)$/.test(path);
    const plain = (description: TreeDescription): TreeDescription =>
      new Map(
        [...without(description, ...LOSSY_IN_RESTIC)].map(([path, { holes: hole, ...facts }]) => [
          path,
          holes(path) || hole === undefined ? facts : { ...facts, holes: hole },
        ]),
      );
    expect(treeDifferences(plain(original), plain(restored))).toEqual([]);
    expect(warningsOf(events)).toEqual([]);
    const folders = [...original.values()].filter(({ type }) => type === 'd').length;
    const files = [...original.values()].filter(({ type }) => type === 'f').length;
    expect(report).toMatchObject({ kind: 'restore', target, files, folders: folders + tree.split('/').length - 2 });
  });

  test('over a torture tree of which everything was changed, all comes back', async () => {
    const target = join(folder.path, 'over');
    expect((await restoreTo(target)).error).toBeUndefined();
    const spoil = `cd "$1" && find . -type f -links -2 -size +0 -exec sh -c 'for file; do echo spoiled > "$file"; done' sh {} +
      find . ! -type d -exec touch -h -d @1 {} + ; rm -r ./data/size-1`;
    await execa('sh', ['-c', spoil, 'sh', join(target, tree)]);
    const { report, error } = await restoreTo(target, [], { overwrite: 'older' });
    expect(error).toBeUndefined();
    expect(report?.leftOut.named).toEqual([]);
    // A few are as old as 1970 themselves, and folders that are there keep their times.
    const old = (path: string): boolean =>
      /^(times\/|sparse\/(zeros-stored|many-holes)$)/.test(path) || original.get(path)?.['type'] === 'd';
    const plain = (description: TreeDescription): TreeDescription =>
      new Map([...without(description, ...LOSSY_IN_RESTIC)].filter(([path]) => !old(path)));
    expect(
      treeDifferences(plain(original), plain(await describeTree(join(target, tree), { withHoles: true }))),
    ).toEqual([]);
    expect(report?.plan?.added).toEqual({ files: 1, folders: 0, others: 0 });
    await rm(target, { recursive: true });
  });

  test('it agrees with restic restore in everything that restic restores', async () => {
    const [ours, theirs] = [join(folder.path, 'ours'), join(folder.path, 'theirs')];
    await restic(['restore', 'latest', '--quiet', '--target', theirs]);
    expect((await restoreTo(ours)).error).toBeUndefined();
    const differences = treeDifferences(await describeTree(theirs), await describeTree(ours));
    // restic makes second names of symbolic links links of their own, and has no times after 2262.
    expect(differences.filter((line) => !/^\.: time|links\/symbolic|times\/t15032385535/.test(line))).toEqual([]);
    await Promise.all([ours, theirs].map((path) => rm(path, { recursive: true })));
  });

  test('chosen paths come with the folders on their way, and a hard link without its first name is a file', async () => {
    const target = join(folder.path, 'part');
    const paths = [
      `${tree}/other-folder/third`,
      Buffer.concat([Buffer.from(`${tree}/names/new`), Buffer.from('\nline')]),
      `${tree}/acls`,
    ];
    const { error, report } = await restoreTo(target, paths);
    expect(error).toBeUndefined();
    const restored = await describeTree(join(target, tree));
    expect(restored.get('other-folder/third')?.['content']).toBe(original.get('links/first')?.['content']);
    expect(restored.get('other-folder/third')?.['linkedTo']).toBeUndefined();
    expect(treeDifferences(below(original, 'acls'), below(restored, 'acls'))).toEqual([]);
    expect(restored.get('other-folder')).toEqual(original.get('other-folder'));
    expect([...restored.keys()].filter((path) => path.startsWith('names/'))).toEqual(['names/new\nline']);
    expect(report?.files).toBe(2 + 5);
    await rm(target, { recursive: true });
  });

  test('hard links hold together when only some of their names are wanted', async () => {
    const target = join(folder.path, 'links');
    const { error } = await restoreTo(target, [
      `${tree}/other-folder/zzz`,
      `${tree}/links/name\n\u00ff`.normalize(),
      `${tree}/links/second`,
      `${tree}/other-folder/third`,
    ]);
    expect(error).toMatchObject({ code: 'repository.path-not-found' });
    const again = await restoreTo(target, [`${tree}/links/second`, `${tree}/other-folder`]);
    expect(again.error).toBeUndefined();
    const restored = await describeTree(join(target, tree));
    expect(restored.get('links/second')?.['linkedTo']).toMatch(/^2 names/);
    expect(restored.get('other-folder/third')?.['linkedTo']).toBe(restored.get('links/second')?.['linkedTo']);
    await rm(target, { recursive: true });
  });

  test('a path that is not there is said before anything is written', async () => {
    const target = join(folder.path, 'nothing');
    const { error } = await restoreTo(target, [`${tree}/not-there`]);
    expect(said(error)).toMatch(/^repository\.path-not-found: .*not-there/);
    await expect(readdir(target)).rejects.toThrow('ENOENT');
  });

  test('a target that is not empty, not a folder, or cannot be made is refused and left alone', async () => {
    const full = join(folder.path, 'full');
    await mkdir(full);
    await writeFile(join(full, '\n'), 'mine');
    await symlink('nowhere', join(folder.path, 'dangling'));
    const refusal = async (path: string) => said((await restoreTo(path)).error);
    expect(await refusal(full)).toMatch(/^restore\.target: .*is not empty/);
    expect(await refusal(join(full, '\n'))).toContain('is not a folder');
    expect(await refusal(join(folder.path, 'dangling'))).toContain('is not a folder');
    expect(await refusal(join(full, '\n', 'below'))).toContain('is not a folder');
    expect(await refusal(repositoryFolder)).toContain('lies inside a repository');
    expect(await refusal(join(repositoryFolder, 'data', 'new'))).toContain('lies inside a repository');
    expect(await refusal('/proc/nothing/here')).toContain('could not be made');
    expect(await refusal('relative')).toContain('is not an absolute path');
    expect(await readdir(full)).toEqual(['\n']);
  });

  test('a default ACL of the target is not inherited by what comes back', async () => {
    const target = join(folder.path, 'with-default-acl');
    await mkdir(target);
    await execa('setfacl', ['-m', 'd:u:4242:rwx', target]);
    expect((await restoreTo(target, [`${tree}/acls`, `${tree}/owners`])).error).toBeUndefined();
    const restored = await describeTree(join(target, tree));
    for (const part of ['acls', 'owners']) {
      expect(treeDifferences(below(original, part), below(restored, part))).toEqual([]);
    }
    await rm(target, { recursive: true });
  });

  test('what somebody else puts into the folder meanwhile stays, and nothing is written over it', async () => {
    const target = join(folder.path, 'not-alone');
    const top = tree.split('/')[1] ?? '';
    const { error } = await restoreTo(target, [`${tree}/data`], {
      onEvent: (event) => {
        if (event.type === 'progress') writeFileSync(join(target, top), 'of somebody else');
      },
    });
    expect(said(error)).toMatch(/^restore\.target: Everything was restored, but "tmp" could not be moved/);
    expect(await readFile(join(target, top), 'utf8')).toBe('of somebody else');
    const [work = ''] = (await readdir(target)).filter((name) => name !== top);
    expect(work).toMatch(/^\.stillpoint-restore-[0-9a-f]{12}$/);
    expect((await describeTree(join(target, work, tree))).size).toBe(below(original, 'data').size + 1);
    expect(said((await restoreTo(target)).error)).toContain(`what an interrupted restore left: "${work}"`);
    await rm(join(target, top));
    expect(said((await restoreTo(target)).error)).toContain(`what an interrupted restore left: "${work}"`);
    await rm(target, { recursive: true });
  });

  test('a full disk is a sentence about the target', async () => {
    await using mounted = await mountFilesystem('tmpfs', folder.path, 3 * 1024 ** 2);
    const { error } = await restoreTo(mounted.path, [`${tree}/data`]);
    expect(said(error)).toMatch(/^restore\.target: The file system of .* has too little room/);
  });

  test('a file system that cannot hold some attributes gets everything else, and each loss is named', async () => {
    await using mounted = await mountFilesystem('tmpfs', folder.path, 50 * 1024 ** 2);
    const { error, events } = await restoreTo(mounted.path, [`${tree}/attributes`]);
    expect(error).toBeUndefined();
    const told = warningsOf(events);
    const lost = [...original].filter(
      ([path, facts]) => path.startsWith('attributes/') && Object.keys(facts).some((key) => key.startsWith('user.')),
    );
    const after = await describeTree(join(mounted.path, tree));
    for (const [path, facts] of lost) {
      const isWhole = treeDifferences(new Map([[path, facts]]), new Map([[path, after.get(path) ?? {}]])).length === 0;
      expect([path, isWhole || told.some((message) => message.includes(path))]).toEqual([path, true]);
    }
  });

  test('cancelling stops it, and the reason is the one that was given', async () => {
    const controller = new AbortController();
    const target = join(folder.path, 'cancelled');
    const { error } = await restoreTo(target, [], {
      signal: controller.signal,
      onEvent: (event) => {
        if (event.type === 'progress') controller.abort(cancelled('The restore'));
      },
    });
    expect(error).toMatchObject({ code: 'run.cancelled' });
    await rm(target, { recursive: true, force: true });
  });

  test('a user who is not root gets the content, and is told what is not kept', async () => {
    await using home = await temporaryFolder();
    await chown(home.path, 65534, 65534);
    const target = join(home.path, 'target');
    const parts = ['names', 'owners', 'acls', 'attributes', 'kinds/folder-1777'].map((part) => `${tree}/${part}`);
    const { error, events } = await restoreTo(target, parts, { asNobody: true });
    expect(error).toBeUndefined();
    const told = warningsOf(events);
    expect(told.some((message) => message.includes('owner or group (only root'))).toBe(true);
    expect(told.some((message) => message.includes('attributes/trusted'))).toBe(true);
    const contents = (description: TreeDescription): string[] =>
      [...description]
        .filter(([, { type }]) => type === 'f')
        .map(([path, { content }]) => `${path} ${content}`)
        .sort();
    const wanted = new Map(
      [...original].filter(([path]) => /^(names|owners|acls|attributes|kinds\/folder-1777)/.test(path)),
    );
    expect(contents(await describeTree(join(target, tree)))).toEqual(contents(wanted));
  });
});

describe('a damaged repository', () => {
  test('costs the files that are hit and no others, and the restore does not call itself whole', async () => {
    const damaged = join(folder.path, 'damaged');
    const source = join(folder.path, 'source');
    await mkdir(join(source, 'sub'), { recursive: true });
    await execa(
      'sh',
      [
        '-c',
        'head -c 30000000 /dev/urandom > large; head -c 300000 /dev/urandom > sub/small; ln large sub/large-again; echo fine > fine',
      ],
      { cwd: source },
    );
    const env = {
      RESTIC_REPOSITORY: damaged,
      RESTIC_PASSWORD: PASSWORD,
      RESTIC_CACHE_DIR: join(folder.path, 'cache2'),
    };
    await makeRepository(damaged);
    await execa('restic', ['backup', '--quiet', source], { env });
    // One bit in the middle of one data pack; trees lie in other packs.
    const { stdout: packs } = await execa('sh', ['-c', 'find data -type f -size +1000k'], { cwd: damaged });
    const [pack = ''] = packs.split('\n').sort();
    const bytes = await readFile(join(damaged, pack));
    bytes[Math.floor(bytes.length / 2)] = (bytes[Math.floor(bytes.length / 2)] ?? 0) ^ 0x55;
    await execa('chmod', ['u+w', join(damaged, pack)]);
    await writeFile(join(damaged, pack), bytes);
    const target = join(folder.path, 'from-damaged');
    const { error, report } = await restoreTo(target, [], { from: damaged });
    expect(said(error)).toBe('');
    expect(report?.leftOut.count).toBe(2);
    expect(report?.leftOut.named[0]?.reason).toContain('its content is damaged');
    const restored = await describeTree(join(target, source));
    const expected = without(await describeTree(source), 'large', 'sub/large-again');
    expect(treeDifferences(expected, restored)).toEqual([]);
  });
});
