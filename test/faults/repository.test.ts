/**
 * What a repository is worth when things break: damage of every kind is found and traced to its victims, a full disk
 * and a killed process leave earlier restore points whole, and restic agrees.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isStillpointError } from '../../shared/base/errors.ts';
import type { Finding } from '../../shared/domain/finding.ts';
import type { Backend, FileRef, FileType } from '../../shared/repository/backend/backend.ts';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { checkRepository } from '../../shared/repository/check/check.ts';
import { verifyRepository } from '../../shared/repository/check/verify.ts';
import { encodeIndex } from '../../shared/repository/format/index-file.ts';
import { encodeHeaderLength, encodePackHeader, plaintextLength } from '../../shared/repository/format/pack.ts';
import { blobIdOf, type PackId } from '../../shared/repository/ids.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import type { RestorePoint } from '../../shared/repository/restore-point.ts';
import { FaultPlan, noSpace, withFaults } from '../support/fault-plan.ts';
import { findNode } from '../support/find-node.ts';
import { needing, whyNotRoot } from '../support/needing.ts';
import { resticFinds } from '../support/restic.ts';
import { createMemoryBackend } from '../support/stores/memory.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { backUp, createTestRepository, PASSWORD, type TestTree } from '../support/test-repository.ts';
import { walkTree } from '../support/walk-tree.ts';

const signal = AbortSignal.timeout(10 * 60_000);
const TREE: TestTree = {
  etc: { 'my.cnf': 'settings', data: [randomBytes(3000), randomBytes(2000)] },
  'note.txt': 'note',
};

/** Everything that is stored, as the damage tests change it and put it back. */
async function filesOf(backend: Backend, types: readonly FileType[]): Promise<{ file: FileRef; content: Buffer }[]> {
  const found: { file: FileRef; content: Buffer }[] = [];
  for (const type of types) {
    for await (const { name } of backend.list(type, signal)) {
      const file = { type, name };
      found.push({ file, content: await backend.load(file, undefined, signal) });
    }
  }
  return found;
}

/** What a fresh look finds; an error of opening counts, as it keeps everybody from trusting the repository. */
async function look(backend: Backend, how: 'check' | 'verify'): Promise<readonly Finding[]> {
  try {
    const repository = await openRepository(backend, PASSWORD, signal);
    const result =
      how === 'check' ? await checkRepository(repository, signal) : await verifyRepository(repository, { signal });
    return result.findings.filter(({ severity }) => severity !== 'information');
  } catch (error) {
    if (!isStillpointError(error)) throw error;
    return [{ severity: 'damage', message: `${error.code}: ${error.message}`, affects: [] }];
  }
}

async function readAll(backend: Backend, point: RestorePoint): Promise<number> {
  const repository = await openRepository(backend, PASSWORD, signal);
  await repository.loadIndex(signal);
  let blobs = 0;
  for await (const { node } of walkTree(repository, point.tree, signal)) {
    for (const id of node.content ?? []) {
      await repository.loadBlob('data', id, signal);
      blobs += 1;
    }
  }
  return blobs;
}

describe('damage', () => {
  it.each([1, 2] as const)('in any bit of any kind of file is found (format %i)', async (version) => {
    const backend = createMemoryBackend();
    const repository = await createTestRepository(backend, version);
    await backUp(repository, TREE);
    await using _lock = await repository.lock('shared', signal);
    expect(await look(backend, 'verify')).toEqual([]);
    for (const { file, content } of await filesOf(backend, ['config', 'keys', 'index', 'snapshots', 'locks', 'data'])) {
      // Every bit of small files would take minutes; the first, the last and random ones between reach every part.
      const bits = [0, content.length * 8 - 1, ...Array.from({ length: 25 }, () => randomInt(content.length * 8))];
      for (const bit of bits) {
        const changed = Buffer.from(content);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        await backend.save(file, [changed], signal);
        const findings = await look(backend, 'verify');
        expect(
          findings.filter(({ severity }) => severity === 'damage').length,
          `${file.type} bit ${bit}`,
        ).toBeGreaterThan(0);
      }
      await backend.save(file, [content], signal);
    }
    expect(await look(backend, 'verify')).toEqual([]);
  });

  it('by cutting or emptying or losing any file is found by check alone', async () => {
    const backend = createMemoryBackend();
    const repository = await createTestRepository(backend);
    await backUp(repository, TREE);
    for (const { file, content } of await filesOf(backend, ['config', 'keys', 'index', 'snapshots', 'data'])) {
      for (const length of [0, 1, Math.floor(content.length / 2), content.length - 1]) {
        await backend.save(file, [content.subarray(0, length)], signal);
        expect(await look(backend, 'check'), `${file.type} cut to ${length}`).not.toEqual([]);
      }
      await backend.remove(file, signal);
      // A restore point that is not there is one that was forgotten; nothing else can go unseen.
      if (file.type !== 'snapshots') expect(await look(backend, 'check'), `${file.type} lost`).not.toEqual([]);
      await backend.save(file, [content], signal);
    }
    expect(await look(backend, 'check')).toEqual([]);
  });

  it('names the restore points and files that it hits, and no others', async () => {
    const backend = createMemoryBackend();
    const repository = await createTestRepository(backend);
    const whole = await backUp(repository, { 'other.txt': 'untouched' });
    const hit = await backUp(repository, TREE);
    const node = await findNode(repository, hit.tree, [Buffer.from('etc'), Buffer.from('data')], signal);
    const place = repository.index.find('data', node?.content?.[1] ?? hit.tree);
    const file = { type: 'data', name: place?.pack ?? '' } as const;
    const content = await backend.load(file, undefined, signal);
    const changed = Buffer.from(content);
    changed[(place?.offset ?? 0) + 100] = (changed[(place?.offset ?? 0) + 100] ?? 0) ^ 1;
    await backend.save(file, [changed], signal);

    expect(await look(backend, 'check')).toEqual([]);
    const broken = await look(backend, 'verify');
    expect(broken.flatMap(({ affects }) => affects)).toEqual([`${hit.id.slice(0, 8)}:/etc/data`]);
    expect(broken.map(({ message }) => message).join('\n')).toMatch(
      /pack \w{8} does not match its name; 1 of its \d blobs cannot .* \(data blob \w{8}: its seal is broken\)/,
    );

    await backend.remove(file, signal);
    const lost = await look(backend, 'check');
    const victims = ['etc/data', 'etc/my.cnf', 'note.txt'].map((path) => `${hit.id.slice(0, 8)}:/${path}`);
    expect(lost.flatMap(({ affects }) => affects).toSorted()).toEqual(victims.toSorted());
    expect(lost.flatMap(({ affects }) => affects).join()).not.toContain(whole.id.slice(0, 8));
  });

  it('of a writer with bad memory, who sealed other bytes than it hashed, is found', async () => {
    const backend = createMemoryBackend();
    const repository = await createTestRepository(backend);
    await backUp(repository, TREE);
    const { sealer } = repository.parts;
    const [pack] = [...repository.index.packs()].filter(({ blobs }) => blobs[0]?.type === 'data');
    const blob = pack?.blobs[0];
    if (pack === undefined || blob === undefined) throw new Error('the backup has a data pack');
    const plain = Buffer.alloc(plaintextLength(blob), 'not what was hashed');
    const content = sealer.seal(plain);
    const lie = { ...blob, offset: 0, length: content.length, uncompressedLength: 0 };
    const header = sealer.seal(encodePackHeader([lie]));
    const file = Buffer.concat([content, header, encodeHeaderLength(header.length)]);
    const id = blobIdOf(file) as string as PackId;
    await backend.save({ type: 'data', name: id }, [file], signal);
    await repository.files.save('index', encodeIndex([{ id, blobs: [lie] }]), signal);
    expect(await look(backend, 'check')).toEqual([]);
    const findings = await look(backend, 'verify');
    expect(findings.map(({ message }) => message)).toEqual([expect.stringContaining('does not match its id')]);
    // The other copy is good, so no file is hit.
    expect(findings[0]?.affects).toEqual([]);
  });

  it('by storing a pack under another name is found', async () => {
    const backend = createMemoryBackend();
    const repository = await createTestRepository(backend);
    await backUp(repository, TREE);
    const name = 'ab'.repeat(32) as PackId;
    const [pack] = [...repository.index.packs()];
    if (pack === undefined) throw new Error('the backup has a pack');
    const content = await backend.load({ type: 'data', name: pack.id }, undefined, signal);
    await backend.save({ type: 'data', name }, [content], signal);
    await repository.files.save('index', encodeIndex([{ id: name, blobs: pack.blobs }]), signal);
    expect(await look(backend, 'check')).toEqual([]);
    const findings = await look(backend, 'verify');
    expect(findings.map(({ message }) => message)).toEqual([
      'The file of pack abababab does not match its name; all blobs that the index names are good.',
    ]);
  });

  it('that harms nothing is a warning', async () => {
    const backend = createMemoryBackend();
    await backUp(await createTestRepository(backend), TREE);
    await backend.save({ type: 'data', name: 'ab'.repeat(32) }, [randomBytes(100)], signal);
    await backend.save({ type: 'index', name: 'README' }, [Buffer.from('hello')], signal);
    await backend.save({ type: 'data', name: `${'cd'.repeat(32)}-tmp-123` }, [], signal);
    const findings = await look(backend, 'verify');
    expect(findings.map(({ severity }) => severity)).toEqual(['warning', 'warning', 'warning']);
  });

  it('of a disk that cannot be read is told and does not stop the looking', async () => {
    const memory = createMemoryBackend();
    await backUp(await createTestRepository(memory), TREE);
    const { StillpointError } = await import('../../shared/base/errors.ts');
    const error = new StillpointError('backend.failed', 'EIO: i/o error', { advice: 'Look.', cause: undefined });
    const plan = new FaultPlan().add({ on: 'load', where: ({ type }) => type === 'data', error });
    const findings = await look(withFaults(memory, plan), 'verify');
    expect(findings.map(({ message }) => message).join('\n')).toContain('EIO');
  });
});

describe('a full disk', () => {
  it('at any save leaves earlier restore points whole and the repository sound, and the next backup works', async () => {
    for (const type of ['locks', 'data', 'index', 'snapshots'] as const) {
      for (const after of [0, 1, 2]) {
        const memory = createMemoryBackend();
        const first = await backUp(await createTestRepository(memory), TREE);
        // There are four packs or more, and one of each of the others.
        const fires = after === 0 || type === 'data';
        const where = (file: FileRef): boolean => file.type === type;
        const plan = new FaultPlan().add({ on: 'save', where, after, error: noSpace(), mayStayIdle: !fires });
        const repository = await openRepository(withFaults(memory, plan), PASSWORD, signal);
        const more: TestTree = Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`f${n}`, randomBytes(20_000)]));
        const attempt = backUp(repository, { ...TREE, more }, { packSizeBytes: 50_000 });
        if (fires) await expect(attempt).rejects.toMatchObject({ code: 'backend.no-space' });
        else await attempt;

        const findings = (await look(memory, 'verify')).filter(({ severity }) => severity === 'damage');
        expect(findings, `${type} after ${after}`).toEqual([]);
        expect(await readAll(memory, first)).toBe(4);
        const next = await backUp(await openRepository(memory, PASSWORD, signal), { ...TREE, more });
        expect(await readAll(memory, next)).toBe(13);
      }
    }
  });

  it('that only looked full after the file was stored does no harm either', async () => {
    const memory = createMemoryBackend();
    await createTestRepository(memory);
    const plan = new FaultPlan().add({
      on: 'save',
      where: ({ type }) => type === 'data',
      error: noSpace(),
      late: true,
    });
    const repository = await openRepository(withFaults(memory, plan), PASSWORD, signal);
    await expect(backUp(repository, TREE)).rejects.toThrow('no room');
    const point = await backUp(repository, TREE);
    expect(await readAll(memory, point)).toBe(4);
  });

  it('is said as such by the local backend', needing(whyNotRoot('mounts')), async () => {
    await using folder = await temporaryFolder();
    await execa('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', folder.path]);
    try {
      const repository = await createTestRepository(createLocalBackend(join(folder.path, 'r')));
      const first = await backUp(repository, TREE);
      const big: TestTree = { big: Array.from({ length: 5 }, () => randomBytes(1024 * 1024)) };
      await expect(backUp(repository, big, { packSizeBytes: 500_000 })).rejects.toMatchObject({
        code: 'backend.no-space',
      });
      const fresh = createLocalBackend(join(folder.path, 'r'));
      expect((await look(fresh, 'verify')).filter(({ severity }) => severity === 'damage')).toEqual([]);
      expect(await readAll(fresh, first)).toBe(4);
    } finally {
      await execa('umount', [folder.path]);
    }
  });
});

describe('a process killed while it writes', () => {
  let folder: TemporaryFolder;
  beforeAll(async () => {
    folder = await temporaryFolder();
  });
  afterAll(() => folder[Symbol.asyncDispose]());

  it('leaves what restic calls sound, and every restore point that it had reported', async () => {
    const place = join(folder.path, 'killed');
    await createTestRepository(createLocalBackend(place));
    const program = new URL('../support/backup-loop.ts', import.meta.url).pathname;
    const reported: string[] = [];
    for (let round = 0; round < 8; round++) {
      const child = execa(process.execPath, [program, place], { reject: false, forceKillAfterDelay: false });
      child.stdout.on('data', (chunk: Buffer) =>
        reported.push(
          ...chunk
            .toString()
            .split('\n')
            .filter((line) => line.length === 64),
        ),
      );
      await once(child.stdout, 'data');
      await new Promise((resolve) => setTimeout(resolve, randomInt(400)));
      child.kill('SIGKILL');
      await child;

      const backend = createLocalBackend(place);
      const repository = await openRepository(backend, PASSWORD, signal);
      {
        // The killed one's lock does not stop others, not even one that needs an exclusive lock.
        await using _lock = await repository.lock('exclusive', signal);
      }
      const damage = (await checkRepository(repository, signal)).findings.filter(
        ({ severity }) => severity === 'damage',
      );
      expect(damage).toEqual([]);
    }
    const backend = createLocalBackend(place);
    const repository = await openRepository(backend, PASSWORD, signal);
    const { points } = await repository.listRestorePoints(signal);
    const ids = new Set<string>(points.map(({ id }) => id));
    expect(reported.filter((id) => !ids.has(id))).toEqual([]);
    expect(reported.length).toBeGreaterThanOrEqual(8);
    for (const point of points) expect(await readAll(backend, point)).toBe(10);
    const harmless = /not referenced in any index|pack .* not referenced/i;
    expect((await resticFinds(place, '--read-data')).filter((line) => !harmless.test(line))).toEqual([]);
  });
});
