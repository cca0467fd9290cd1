/**
 * The child of the fuzz test: opens what mutations made of a repository, and looks at it in every way. It runs under a
 * limit of heap and says what it took in all; whatever ends it otherwise than by its own last line is a fault. Arguments:
 * seed, runs.
 */
import fc from 'fast-check';
import { isStillpointError, toStillpointError } from '../../shared/base/errors.ts';
import { repositoryName } from '../../shared/domain/names.ts';
import { EVERY_POINT } from '../../shared/domain/point-filter.ts';
import { diffPoints } from '../../shared/pipeline/diff.ts';
import { find } from '../../shared/pipeline/find.ts';
import { stats } from '../../shared/pipeline/stats.ts';
import type { Backend, FileType } from '../../shared/repository/backend/backend.ts';
import { verifyRepository } from '../../shared/repository/check/verify.ts';
import { listKeys } from '../../shared/repository/keys.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import type { OpenedRepository } from '../../shared/repository/opened-repository.ts';
import { planPrune } from '../../shared/repository/prune/plan.ts';
import { planRepair } from '../../shared/repository/repair/plan-repair.ts';
import { NOTHING_CONFIGURED } from './configured-names.ts';
import {
  blanksBefore,
  nodeText,
  storeBlobs,
  storeFrame,
  storePoint,
  storeRaw,
  storeSealed,
  treeText,
} from './hostile-files.ts';
import { mutatedBytes, mutatedText } from './mutations.ts';
import { createMemoryBackend } from './stores/memory.ts';
import { backUp, createTestRepository, PASSWORD, testSignal } from './test-repository.ts';

const MIB = 1024 ** 2;
const signal = testSignal();
const ACCEPTED = ['repository.', 'backend.', 'usage.invalid', 'plan.stale'];

/** A fault of the repository is said in its family; anything else is a fault of ours. */
async function look(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const { code } = toStillpointError(error);
    if (isStillpointError(error) && ACCEPTED.some((family) => code.startsWith(family))) return;
    throw error;
  }
}

async function lookAtAll(backend: Backend): Promise<void> {
  const open = async (): Promise<OpenedRepository> => openRepository(backend, PASSWORD, signal);
  const main = repositoryName('main');
  const filter = EVERY_POINT;
  await look(async () => listKeys(await open(), signal));
  await look(async () => verifyRepository(await open(), { signal }));
  await look(async () => planPrune(await open(), { maxUnused: '5%' }, signal));
  for (const part of ['index', 'packs', 'points'] as const) {
    await look(async () => planRepair(await open(), { part }, { signal, onProgress: () => undefined }));
  }
  await look(async () => {
    const repository = await open();
    const { points } = await repository.listRestorePoints(signal);
    const request = { repository: main, restorePoints: [], filter };
    const search = { ids: [], ignoreCase: true, oldest: undefined, newest: undefined, patterns: ['*'] };
    await find(
      repository,
      { ...request, ...search },
      { configured: NOTHING_CONFIGURED, onMatch: () => undefined },
      signal,
    );
    for (const mode of ['restore-size', 'raw-data', 'unique-files', 'by-point'] as const) {
      await stats(repository, { ...request, mode }, NOTHING_CONFIGURED, signal);
    }
    const [one, two] = points;
    const options = { path: '/', exact: true, onChange: () => undefined };
    if (one !== undefined && two !== undefined) await diffPoints(repository, one, two, options, signal);
  });
  await look(async () => {
    const lock = await (await open()).unlock('stale', signal);
    return lock;
  });
}

const TYPES: readonly FileType[] = ['config', 'keys', 'index', 'snapshots', 'locks', 'data'];

interface Sample {
  readonly files: readonly (readonly [FileType, string, Buffer])[];
  /** Plaintext of one file of each sealed kind. */
  readonly texts: Readonly<Record<'index' | 'snapshots' | 'locks' | 'config', Buffer>>;
}

async function makeSample(): Promise<Sample> {
  const backend = createMemoryBackend();
  const repository = await createTestRepository(backend);
  await backUp(repository, { folder: { a: 'one', b: 'two' }, c: 'three' });
  const point = await backUp(repository, { folder: { a: 'one' }, d: 'four' });
  const files: [FileType, string, Buffer][] = [];
  for (const type of TYPES) {
    for await (const { name } of backend.list(type, signal)) {
      files.push([type, name, await backend.load({ type, name }, undefined, signal)]);
    }
  }
  const [index = ''] = await repository.files.listNames('index', signal);
  const config = repository.parts.sealer.open(await backend.load({ type: 'config', name: '' }, undefined, signal));
  const locks = Buffer.from('{"time":"2024-01-02T03:04:05Z","exclusive":false,"hostname":"h","username":"u","pid":4}');
  return {
    files,
    texts: {
      index: await repository.files.load('index', index, signal),
      snapshots: await repository.files.load('snapshots', point.id, signal),
      locks,
      config: config ?? Buffer.alloc(0),
    },
  };
}

async function restored({ files }: Sample): Promise<Backend> {
  const backend = createMemoryBackend();
  for (const [type, name, content] of files) await backend.save({ type, name }, [content], signal);
  return backend;
}

const TREE = treeText(
  nodeText('a', 'file', `,"mode":420,"size":3,"links":2,"inode":18446744073709551615,"content":["${'1'.repeat(64)}"]`),
  nodeText('b', 'dir', `,"mode":2147484141,"subtree":"${'2'.repeat(64)}"`),
  nodeText('c', 'symlink', ',"linktarget":"../x","extended_attributes":[{"name":"user.a","value":"aGk="}]'),
);

const [seed = '1', runs = '100'] = process.argv.slice(2);
const sample = await makeSample();
const kind = fc.constantFrom('raw', 'index', 'snapshots', 'locks', 'config', 'tree', 'keys', 'bomb');

/** Some kilobytes each, and far more when they are decompressed. */
const bombs = await Promise.all([2, 90, 600].map((mebibytes) => blanksBefore('{}', mebibytes * MIB, false)));
const SAID = [1, 1000, 64 * MIB, 90 * MIB + 2, 600 * MIB + 2, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

async function plantBomb(repository: OpenedRepository, draw: () => number): Promise<void> {
  const frame = bombs[draw() % bombs.length] as Buffer;
  const where = (['index', 'snapshots', 'locks', 'data', 'tree'] as const)[draw() % 5] ?? 'tree';
  if (where !== 'data' && where !== 'tree') {
    await storeSealed(repository, where, Buffer.concat([Buffer.of(2), frame]));
    return;
  }
  const id = await storeFrame(repository, where, frame, SAID[draw() % SAID.length] ?? 1);
  if (where === 'tree') await storePoint(repository, id);
}

await fc.assert(
  fc.asyncProperty(kind, fc.infiniteStream(fc.nat()), async (what, numbers) => {
    const draw = (): number => numbers.next().value as number;
    const backend = await restored(sample);
    const repository = await openRepository(backend, PASSWORD, signal);
    await repository.loadIndex(signal);
    if (what === 'raw') {
      const [type, name, content] = sample.files[draw() % sample.files.length] as Sample['files'][number];
      await backend.save({ type, name }, [mutatedBytes(content, draw)], signal);
    } else if (what === 'tree') {
      const [id] = await storeBlobs(repository, 'tree', [mutatedText(TREE, draw)]);
      const point = { time: '2024-01-02T03:04:05Z', tree: id, paths: ['/'] };
      await repository.files.save('snapshots', Buffer.from(JSON.stringify(point)), signal);
    } else if (what === 'bomb') {
      await plantBomb(repository, draw);
    } else if (what === 'keys') {
      const [, , content] = sample.files.find(([type]) => type === 'keys') as Sample['files'][number];
      await storeRaw(repository, 'keys', mutatedText(content, draw));
    } else {
      await storeSealed(repository, what, mutatedText(sample.texts[what], draw));
    }
    await lookAtAll(backend);
  }),
  {
    seed: Number(seed),
    numRuns: Number(runs),
    plugins: [fc.interruptAfterTimeLimit(60_000, { failOnInterrupt: false })],
  },
);
console.log(`peak ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`);
console.log('all runs ended');
