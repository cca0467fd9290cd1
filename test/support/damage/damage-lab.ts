/**
 * A small repository with three restore points that share content, fresh for each test, and the tools to break it.
 *
 *   a: shared/one.bin (two blobs), shared/two.txt, only-a.txt
 *   b: shared/…, docs/b.txt
 *   c: shared/…, docs/c.txt
 *
 * The packs: a's data, a's trees, b's data, … in this order; what is shared lies in a's.
 */
import { randomBytes } from 'node:crypto';
import type { Finding } from '../../../shared/domain/finding.ts';
import type { Backend, FileRef, FileType } from '../../../shared/repository/backend/backend.ts';
import { checkRepository } from '../../../shared/repository/check/check.ts';
import { verifyRepository } from '../../../shared/repository/check/verify.ts';
import { decodeIndex, encodeIndex, type IndexedPack } from '../../../shared/repository/format/index-file.ts';
import { encodeHeaderLength, encodePackHeader, type PackedBlob } from '../../../shared/repository/format/pack.ts';
import { blobIdOf, type PackId } from '../../../shared/repository/ids.ts';
import type { BlobPlace } from '../../../shared/repository/index/blob-index.ts';
import { openRepository } from '../../../shared/repository/open-repository.ts';
import type { OpenedRepository } from '../../../shared/repository/opened-repository.ts';
import type { RestorePoint } from '../../../shared/repository/restore-point.ts';
import { findNode } from '../find-node.ts';
import { createMemoryBackend } from '../stores/memory.ts';
import { backUp, createTestRepository, PASSWORD, type TestTree, testSignal } from '../test-repository.ts';

const TYPES = ['config', 'keys', 'index', 'snapshots', 'locks', 'data'] as const;
const SHARED: TestTree = { 'one.bin': [randomBytes(3000), randomBytes(2000)], 'two.txt': 'two' };
export const TREES: readonly TestTree[] = [
  { shared: SHARED, 'only-a.txt': 'one' },
  { shared: SHARED, docs: { 'b.txt': 'bbb' } },
  { shared: SHARED, docs: { 'c.txt': 'ccc' } },
];

export type Look = 'check' | 'headers' | 'verify';

export interface Shelf {
  readonly backend: Backend;
  readonly points: readonly RestorePoint[];
}

/** A whole repository, to make labs from. */
export async function shelve(version: 1 | 2): Promise<Shelf> {
  const backend = createMemoryBackend();
  const repository = await createTestRepository(backend, version);
  const points: RestorePoint[] = [];
  for (const tree of TREES) points.push(await backUp(repository, tree));
  return { backend, points };
}

export async function openLab(shelf: Shelf): Promise<DamageLab> {
  const backend = createMemoryBackend();
  const signal = testSignal();
  for (const type of TYPES) {
    for await (const { name } of shelf.backend.list(type, signal)) {
      const file = { type, name };
      await backend.save(file, [await shelf.backend.load(file, undefined, signal)], signal);
    }
  }
  return new DamageLab(backend, shelf.points);
}

export class DamageLab {
  readonly backend: Backend;
  readonly points: readonly RestorePoint[];
  readonly signal = testSignal();

  constructor(backend: Backend, points: readonly RestorePoint[]) {
    this.backend = backend;
    this.points = points;
  }

  async open(backend = this.backend): Promise<OpenedRepository> {
    const repository = await openRepository(backend, PASSWORD, this.signal);
    return repository;
  }

  async look(how: Look): Promise<readonly Finding[]> {
    const repository = await this.open();
    const result =
      how === 'verify'
        ? await verifyRepository(repository, { signal: this.signal })
        : await checkRepository(repository, this.signal, { headers: how === 'headers' });
    return result.findings;
  }

  async names(type: FileType): Promise<readonly string[]> {
    const names: string[] = [];
    for await (const { name } of this.backend.list(type, this.signal)) names.push(name);
    return names.toSorted();
  }

  /** Where the first blob of a file, or with `tree` its folder's tree, of a restore point lies. */
  async place(point: number, path: string, kind: 'content' | 'tree' = 'content'): Promise<BlobPlace> {
    const repository = await this.open();
    await repository.loadIndex(this.signal);
    const names = path.split('/').filter((name) => name !== '');
    const root = this.#point(point).tree;
    const node = await findNode(
      repository,
      root,
      names.map((name) => Buffer.from(name)),
      this.signal,
    );
    const id = kind === 'content' ? node?.content?.[0] : (node?.subtree ?? root);
    const place = id && repository.index.find(kind === 'content' ? 'data' : 'tree', id);
    if (place === undefined) throw new Error(`${path} has no place`);
    return place;
  }

  /** Where a blob lies now; a repair may have moved it. */
  async placeOf(type: 'data' | 'tree', id: BlobPlace['id']): Promise<BlobPlace> {
    const repository = await this.open();
    await repository.loadIndex(this.signal);
    const place = repository.index.find(type, id);
    if (place === undefined) throw new Error(`${id} has no place`);
    return place;
  }

  /** "1a2b3c4d:/path" */
  victim(point: number, path: string): string {
    return `${this.#point(point).id.slice(0, 8)}:${path}`;
  }

  /** All files with content that lies in a's data pack. */
  get victimsOfSharedData(): readonly string[] {
    const shared = [0, 1, 2].flatMap((point) =>
      ['/shared/one.bin', '/shared/two.txt'].map((path) => this.victim(point, path)),
    );
    return [...shared, this.victim(0, '/only-a.txt')];
  }

  async pack(point: number, path: string, kind: 'content' | 'tree' = 'content'): Promise<FileRef> {
    return { type: 'data', name: (await this.place(point, path, kind)).pack };
  }

  async only(type: FileType): Promise<FileRef> {
    const [name] = await this.names(type);
    if (name === undefined) throw new Error(`no file in ${type}`);
    return { type, name };
  }

  pointFile(point: number): FileRef {
    return { type: 'snapshots', name: this.#point(point).id };
  }

  load(file: FileRef): Promise<Buffer> {
    return this.backend.load(file, undefined, this.signal);
  }

  /** Changes a file; refuses a change that changes nothing. */
  async change(file: FileRef, change: (content: Buffer) => Buffer): Promise<void> {
    const before = await this.load(file);
    const after = change(Buffer.from(before));
    if (after.equals(before)) throw new Error('the plant does not bite');
    await this.backend.save(file, [after], this.signal);
  }

  flip(file: FileRef, at: number): Promise<void> {
    return this.change(file, (content) => {
      const index = at < 0 ? content.length + at : at;
      content[index] = (content[index] ?? 0) ^ 1;
      return content;
    });
  }

  cut(file: FileRef, length: number): Promise<void> {
    return this.change(file, (content) => content.subarray(0, length < 0 ? content.length + length : length));
  }

  remove(file: FileRef): Promise<void> {
    return this.backend.remove(file, this.signal);
  }

  /** Writes the index anew, as a faulty program might. */
  async rewriteIndex(change: (packs: readonly IndexedPack[]) => readonly IndexedPack[]): Promise<void> {
    const { files } = await this.open();
    const names = await this.names('index');
    const packs: IndexedPack[] = [];
    for (const name of names) packs.push(...decodeIndex(await files.load('index', name, this.signal), name));
    await files.save('index', encodeIndex(change(packs)), this.signal);
    for (const name of names) await this.remove({ type: 'index', name });
  }

  /** Changes what the index says of one blob. */
  async rewriteBlob(place: BlobPlace, change: (blob: PackedBlob) => PackedBlob | undefined): Promise<void> {
    let bites = false;
    await this.rewriteIndex((packs) =>
      packs.map(({ id, blobs }) => ({
        id,
        blobs: blobs.flatMap((blob) => {
          if (id !== place.pack || blob.id !== place.id) return [blob];
          bites = true;
          return change(blob) ?? [];
        }),
      })),
    );
    if (!bites) throw new Error('the plant does not bite');
  }

  /** A restore point whose root tree is this text, written by a program that does not know better. */
  async writePoint(tree: string, time = this.#point(0).time): Promise<RestorePoint> {
    const repository = await this.open();
    await using lock = await repository.lock('shared', this.signal);
    await using writer = await repository.openWriter(lock, { workers: 1 });
    const { id } = await (await writer.put('tree', Buffer.from(tree), this.signal)).saved;
    await writer.flush(this.signal);
    return await repository.saveRestorePoint({ time, tree: id, paths: ['/'] }, lock, this.signal);
  }

  /** Stores a pack with these blobs and no index for it. */
  async writePack(blobs: readonly { readonly type: 'data' | 'tree'; readonly plain: Buffer }[]): Promise<IndexedPack> {
    const { parts } = await this.open();
    const pieces: Buffer[] = [];
    const listed: PackedBlob[] = [];
    let offset = 0;
    for (const { type, plain } of blobs) {
      const sealed = parts.sealer.seal(plain);
      pieces.push(sealed);
      listed.push({ type, id: blobIdOf(plain), offset, length: sealed.length, uncompressedLength: 0 });
      offset += sealed.length;
    }
    const header = parts.sealer.seal(encodePackHeader(listed));
    const file = Buffer.concat([...pieces, header, encodeHeaderLength(header.length)]);
    const id = blobIdOf(file) as string as PackId;
    await this.backend.save({ type: 'data', name: id }, [file], this.signal);
    return { id, blobs: listed };
  }

  async writeIndex(packs: readonly IndexedPack[]): Promise<void> {
    const { files } = await this.open();
    await files.save('index', encodeIndex(packs), this.signal);
  }

  #point(number: number): RestorePoint {
    const point = this.points[number];
    if (point === undefined) throw new Error(`no restore point ${number}`);
    return point;
  }
}
