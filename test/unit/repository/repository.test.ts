import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isStillpointError } from '../../../shared/base/errors.ts';
import type { Backend } from '../../../shared/repository/backend/backend.ts';
import {
  decodeKeyFile,
  encodeKeyFile,
  openMasterKey,
  sealMasterKey,
} from '../../../shared/repository/format/key-file.ts';
import { type BlobId, blobIdOf } from '../../../shared/repository/ids.ts';
import { createRepository, openRepository } from '../../../shared/repository/open-repository.ts';
import { timestampFromNs } from '../../../shared/repository/timestamp.ts';
import { FaultPlan, withFaults } from '../../support/fault-plan.ts';
import { createMemoryBackend } from '../../support/stores/memory.ts';
import { backUp, CHEAP_KEY, createTestRepository, PASSWORD, testSignal } from '../../support/test-repository.ts';
import { walkTree } from '../../support/walk-tree.ts';

const signal = testSignal();
const coded = (code: string): unknown => expect.objectContaining({ code });
const TREE = { etc: { 'my.cnf': '[mysqld]\n', empty: '' }, srv: { files: { 'a.txt': 'a', 'b.txt': 'b' } } };

async function onlyName(backend: Backend, type: 'keys' | 'snapshots'): Promise<string> {
  for await (const { name } of backend.list(type, signal)) return name;
  throw new Error(`no file in ${type}`);
}

describe('opening', () => {
  it('needs the password', async () => {
    const backend = createMemoryBackend();
    const { id } = await createTestRepository(backend);
    expect((await openRepository(backend, PASSWORD, signal)).id).toBe(id);
    await expect(openRepository(backend, 'other', signal)).rejects.toEqual(coded('repository.wrong-password'));
  });

  it('says what is no repository', async () => {
    await expect(openRepository(createMemoryBackend(), PASSWORD, signal)).rejects.toEqual(
      coded('repository.not-found'),
    );
  });

  it.each([
    ['/mnt/backup', 'Check that the file system is mounted and the path is right.'],
    ['sftp:nas:/backup', 'Check that the file system is mounted and the path is right.'],
    ['s3:https://store/bucket', 'Check the bucket and the folder in the location.'],
    ['rest:https://store/main/', 'Check the path in the location.'],
  ])('asks to look where a repository at %s may be', async (location, where) => {
    const memory = createMemoryBackend();
    const elsewhere = Object.assign(memory, { properties: { ...memory.properties, location } });
    await expect(openRepository(elsewhere, PASSWORD, signal)).rejects.toMatchObject({
      advice: `${where} To make a new repository there, use "stillpoint init".`,
    });
  });

  it.each([
    ['main', 'The repository "main" at memory holds no restore point.'],
    [undefined, 'The repository at memory holds no restore point.'],
  ])('is called by its name, where it has one, in what goes wrong: %s', async (name, message) => {
    const backend = createMemoryBackend();
    await createTestRepository(backend);
    const opened = await openRepository(backend, PASSWORD, signal, name === undefined ? {} : { name });
    await expect(opened.findRestorePoint('latest', signal)).rejects.toMatchObject({ message });
  });

  it('tries several keys, a damaged one among them', async () => {
    const backend = createMemoryBackend();
    const repository = await createTestRepository(backend);
    const owner = { created: timestampFromNs(0n), username: 'ada', hostname: 'nas' };
    const second = encodeKeyFile(await sealMasterKey(repository.parts.key, 'second', CHEAP_KEY, owner));
    await backend.save({ type: 'keys', name: blobIdOf(second) }, [second], signal);
    await backend.save({ type: 'keys', name: '00'.repeat(32) }, [Buffer.from('{"kdf":"scrypt"')], signal);
    for (const password of ['second', PASSWORD]) {
      expect((await openRepository(backend, password, signal)).id).toBe(repository.id);
    }
    await expect(openRepository(backend, 'third', signal)).rejects.toEqual(coded('repository.damaged'));
  });

  it('tells a damaged key from a wrong password', async () => {
    const backend = createMemoryBackend();
    await createTestRepository(backend);
    const file = { type: 'keys', name: await onlyName(backend, 'keys') } as const;
    const content = decodeKeyFile(await backend.load(file, undefined, signal), 'it');
    content.data[20] = (content.data[20] ?? 0) ^ 1;
    expect(await openMasterKey(content, PASSWORD, 'it')).toBeUndefined();
    await backend.save(file, [encodeKeyFile(content)], signal);
    await expect(openRepository(backend, PASSWORD, signal)).rejects.toEqual(coded('repository.damaged'));
  });

  it('does not make a second repository, nor overwrite keys without a configuration', async () => {
    const backend = createMemoryBackend();
    await createTestRepository(backend);
    await expect(createTestRepository(backend)).rejects.toEqual(coded('repository.exists'));
    await backend.remove({ type: 'config', name: '' }, signal);
    await expect(createTestRepository(backend)).rejects.toEqual(coded('repository.exists'));
  });

  it('refuses an empty password', async () => {
    await expect(createRepository(createMemoryBackend(), '', signal)).rejects.toEqual(coded('usage.invalid'));
  });
});

describe('restore points', () => {
  it('are found by id, by its start, and as the latest', async () => {
    const repository = await createTestRepository();
    const first = await backUp(repository, TREE);
    await using lock = await repository.lock('shared', signal);
    const { id: _id, ...draft } = first;
    const later = await repository.saveRestorePoint(
      { ...draft, time: timestampFromNs(1_750_000_000_000_000_000n) },
      lock,
      signal,
    );
    expect((await repository.listRestorePoints(signal)).points).toEqual([first, later]);
    expect(await repository.findRestorePoint('latest', signal)).toEqual(later);
    expect(await repository.findRestorePoint(first.id, signal)).toEqual(first);
    expect(await repository.findRestorePoint(later.id.slice(0, 12).toUpperCase(), signal)).toEqual(later);
    await expect(repository.findRestorePoint('', signal)).rejects.toEqual(coded('repository.unknown-point'));
    await expect(repository.findRestorePoint('../../config', signal)).rejects.toEqual(
      coded('repository.unknown-point'),
    );
    await expect(repository.findRestorePoint('0'.repeat(64), signal)).rejects.toEqual(
      coded('repository.unknown-point'),
    );
  });

  it('that fit the same start are named', async () => {
    const repository = await createTestRepository();
    const point = await backUp(repository, TREE);
    const file = await repository.files.backend.load({ type: 'snapshots', name: point.id }, undefined, signal);
    const twin = `${point.id.slice(0, 10)}${'0'.repeat(54)}`;
    await repository.files.backend.save({ type: 'snapshots', name: twin }, [file], signal);
    await expect(repository.findRestorePoint(point.id.slice(0, 6), signal)).rejects.toEqual(
      coded('repository.ambiguous-point'),
    );
  });

  it('that cannot be read are findings, and the others are listed', async () => {
    const repository = await createTestRepository();
    const point = await backUp(repository, TREE);
    await repository.files.backend.save({ type: 'snapshots', name: 'ab'.repeat(32) }, [Buffer.from('noise')], signal);
    const { points, findings } = await repository.listRestorePoints(signal);
    expect(points).toEqual([point]);
    expect(findings).toEqual([expect.objectContaining({ severity: 'damage', affects: ['ab'.repeat(32)] })]);
  });

  it('are not listed as fewer when the place fails', async () => {
    const plan = new FaultPlan();
    const backend = withFaults(createMemoryBackend(), plan);
    const repository = await createTestRepository(backend);
    await backUp(repository, TREE);
    const { StillpointError } = await import('../../../shared/base/errors.ts');
    const error = new StillpointError('backend.failed', 'The disk failed.', { advice: 'Look.', cause: undefined });
    plan.add({ on: 'load', where: ({ type }) => type === 'snapshots', error });
    await expect(repository.listRestorePoints(signal)).rejects.toBe(error);
  });

  it('are not saved for a tree that is not stored, nor without a lock', async () => {
    const repository = await createTestRepository();
    const draft = { time: timestampFromNs(0n), tree: blobIdOf(Buffer.from('nothing')), paths: ['/'] };
    const lock = await repository.lock('shared', signal);
    await expect(repository.saveRestorePoint(draft, lock, signal)).rejects.toEqual(coded('internal.invariant'));
    await lock[Symbol.asyncDispose]();
    await expect(repository.saveRestorePoint(draft, lock, signal)).rejects.toEqual(coded('repository.lock-lost'));
  });
});

describe('reading', () => {
  it('walks folders before what is in them, in order', async () => {
    const repository = await createTestRepository();
    const { tree } = await backUp(repository, TREE);
    const paths: string[] = [];
    for await (const { path } of walkTree(repository, tree, signal)) paths.push(path.map(String).join('/'));
    expect(paths).toEqual(['etc', 'etc/empty', 'etc/my.cnf', 'srv', 'srv/files', 'srv/files/a.txt', 'srv/files/b.txt']);
  });

  it('gives every blob asked for once, from few reads', async () => {
    const backend = createMemoryBackend();
    let loads = 0;
    const counting: Backend = {
      ...withFaults(backend, new FaultPlan()),
      load: (file, range, stop) => {
        if (file.type === 'data') loads += 1;
        return backend.load(file, range, stop);
      },
    };
    const repository = await createTestRepository(counting);
    const contents = Array.from({ length: 200 }, (_, n) => `content ${n} ${'x'.repeat(n)}`);
    await backUp(repository, Object.fromEntries(contents.map((content, n) => [`f${n}`, content])));
    const wanted = new Map(contents.map((content) => [blobIdOf(Buffer.from(content)), content]));
    loads = 0;
    for await (const { id, data } of repository.loadBlobs([...wanted.keys(), ...wanted.keys()], signal)) {
      expect(data.toString()).toBe(wanted.get(id));
      wanted.delete(id);
    }
    expect(wanted.size).toBe(0);
    expect(loads).toBe(1);
  });

  it('takes another copy of a blob when one is damaged', async () => {
    const backend = createMemoryBackend();
    const repository = await createTestRepository(backend);
    // Two who do not know of each other store the same.
    const other = await openRepository(backend, PASSWORD, signal);
    await using lock = await other.lock('shared', signal);
    await using writer = await other.openWriter(lock, { workers: 1 });
    await backUp(repository, { a: 'the content' });
    await writer.put('data', Buffer.from('the content'), signal);
    await writer.flush(signal);
    const reader = await openRepository(backend, PASSWORD, signal);
    await reader.loadIndex(signal);
    const id = blobIdOf(Buffer.from('the content'));
    const [first, second] = reader.index.findAll('data', id);
    for (const [place, isReadable] of [
      [first, true],
      [second, false],
    ] as const) {
      const file = { type: 'data', name: place?.pack ?? '' } as const;
      const content = await backend.load(file, undefined, signal);
      content[20] = (content[20] ?? 0) ^ 4;
      await backend.save(file, [content], signal);
      const attempt = reader
        .loadBlob('data', id, signal)
        .then(String, (error: unknown) => (isStillpointError(error) ? error.code : 'foreign'));
      expect(await attempt).toBe(isReadable ? 'the content' : 'repository.damaged');
      const many = async (): Promise<string[]> => {
        const found: string[] = [];
        for await (const { data } of reader.loadBlobs([id], signal)) found.push(data.toString());
        return found;
      };
      if (isReadable) expect(await many()).toEqual(['the content']);
      else await expect(many()).rejects.toEqual(coded('repository.damaged'));
    }
  });

  it('opens much in threads, whole and damaged blobs alike, and ends them when it is closed', async () => {
    const backend = createMemoryBackend();
    const repository = await createTestRepository(backend);
    const large = Array.from({ length: 28 }, (_, n) => randomBytes(n % 4 === 3 ? 200_000 : 1024 ** 2));
    const small = Array.from({ length: 300 }, (_, n) => Buffer.from(`small ${n} ${'y'.repeat(n)}`));
    const contents = [...large, ...small];
    await backUp(repository, Object.fromEntries(contents.map((content, n) => [`f${n}`, content])));
    const ids = contents.map(blobIdOf);
    const damaged = ids[20] as BlobId;
    const place = repository.index.find('data', damaged);
    const file = { type: 'data', name: place?.pack ?? '' } as const;
    const pack = await backend.load(file, undefined, signal);
    pack[(place?.offset ?? 0) + 100] = (pack[(place?.offset ?? 0) + 100] ?? 0) ^ 1;
    await backend.save(file, [pack], signal);

    const wanted = new Map(contents.map((content, n): [string, Buffer] => [ids[n] ?? '', content]));
    wanted.delete(damaged);
    // Twice, so that the second time all is in threads.
    for (let round = 0; round < 2; round++) {
      const found = new Map<string, Buffer>();
      for await (const { id, data } of repository.loadBlobs(wanted.keys() as Iterable<BlobId>, signal)) {
        found.set(id, data);
      }
      expect([...found.keys()].toSorted()).toEqual([...wanted.keys()].toSorted());
      expect([...wanted].filter(([id, data]) => found.get(id)?.equals(data) !== true)).toEqual([]);
    }
    const all = async (): Promise<void> => {
      for await (const _blob of repository.loadBlobs(ids, signal));
    };
    await expect(all()).rejects.toEqual(coded('repository.damaged'));
    const threads = (): number => readdirSync('/proc/self/task').length;
    const before = threads();
    await repository.close();
    expect(threads()).toBeLessThan(before);
  });

  it('reads indexes that were added since, and each once', async () => {
    const backend = createMemoryBackend();
    const writer = await createTestRepository(backend);
    await backUp(writer, { a: 'one' });
    const reader = await openRepository(backend, PASSWORD, signal);
    await reader.loadIndex(signal);
    const before = reader.index.blobCount;
    await backUp(writer, { a: 'two' });
    await reader.loadIndex(signal);
    await reader.loadIndex(signal);
    expect(reader.index.blobCount).toBe(before + 2);
  });
});
