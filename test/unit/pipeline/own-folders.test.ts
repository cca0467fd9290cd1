/** Folders of a restore point that are none of the host's. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { systemClock } from '../../../shared/base/clock.ts';
import { hostName, ownerId, repositoryName, runId, sourceName } from '../../../shared/domain/names.ts';
import type { Source } from '../../../shared/domain/source.ts';
import { type OwnFile, ownFoldersOf, storeOwnFolder } from '../../../shared/pipeline/backup/own-folders.ts';
import { BlobSink } from '../../../shared/pipeline/backup/repository-sink.ts';
import { storeRootTree } from '../../../shared/pipeline/backup/root-tree.ts';
import { TreeCounts } from '../../../shared/pipeline/backup/tree-counts.ts';
import { type Preparation, prepare } from '../../../shared/pipeline/prepare.ts';
import type { RemoteHost } from '../../../shared/remote/remote-host.ts';
import type { BlobId } from '../../../shared/repository/ids.ts';
import type { RestorePoint } from '../../../shared/repository/restore-point.ts';
import { timestampFromNs } from '../../../shared/repository/timestamp.ts';
import { REGISTRY } from '../../../shared/snapshot/registry.ts';
import { createLockedRepository, type LockedRepository, testSignal } from '../../support/test-repository.ts';
import { walkTree } from '../../support/walk-tree.ts';
import { aMount, surveyAnswer } from '../snapshot/fixtures.ts';

const source: Source = {
  ...{ name: sourceName('shop'), host: hostName('db1'), repository: repositoryName('main'), exclude: [] },
  paths: [Buffer.from('/')],
};
const context = { users: new Map([[0, 'root']]), groups: new Map<number, string>(), deviceId: 0n };
const fileOf = (name: string, text: string): OwnFile => ({
  ...{ name: Buffer.from(name, 'latin1'), size: text.length },
  content: Buffer.from(text),
});

describe('a folder of ours', () => {
  let opened: LockedRepository;
  beforeAll(async () => {
    opened = await createLockedRepository();
  });
  afterAll(() => opened[Symbol.asyncDispose]());

  interface Stored {
    readonly tree: BlobId;
    readonly counts: TreeCounts;
    /** "path mode size seconds" of all. */
    readonly entries: readonly string[];
  }

  async function store(files: readonly OwnFile[], seconds: number, parent?: BlobId): Promise<Stored> {
    const { repository, lock } = opened;
    await using writer = await repository.openWriter(lock, { workers: 1 });
    const sink = new BlobSink(repository, writer);
    const counts = new TreeCounts();
    const before = parent && ({ tree: parent, time: timestampFromNs(0n) } as unknown as RestorePoint);
    const ports = {
      ...{ sink, counts, context, parent: before, onProgress: () => undefined },
      timeNs: BigInt(seconds) * 1_000_000_000n,
    };
    const node = await storeOwnFolder('.ours', files, ports, testSignal());
    const root = { trees: [{ path: Buffer.from('/.ours'), node }], ancestors: [] };
    const tree = await storeRootTree(root, sink, context, testSignal());
    await writer.flush(testSignal());
    const entries: string[] = [];
    for await (const { path, node: each } of walkTree(repository, tree, testSignal())) {
      const name = path.map((part) => part.toString('latin1')).join('/');
      entries.push(`${name} ${each.mode.toString(8)} ${String(each.size ?? '-')} ${each.mtime.slice(17, 19)}`);
    }
    return { tree, counts, entries: entries.toSorted() };
  }

  test('holds what it is given, at any depth and of any bytes, for root alone', async () => {
    const files = [fileOf('b/deep/x', 'xx'), fileOf('b.txt', ''), fileOf('a', 'a'), fileOf('b/\u00ff', 'y')];
    const { entries, counts } = await store(files, 5);
    expect(entries).toEqual([
      '.ours 700 - 05',
      '.ours/a 600 1 05',
      '.ours/b 700 - 05',
      '.ours/b.txt 600 - 05',
      '.ours/b/deep 700 - 05',
      '.ours/b/deep/x 600 2 05',
      '.ours/b/\u00ff 600 1 05',
    ]);
    expect([counts.filesNew, counts.folders, counts.bytesTotal]).toEqual([4, 3, 4]);
  });

  test('keeps the time of what is as it was, so that a difference of two restore points is one', async () => {
    const first = await store([fileOf('a/same', 's'), fileOf('b/other', '1'), fileOf('c', '')], 5);
    const second = await store([fileOf('a/same', 's'), fileOf('b/other', '2'), fileOf('c', '')], 9, first.tree);
    expect(second.entries).toEqual([
      '.ours 700 - 09',
      '.ours/a 700 - 05',
      '.ours/a/same 600 1 05',
      '.ours/b 700 - 09',
      '.ours/b/other 600 1 09',
      '.ours/c 600 - 05',
    ]);
    expect([second.counts.filesUnmodified, second.counts.filesChanged, second.counts.filesNew]).toEqual([2, 1, 0]);
  });

  test('takes what comes while it is read, and not less or more than was said', async () => {
    const coming = (size: number): OwnFile => ({
      ...{ name: Buffer.from('image'), size },
      content: (async function* pieces() {
        yield Buffer.from('abc');
        yield Buffer.from('de');
      })(),
    });
    const { entries, counts } = await store([coming(5)], 5);
    expect([entries.at(-1), counts.bytesReceived]).toEqual(['.ours/image 600 5 05', 5]);
    await expect(store([coming(6)], 5)).rejects.toThrow('ended at byte 0 before the content of a file was whole');
    await expect(store([coming(4)], 5)).rejects.toThrow('holds more than its header says');
  });
});

describe('the names of our folders', () => {
  const mounts = [aMount('/', { id: 1, parentId: 0, device: '254:1', fsType: 'xfs' })];
  const prepared = async (more: Partial<Source>, there: readonly string[] = []): Promise<Preparation> => {
    const host = {
      name: 'db1',
      run: async (command: { readonly name: string; readonly args: readonly Buffer[] }) => {
        switch (command.name) {
          case 'resolve-paths':
            return command.args.map((asked) => {
              const isThere = !asked.toString().startsWith('/.stillpoint') || there.includes(asked.toString());
              return { asked, real: isThere ? asked : Buffer.alloc(0) };
            });
          case 'read-fstab':
            return [];
          case 'look-at-devices':
            return command.args.map((asked) => ({
              ...{ asked, found: 'device', device: '254:0', sizeBytes: 1, content: '' },
            }));
          default:
            return surveyAnswer(command as never, { mounts });
        }
      },
    } as unknown as RemoteHost;
    const identity = { run: runId('0000aaaa'), owner: ownerId('00000be4c400') };
    return await prepare({ ...source, ...more }, identity, [], { host, clock: systemClock, registry: REGISTRY }, never);
  };
  const devices = [Buffer.from('/dev/vg0/mysql')];

  test('are in the restore points of sources that have something to put there', () => {
    expect([ownFoldersOf(source), ownFoldersOf({ ...source, devices: [] })]).toEqual([[], []]);
    expect(ownFoldersOf({ ...source, system: true, devices })).toEqual(['.stillpoint-layout', '.stillpoint-devices']);
    expect(ownFoldersOf({ ...source, dumps: [{ of: 'redis' }] })).toEqual(['.stillpoint-dumps']);
  });

  test('hide what the host has there, which is told where "/" is saved', async () => {
    const notes = async (...args: Parameters<typeof prepared>): Promise<string> =>
      (await prepared(...args)).coverage.notes.join('\n');
    expect(await notes({ system: true }, ['/.stillpoint-layout'])).toContain(
      '"/.stillpoint-layout" on the host is left out',
    );
    expect(await notes({ system: true })).not.toContain('left out');
    expect(await notes({ devices }, ['/.stillpoint-layout'])).not.toContain('left out');
    expect(await notes({ devices }, ['/.stillpoint-devices'])).toContain('"/.stillpoint-devices" on the host is');
    expect(await notes({ devices, paths: [Buffer.from('/srv')] }, ['/.stillpoint-devices'])).not.toContain('left out');
  });

  test('cannot be paths of such a source', async () => {
    const at = (path: string): Promise<Preparation> =>
      prepared({ devices, paths: [Buffer.from(path)] }, ['/.stillpoint-devices', '/.stillpoint-devices/a']);
    await expect(at('/.stillpoint-devices')).rejects.toThrow('has the name of a folder that the restore point has');
    await expect(at('/.stillpoint-devices/a')).rejects.toThrow('has the name of a folder');
    await expect(at('/.stillpoint-layout-of-mine')).rejects.toThrow(/not there|not exist|There is no/);
  });

  test('a device has a snapshot of its own, beside those of the paths', async () => {
    const { snapshots, devices: planned } = await prepared({ devices });
    expect(snapshots.items.map(({ planned: each }) => each.volume)).toEqual(['vg0/files', 'vg0/mysql']);
    expect(planned.map(({ path }) => path.toString())).toEqual(['/dev/vg0/mysql']);
  });
});
