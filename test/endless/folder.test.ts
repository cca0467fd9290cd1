/**
 * A folder with more files than a text of a program can name, and a file with more pieces: such texts end at 512 MiB,
 * which is two million files or 8 TiB. restic writes and reads both.
 */
import { constants } from 'node:buffer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OpenedPoint } from '../../shared/pipeline/open-point.ts';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { checkRepository } from '../../shared/repository/check/check.ts';
import { TreeText } from '../../shared/repository/format/tree.ts';
import type { BlobId } from '../../shared/repository/ids.ts';
import type { Node } from '../../shared/repository/node.ts';
import type { OpenedRepository } from '../../shared/repository/opened-repository.ts';
import { planPrune } from '../../shared/repository/prune/plan.ts';
import type { RestorePoint } from '../../shared/repository/restore-point.ts';
import { timestampFromNs } from '../../shared/repository/timestamp.ts';
import { NO_RESTIC, resticOk } from '../support/restic.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { createTestRepository, testSignal } from '../support/test-repository.ts';

const WHEN = timestampFromNs(1_700_000_000_123_456_789n);
const META = { mtime: WHEN, atime: WHEN, ctime: WHEN, uid: 1000, gid: 1000, user: 'ada', group: 'ada' } as const;
const FILES = 2_200_000;
const PIECES = 8_100_000;
const signal = testSignal();

let folder: TemporaryFolder;
let repository: OpenedRepository;
let point: RestorePoint;
let many: BlobId;
let long: BlobId;

function aFile(name: string, content: readonly BlobId[], size: number): Node {
  return { ...META, name: Buffer.from(name), type: 'file', mode: 0o644, inode: 1n << 40n, size, links: 1, content };
}

const nameOf = (index: number): string => `message-${String(index).padStart(9, '0')}.eml`;

beforeAll(async () => {
  folder = await temporaryFolder();
  repository = await createTestRepository(createLocalBackend(folder.path));
  await using lock = await repository.lock('shared', signal);
  await repository.loadIndex(signal);
  await using writer = await repository.openWriter(lock, { workers: 1 });
  const store = async (type: 'data' | 'tree', data: Buffer): Promise<BlobId> => {
    return (await (await writer.put(type, data, signal)).saved).id;
  };
  const piece = await store('data', Buffer.from('a piece'));
  const manyText = new TreeText();
  // Not in the order of their names, as no file system lists them so.
  for (let index = FILES - 1; index >= 0; index -= 1) manyText.add(aFile(nameOf(index), [piece], 7));
  const manyBytes = manyText.finish();
  const longText = new TreeText();
  longText.add(
    aFile(
      'image',
      Array.from({ length: PIECES }, () => piece),
      7 * PIECES,
    ),
  );
  const longBytes = longText.finish();
  for (const { length } of [manyBytes, longBytes]) {
    if (length <= constants.MAX_STRING_LENGTH) throw new Error(`${length} bytes are too few to try anything`);
  }
  many = await store('tree', manyBytes);
  long = await store('tree', longBytes);
  const top = new TreeText();
  for (const [name, subtree] of [
    ['many', many],
    ['long', long],
  ] as const) {
    top.add({ ...META, name: Buffer.from(name), type: 'dir', mode: 0o755, subtree });
  }
  const tree = await store('tree', top.finish());
  await writer.flush(signal);
  point = await repository.saveRestorePoint({ time: WHEN, tree, paths: ['/'], hostname: 'db1' }, lock, signal);
});

afterAll(async () => {
  await repository?.close();
  await folder?.[Symbol.asyncDispose]();
});

test('are walked in parts, each once and in order', async () => {
  let count = 0;
  let largest = 0;
  for await (const nodes of new OpenedPoint(repository, point).list([Buffer.from('many')], signal)) {
    if (nodes[0]?.name.toString() !== nameOf(count)) throw new Error(`entry ${count} is another one`);
    count += nodes.length;
    largest = Math.max(largest, nodes.length);
  }
  expect(count).toBe(FILES);
  expect(largest).toBeLessThan(20_000);
});

test('are sound for check, and keep what they need from prune', async () => {
  const { findings } = await checkRepository(repository, signal);
  expect(findings).toEqual([]);
  await using _lock = await repository.lock('exclusive', signal);
  const { plan } = await planPrune(repository, { maxUnused: '0%' }, signal);
  expect(plan.figures.blobs).toEqual({ used: 4, unused: 0, duplicates: 0 });
});

test('a file with so many pieces has them all, and is read at any place', async () => {
  const opened = new OpenedPoint(repository, point);
  const image = [Buffer.from('long'), Buffer.from('image')];
  const { node } = await opened.stat(image, signal);
  expect(node?.content?.length).toBe(PIECES);
  const nearTheEnd = { offset: 7 * (PIECES - 2) + 2, length: 100 };
  const read = await Array.fromAsync(opened.read(image, nearTheEnd, signal));
  expect(Buffer.concat(read).toString()).toBe('piecea piece');
  const find = await repository.treeByName(many, signal);
  expect(find(Buffer.from(nameOf(FILES - 1)))?.content?.length).toBe(1);
  expect(find(Buffer.from(nameOf(FILES)))).toBeUndefined();
});

test('are the same for restic', async ({ skip }) => {
  const why = NO_RESTIC;
  if (why !== undefined) skip(why);
  expect(await resticOk(folder.path, 'ls', point.id, '/long')).toContain('/long/image');
});
