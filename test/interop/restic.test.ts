/**
 * restic reads ours, we read restic's: formats 1 and 2, every compression, all kinds of files, and both writing into
 * one repository. restic is the judge: `check --read-data` has to find nothing, `restore` to bring back every byte and
 * attribute. Needs root and Debian's restic, attr, acl and libcap2-bin.
 */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { checkRepository } from '../../shared/repository/check/check.ts';
import { verifyRepository } from '../../shared/repository/check/verify.ts';
import { encodeTree } from '../../shared/repository/format/tree.ts';
import { blobIdOf } from '../../shared/repository/ids.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import type { OpenedRepository } from '../../shared/repository/opened-repository.ts';
import type { RestorePoint } from '../../shared/repository/restore-point.ts';
import { describeTree, treeDifferences } from '../support/describe-tree.ts';
import { findNode } from '../support/find-node.ts';
import { archiveFolder } from '../support/local-archive.ts';
import { needing, whyNotRoot } from '../support/needing.ts';
import { makePlainTree } from '../support/plain-tree.ts';
import { NO_RESTIC, restic, resticFinds, resticOk } from '../support/restic.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { createTestRepository, PASSWORD } from '../support/test-repository.ts';
import { makeTortureTree } from '../support/torture-tree.ts';
import { walkTree } from '../support/walk-tree.ts';

const signal = AbortSignal.timeout(10 * 60_000);

describe('with restic', needing(NO_RESTIC, whyNotRoot('owners and devices')), () => {
  let folder: TemporaryFolder;
  let source: string;
  /** Files of one blob each for restic's chunker too, and at most one attribute, whose order no program promises. */
  let plain: string;

  /**
   * What restic 0.14 loses of its own backup of the same tree: attributes and hard links of symbolic links, targets
   * that are no UTF-8, times after 2038.
   */
  let resticsOwnLosses: readonly string[];

  beforeAll(async () => {
    folder = await temporaryFolder();
    source = join(folder.path, 'source');
    plain = join(folder.path, 'plain');
    await makeTortureTree(source, { smallFiles: 50, sparseBytes: 32 * 1024 ** 2 });
    await makePlainTree(plain);
    await made('baseline');
    await resticOk(place('baseline'), 'backup', source);
    await resticOk(place('baseline'), 'restore', 'latest', '--target', place('baseline-restored'));
    resticsOwnLosses = await lossesOf(join(place('baseline-restored'), source));
  });
  afterAll(() => folder[Symbol.asyncDispose]());

  const place = (name: string): string => join(folder.path, name);
  /** The folder that restic restores into is not part of a restore point. */
  const lossesOf = async (restored: string): Promise<string[]> => {
    const [expected, actual] = await Promise.all([describeTree(source), describeTree(restored)]);
    return treeDifferences(expected, actual).filter((line) => !line.startsWith('.: '));
  };
  const ours = (name: string, version: 1 | 2): Promise<OpenedRepository> =>
    createTestRepository(createLocalBackend(place(name)), version);
  /** Where it does not matter who made it, the key is a cheap one. */
  const made = async (name: string): Promise<void> => (await ours(name, 2)).close();
  const opened = async (name: string): Promise<OpenedRepository> => {
    const repository = await openRepository(createLocalBackend(place(name)), PASSWORD, signal);
    await repository.loadIndex(signal);
    return repository;
  };

  describe.each([
    [1, 'off'],
    [2, 'off'],
    [2, 'auto'],
    [2, 'max'],
  ] as const)('format %i, compression %s', (version, compression) => {
    const name = `${version}-${compression}`;

    it('restic lists, checks, reads and restores what we wrote', async () => {
      await using repository = await ours(`ours-${name}`, version);
      const point = await archiveFolder(repository, source, { signal, compression });
      const path = place(`ours-${name}`);

      const listed = JSON.parse(await resticOk(path, 'snapshots', '--json')) as Record<string, unknown>[];
      expect(listed).toEqual([
        expect.objectContaining({ id: point.id, hostname: 'db1', tree: point.tree, paths: [source] }),
      ]);
      expect(await resticFinds(path, '--read-data')).toEqual([]);
      expect((await resticOk(path, 'ls', 'latest')).split('\n').length).toBeGreaterThan(80);
      expect(await resticOk(path, 'dump', 'latest', '/small/folder-0/file-7.txt')).toMatch(/^file 7: x*$/);

      await resticOk(path, 'restore', 'latest', '--target', place(`restored-${name}`));
      expect(resticsOwnLosses.length).toBeLessThan(10);
      expect(await lossesOf(place(`restored-${name}`))).toEqual(resticsOwnLosses);
    });

    it('we list, check, verify and read what restic wrote', async () => {
      const path = place(`theirs-${name}`);
      await resticOk(path, 'init', '--repository-version', String(version));
      await resticOk(path, 'backup', ...(version === 1 ? [] : ['--compression', compression]), source);
      const repository = await opened(`theirs-${name}`);
      const { points, findings } = await repository.listRestorePoints(signal);
      expect(findings).toEqual([]);
      expect(points.map(({ paths }) => paths)).toEqual([[source]]);
      expect((await checkRepository(repository, signal)).findings).toEqual([]);
      const verified = await verifyRepository(repository, { signal });
      expect(verified.findings).toEqual([]);
      expect(verified.blobs).toBeGreaterThan(50);
      await expectSameContents(repository, points[0] as RestorePoint, source);
    });
  });

  it('equal trees have equal ids', async () => {
    const path = place('ids');
    await made('ids');
    await resticOk(path, 'backup', plain);
    await using repository = await opened('ids');
    const theirs = await repository.findRestorePoint('latest', signal);
    const names = plain
      .split('/')
      .slice(1)
      .map((name) => Buffer.from(name));
    const node = await findNode(repository, theirs.tree, names, signal);
    const mine = await archiveFolder(repository, plain, { signal });
    expect(mine.tree).toBe(node?.subtree);
  });

  it('both write into one repository and share their blobs', async () => {
    const path = place('shared');
    await made('shared');
    await resticOk(path, 'backup', plain);
    await using repository = await opened('shared');
    const before = repository.index.blobCount;
    await archiveFolder(repository, plain, { signal });
    expect(repository.index.blobCount).toBe(before);

    await mkdir(place('more'));
    await writeFile(place('more/new'), 'written by us first');
    await archiveFolder(repository, place('more'), { signal });
    const lines = (await resticOk(path, 'backup', '--json', place('more'))).trim().split('\n');
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ message_type: 'summary', data_blobs: 0 });
    expect(await resticFinds(path, '--read-data')).toEqual([]);
    await resticOk(path, 'forget', '--keep-last', '1', '--group-by', 'host', '--prune');
    expect(await resticFinds(path, '--read-data')).toEqual([]);
    expect((await verifyRepository(await opened('shared'), { signal })).findings).toEqual([]);
  });

  it('passwords that restic adds open the repository', async () => {
    await using _repository = await ours('keys', 2);
    await writeFile(place('second'), 'second password');
    await resticOk(place('keys'), 'key', 'add', '--new-password-file', place('second'));
    await using again = await openRepository(createLocalBackend(place('keys')), 'second password', signal);
    expect(again.id).toBe(_repository.id);
  });

  it('locks are respected on both sides', async () => {
    await using repository = await ours('locks', 2);
    const path = place('locks');
    {
      await using _lock = await repository.lock('exclusive', signal);
      expect((await restic(path, 'backup', plain)).stderr).toContain('already locked exclusively');
      await resticOk(path, 'unlock');
    }
    {
      await using lock = await repository.lock('shared', signal);
      expect((await restic(path, 'check')).stderr).toContain('already locked');
      await resticOk(path, 'backup', plain);
      await resticOk(path, 'unlock');
      lock.assertHeld();
      expect((await repository.files.listNames('locks', signal)).length).toBe(1);
    }
    expect(await resticFinds(path)).toEqual([]);
  });

  async function expectSameContents(repository: OpenedRepository, point: RestorePoint, dir: string): Promise<void> {
    const top = await findNode(
      repository,
      point.tree,
      dir
        .split('/')
        .slice(1)
        .map((part) => Buffer.from(part)),
      signal,
    );
    expect(top?.subtree).toBeDefined();
    const expected = await describeTree(dir);
    let files = 0;
    for await (const { path, node } of walkTree(repository, top?.subtree ?? point.tree, signal)) {
      const facts = expected.get(
        Buffer.concat(path.flatMap((part, n) => (n === 0 ? [part] : [Buffer.from('/'), part]))).toString('latin1'),
      );
      expect(facts?.['mode']).toBe(node.mode.toString(8));
      if (node.subtree !== undefined) {
        const tree = await repository.loadTree(node.subtree, signal);
        const hasLossyLink = tree.nodes.some(({ linkTarget }) => linkTarget?.includes('\ufffd') === true);
        if (!hasLossyLink) expect(blobIdOf(encodeTree(tree.nodes))).toBe(node.subtree);
      }
      if (node.content === undefined) continue;
      const content: Buffer[] = [];
      for (const id of node.content) content.push(await repository.loadBlob('data', id, signal));
      const file = Buffer.concat([Buffer.from(dir), ...path.flatMap((part) => [Buffer.from('/'), part])]);
      expect(blobIdOf(Buffer.concat(content))).toBe(blobIdOf(await readFile(file)));
      files += 1;
    }
    expect(files).toBeGreaterThan(60);
  }
});
