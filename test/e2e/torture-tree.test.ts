/**
 * The torture tree through the real pipeline: packed into a guest's XFS, backed up from an LVM snapshot over SSH,
 * restored by us and by restic, and compared with what it was before it went there. Then what a second backup reads
 * and stores, with nothing changed and with little changed.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { never } from '../../shared/base/cancel.ts';
import { systemClock } from '../../shared/base/clock.ts';
import { silentLogger } from '../../shared/base/log.ts';
import type { RunEventBody } from '../../shared/domain/events.ts';
import type { BackupReport } from '../../shared/domain/verbs/backup.ts';
import type { RestoreReport } from '../../shared/domain/verbs/restore.ts';
import { restore } from '../../shared/pipeline/restore.ts';
import { connectHost } from '../../shared/remote/connect-host.ts';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import {
  type BackupSetting,
  createTestRepository,
  PASSWORD,
  repositoryFolder,
  runBackup,
} from '../faults/kill/backup-fixture.ts';
import { type Guest, startGuest } from '../lab/guest.ts';
import { reasonLabCannotRun } from '../lab/requirements.ts';
import { describeTree, type TreeDescription, treeDifferences } from '../support/describe-tree.ts';
import { packInto } from '../support/pack-into.ts';
import { NO_RESTIC } from '../support/restic.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { makeTortureTree } from '../support/torture-tree.ts';

const SMALL_FILES = 20_000;
const TREE = '/srv/files/tree';
/** Times after today make a file look as if it was written while the parent's snapshot was taken; it is read again. */
const OF_THE_FUTURE = ['t2147483648', 't4294967296.5', 't8589934592.999999999', 't15032385535'];

/** Differences that restic 0.14 makes; each must show, so that the list does not outlive them. */
const LOST_BY_RESTIC = [
  // Link targets are text to it.
  /^kinds\/link-bytes: target/,
  // No attributes of symbolic links.
  /^attributes\/link: /,
  // No times after 2262.
  /^times\/t15032385535: time/,
  // The second name of a symbolic link becomes a link of its own.
  /^links\/symbolic(-again)?: linkedTo/,
];

const obstacle = NO_RESTIC ?? (await reasonLabCannotRun());

describe('the torture tree', () => {
  let guest: Guest;
  let folder: TemporaryFolder;
  let setting: BackupSetting;
  let original: TreeDescription;
  let first: BackupReport;
  const started = performance.now();

  const told = (what: string): void =>
    console.log(`torture tree: ${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s  ${what}`);
  const backUp = async (): Promise<BackupReport> => await runBackup(setting, () => undefined, never);
  const restic = async (...args: string[]): Promise<string> => {
    const env = { RESTIC_PASSWORD: PASSWORD };
    return (await execa('restic', ['--no-cache', '--repo', repositoryFolder(setting), ...args], { env })).stdout;
  };
  const repositoryBytes = async (): Promise<number> =>
    Number((await execa('du', ['-sb', repositoryFolder(setting)])).stdout.split('\t')[0]);

  beforeEach(({ skip }) => skip(obstacle !== undefined, obstacle));

  beforeAll(async () => {
    if (obstacle !== undefined) return;
    folder = await temporaryFolder();
    const tree = join(folder.path, 'tree');
    const describing = makeTortureTree(tree, { smallFiles: SMALL_FILES }).then(() =>
      describeTree(tree, { withHoles: true }),
    );
    [guest, original] = await Promise.all([startGuest({}, never), describing]);
    told(`made and described, ${original.size} entries; the guest is up`);
    const { sshConfigFile } = guest;
    setting = { sshConfigFile, alias: 'lab', folder: folder.path, paths: [TREE], leaseSeconds: 60 };
    await Promise.all([packInto(guest, tree, TREE), createTestRepository(setting, never)]);
    await rm(tree, { recursive: true });
    // What was written in the last two seconds before a snapshot would be read again by the next backup.
    await guest.must('sync; sleep 3', { signal: never });
    told("packed into the guest's XFS");
    first = await backUp();
    told(`backed up: ${figures(first)}`);
  });

  afterAll(async () => {
    await guest?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  test('is in the restore point whole', () => {
    const count = (matches: (type: string) => boolean): number =>
      [...original.values()].filter((facts) => matches(facts['type'] ?? '')).length;
    const files = count((type) => type === 'f');
    expect(files).toBeGreaterThan(SMALL_FILES);
    expect(first.files).toEqual({ new: files, changed: 0, unmodified: 0 });
    expect(first.folders).toBe(count((type) => type === 'd'));
    expect(first.others).toBe(count((type) => type !== 'd' && type !== 'f'));
    expect(first.bytesTotal).toBe(bytesOf(original, () => true));
    // The holes of 3 GiB and more were not sent.
    expect(first.bytesReceived).toBeLessThan(200 * 1024 ** 2);
  });

  test('comes back identical by our restore', async () => {
    const target = join(folder.path, 'ours');
    const report = await restoreTo(target);
    told('restored by us');
    expect(report).toMatchObject({ files: first.files.new, folders: first.folders + 2, others: first.others });
    const restored = await describeTree(join(target, TREE), { withHoles: true });
    // XFS shows ACLs a second time as attributes of its own, which are not part of the files.
    const second = await execa('getfattr', ['-R', '-h', '-d', '-m', '^trusted\\.SGI_', target]);
    expect(second.stdout).toBe('');
    await rm(target, { recursive: true });
    told('described');
    expect(treeDifferences(withoutHoles(original, isVague), withoutHoles(restored, isVague))).toEqual([]);
  });

  test('comes back by restic but for what restic itself cannot keep, and restic finds the repository sound', async () => {
    expect(await restic('check', '--read-data')).toContain('no errors were found');
    const target = join(folder.path, 'theirs');
    await restic('restore', first.restorePoint, '--target', target);
    told('checked and restored by restic');
    const restored = await describeTree(join(target, TREE));
    await rm(target, { recursive: true });
    told('described');
    const lost = treeDifferences(withoutHoles(original), restored);
    expect(lost.filter((line) => !LOST_BY_RESTIC.some((known) => known.test(line)))).toEqual([]);
    for (const known of LOST_BY_RESTIC) expect(lost.filter((line) => known.test(line))).not.toEqual([]);
  });

  test('is neither read nor stored again while it stays as it is', async () => {
    const before = await repositoryBytes();
    const second = await backUp();
    told(`backed up again: ${figures(second)}`);
    const { future } = readAgain();
    expect(second.parent).toBe(first.restorePoint);
    expect(second.files).toEqual({
      new: 0,
      changed: OF_THE_FUTURE.length,
      unmodified: first.files.new - OF_THE_FUTURE.length,
    });
    expect(second.bytesRead).toBe(future);
    expect(second.bytesTotal).toBe(first.bytesTotal);
    expect(second).toMatchObject({ blobsNew: 0, bytesStored: 0 });
    // Names are asked for one by one: what came back is these few and not the tree.
    expect(second.bytesReceived).toBeLessThan(256 * 1024);
    // What is left is the restore point itself.
    expect((await repositoryBytes()) - before).toBeLessThan(8 * 1024);
  });

  test('is read only where it changed', async () => {
    const small = `${TREE}/small/folder-7`;
    await guest.must(
      `cd ${small} && printf 'other content' > file-3500.txt && chmod 0600 file-3501.txt && mv file-3502.txt renamed.txt &&
       sync && sleep 3`,
      { signal: never },
    );
    const third = await backUp();
    told(`backed up with three changes: ${figures(third)}`);
    const { future } = readAgain();
    const sizeOf = (name: string): number => Number(original.get(`small/folder-7/${name}`)?.['size']);
    expect(third.files).toEqual({
      new: 1,
      changed: 2 + OF_THE_FUTURE.length,
      unmodified: first.files.new - 3 - OF_THE_FUTURE.length,
    });
    expect(third.bytesRead).toBe('other content'.length + sizeOf('file-3501.txt') + sizeOf('file-3502.txt') + future);
    // The new content, and the folders from there to the top: folder-7, small, tree, files, srv, and the root.
    expect(third.blobsNew).toBe(1 + 6);
    expect(third.bytesStored).toBeLessThan(first.bytesStored / 100);
    const target = join(folder.path, 'changed');
    await restoreTo(target, [small]);
    const restored = await describeTree(join(target, small));
    expect(restored.get('file-3500.txt')?.['size']).toBe('13');
    expect(restored.get('file-3501.txt')?.['mode']).toBe('600');
    expect(restored.get('renamed.txt')?.['content']).toBe(original.get('small/folder-7/file-3502.txt')?.['content']);
    expect(restored.has('file-3502.txt')).toBe(false);
    expect(await guest.traces({ signal: never })).toEqual([]);
    told('done');
  });

  async function restoreTo(target: string, paths: readonly string[] = []): Promise<RestoreReport> {
    const warnings: RunEventBody[] = [];
    const report = await restore(
      { restorePoint: 'latest', paths: paths.map((path) => Buffer.from(path)), target },
      {
        openHost: (signal) =>
          connectHost(
            { name: 'here', ssh: undefined, sudo: 'none' },
            {
              prompter: undefined,
              logger: silentLogger,
              clock: systemClock,
              agentSocket: undefined,
              homeFolder: folder.path,
            },
            signal,
          ),
        openRepository: (signal) => openRepository(createLocalBackend(repositoryFolder(setting)), PASSWORD, signal),
        clock: systemClock,
        logger: silentLogger,
        emit: (event) => {
          if (event.type === 'warning') warnings.push(event);
        },
      },
      never,
    );
    expect(warnings).toEqual([]);
    return report;
  }

  function readAgain(): { readonly future: number } {
    return { future: bytesOf(original, (path) => OF_THE_FUTURE.some((name) => path === `times/${name}`)) };
  }
});

function figures(report: BackupReport): string {
  const { files, folders, others, bytesTotal, bytesRead, bytesReceived, bytesStored, blobsNew, snapshots } = report;
  const lifetimeMs = snapshots[0]?.lifetimeMs;
  return JSON.stringify({
    files,
    folders,
    others,
    bytesTotal,
    bytesRead,
    bytesReceived,
    bytesStored,
    blobsNew,
    lifetimeMs,
  });
}

function bytesOf(description: TreeDescription, isWanted: (path: string) => boolean): number {
  return [...description]
    .filter(([path]) => isWanted(path))
    .reduce((sum, [, facts]) => sum + Number(facts['size'] ?? 0), 0);
}

function withoutHoles(description: TreeDescription, isMeant = (_path: string): boolean => true): TreeDescription {
  const entries = [...description].map(([path, facts]) => {
    const { holes, ...others } = facts;
    return [path, holes === undefined || isMeant(path) ? others : facts] as const;
  });
  return new Map(entries);
}

/** File systems give small holes room or not as they like, and stored zeros come back as a hole. */
function isVague(path: string): boolean {
  return path === 'sparse/zeros-stored' || path === 'sparse/many-holes';
}
