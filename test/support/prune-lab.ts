/** Repositories with something to prune, and what every test of a prune does with them. */
import { randomBytes } from 'node:crypto';
import { systemClock } from '../../shared/base/clock.ts';
import type { PruneOptions, PrunePlan } from '../../shared/domain/prune-plan.ts';
import type { Backend } from '../../shared/repository/backend/backend.ts';
import { checkRepository } from '../../shared/repository/check/check.ts';
import { verifyRepository } from '../../shared/repository/check/verify.ts';
import type { IndexedPack } from '../../shared/repository/format/index-file.ts';
import { encodeHeaderLength, encodePackHeader, type PackedBlob } from '../../shared/repository/format/pack.ts';
import { type BlobType, blobIdOf, type PackId } from '../../shared/repository/ids.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import type { OpenedRepository } from '../../shared/repository/opened-repository.ts';
import { applyPrune, type PruneObserver, type PruneOutcome } from '../../shared/repository/prune/apply.ts';
import { planPrune } from '../../shared/repository/prune/plan.ts';
import type { RestorePoint } from '../../shared/repository/restore-point.ts';
import { compress, createCompressor } from '../../shared/repository/workers/encode.ts';
import { copyOf } from './crashing-backend.ts';
import { createMemoryBackend } from './stores/memory.ts';
import { backUp, createTestRepository, PASSWORD, putTree, type TestTree, testSignal } from './test-repository.ts';
import { walkTree } from './walk-tree.ts';

/** Locks wait for slow stores to show a new file; memory is not slow. */
const HASTY = { clock: { ...systemClock, sleep: () => Promise.resolve() } };

const SILENT: PruneObserver = { step: (_, work) => work(), progress: () => undefined };

export function open(backend: Backend): Promise<OpenedRepository> {
  return openRepository(backend, PASSWORD, testSignal(), HASTY);
}

const SMALL_PACKS = { packSizeBytes: 40_000 };

/**
 * Three restore points that share files and folders, two of them still there; packs of the forgotten one and of the
 * others mixed; the same blobs twice, from two writers at once; and a pack that no index names.
 */
export async function usedRepository(version: 1 | 2): Promise<UsedRepository> {
  built[version] ??= build(version);
  const { backend, points } = await built[version];
  return { backend: await copyOf(backend, testSignal()), points };
}

interface UsedRepository {
  readonly backend: Backend;
  readonly points: readonly RestorePoint[];
}

/** Made once, because it takes a second. */
const built: Partial<Record<1 | 2, Promise<UsedRepository>>> = {};

async function build(version: 1 | 2): Promise<UsedRepository> {
  const backend = createMemoryBackend();
  const signal = testSignal();
  await createTestRepository(backend, version);
  const shared: TestTree = { one: randomBytes(9000), two: { three: [randomBytes(7000), randomBytes(8000)] } };
  const files = (count: number): TestTree =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`f${n}`, randomBytes(6000)]));
  const stays = Array.from({ length: 6 }, () => files(2));
  // Folders that stay and folders that go take turns, and so do their blobs in the packs.
  const mixed = stays.map((folder, n): [string, TestTree] => [`mixed${n}`, { stays: folder, goes: files(1) }]);
  const kept = stays.map((folder, n): [string, TestTree] => [`mixed${n}`, { stays: folder }]);
  const first = await backUp(await open(backend), { shared, ...Object.fromEntries(mixed) }, SMALL_PACKS);
  const second = await backUp(
    await open(backend),
    { shared, ...Object.fromEntries(kept), text: 'x'.repeat(5000) },
    SMALL_PACKS,
  );
  const third = await backUp(await open(backend), { shared, more: files(3), gone: files(2) }, SMALL_PACKS);

  // Two writers who do not see each other write the same twice.
  const twin = await open(backend);
  const other = await open(backend);
  const tree: TestTree = { twice: files(4), shared };
  await using lock = await twin.lock('shared', signal);
  await twin.openWriter(lock, { workers: 1 }).then((writer) => writer[Symbol.asyncDispose]());
  const twins = await backUp(other, tree, SMALL_PACKS);
  await backUpUnder(twin, lock, tree);

  await other.files.remove('snapshots', first.id, signal);
  await backend.save({ type: 'data', name: 'ab'.repeat(32) }, [randomBytes(500)], signal);
  return { backend, points: [second, third, twins] };
}

/** Writes blobs by an index that is older than what another writer has stored since. */
async function backUpUnder(
  repository: OpenedRepository,
  lock: Awaited<ReturnType<OpenedRepository['lock']>>,
  tree: TestTree,
): Promise<void> {
  await using writer = await repository.openWriter(lock, { workers: 1, ...SMALL_PACKS });
  await putTree(writer, tree, testSignal());
  await writer.flush(testSignal());
}

export interface Plain {
  readonly type: BlobType;
  readonly data: Buffer;
}

/** Stores a pack of these blobs without the threads of a writer. No index names it yet. */
export async function storePack(
  { parts, files, version }: OpenedRepository,
  plain: readonly Plain[],
  isCompressed: (blob: Plain) => boolean = () => true,
): Promise<IndexedPack> {
  const blobs: PackedBlob[] = [];
  const pieces: Buffer[] = [];
  let offset = 0;
  for (const blob of plain) {
    const { type, data } = blob;
    const compressed = isCompressed(blob) ? compress(data, type, createCompressor('auto', version)) : undefined;
    const envelope = parts.sealer.seal(compressed ?? data);
    const uncompressedLength = compressed === undefined ? 0 : data.length;
    blobs.push({ type, id: blobIdOf(data), offset, length: envelope.length, uncompressedLength });
    pieces.push(envelope);
    offset += envelope.length;
  }
  const header = parts.sealer.seal(encodePackHeader(blobs));
  const content = Buffer.concat([...pieces, header, encodeHeaderLength(header.length)]);
  const id = blobIdOf(content) as string as PackId;
  await files.backend.save({ type: 'data', name: id }, [content], testSignal());
  return { id, blobs };
}

/** A whole prune as the pipeline does it. */
export async function prune(
  backend: Backend,
  options: PruneOptions = { maxUnused: '0%' },
): Promise<{ readonly plan: PrunePlan; readonly outcome: PruneOutcome }> {
  const repository = await open(backend);
  const signal = testSignal();
  await using lock = await repository.lock('exclusive', signal);
  const prepared = await planPrune(repository, options, signal);
  const outcome = await applyPrune(repository, prepared, lock, { observer: SILENT, signal });
  return { plan: prepared.plan, outcome };
}

/** Every byte that a restore point leads to, proved against its ids. */
export async function contentOf(backend: Backend, point: RestorePoint): Promise<string[]> {
  const repository = await open(backend);
  const signal = testSignal();
  await repository.loadIndex(signal);
  const lines: string[] = [];
  for await (const { path, node } of walkTree(repository, point.tree, signal)) {
    for (const id of node.content ?? []) await repository.loadBlob('data', id, signal);
    lines.push(`${path.join('/')} ${node.content?.join(',') ?? node.subtree}`);
  }
  return lines;
}

export async function damageIn(backend: Backend, how: 'check' | 'verify'): Promise<string[]> {
  const repository = await open(backend);
  const signal = testSignal();
  const { findings } =
    how === 'check' ? await checkRepository(repository, signal) : await verifyRepository(repository, { signal });
  return findings.map(({ severity, message }) => `${severity}: ${message}`);
}
