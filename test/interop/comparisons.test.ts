/**
 * Differences, finds and sizes, beside what restic 0.14 says of the same restore points. The trees are made by chance
 * from a seed that a failure prints, with copies, moves, hard links and names that are no text.
 */
import { chmod, link, mkdir, readdir, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DiffChange } from '../../shared/domain/diff.ts';
import type { FindMatch } from '../../shared/domain/find.ts';
import { repositoryName } from '../../shared/domain/names.ts';
import { EVERY_POINT } from '../../shared/domain/point-filter.ts';
import type { StatsMode } from '../../shared/domain/stats.ts';
import { diffPoints } from '../../shared/pipeline/diff.ts';
import { find } from '../../shared/pipeline/find.ts';
import { stats } from '../../shared/pipeline/stats.ts';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import type { OpenedRepository } from '../../shared/repository/opened-repository.ts';
import { NOTHING_CONFIGURED } from '../support/configured-names.ts';
import { needing } from '../support/needing.ts';
import { NO_RESTIC, resticOk } from '../support/restic.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { createTestRepository, PASSWORD } from '../support/test-repository.ts';

const signal = AbortSignal.timeout(5 * 60_000);
const MAIN = repositoryName('main');
const SEED = Number(process.env['STILLPOINT_SEED'] ?? Date.now() % 2 ** 31);
const POINTS = 4;

let folder: TemporaryFolder;
let place: string;
let top: string;
let repository: OpenedRepository;
const points: string[] = [];

/** Whole numbers from 0 to below the given one, the same for the same seed. */
const chance = (() => {
  const numbers = fc.sample(fc.nat(), { seed: SEED, numRuns: 20_000 });
  let at = 0;
  return (below: number): number => (numbers[at++ % numbers.length] ?? 0) % below;
})();
const content = (): Buffer => Buffer.alloc(1 + chance(30_000), `${chance(1e9)} `);
const isFolder = (path: string): Promise<string[] | undefined> => readdir(path).catch(() => undefined);

async function fill(): Promise<void> {
  for (let n = 0; n < 4; n++) await mkdir(join(top, `dir-${n}`), { recursive: true });
  for (let n = 0; n < 12; n++) {
    const inner = join(top, `dir-${chance(4)}`, `sub-${chance(3)}`);
    await mkdir(inner, { recursive: true });
    for (let m = 0; m < 4; m++) await writeFile(join(inner, `file-${chance(9)}.${m === 0 ? 'TXT' : 'txt'}`), content());
  }
  await writeFile(Buffer.concat([Buffer.from(`${top}/dir-0/caf`), Buffer.of(0xe9)]), 'no text');
  await writeFile(join(top, 'dir-0', 'empty'), '');
}

/** Names that are made never come twice. */
let changes = 0;

/** A few changes of every kind, in some of the folders. */
async function change(): Promise<void> {
  for (const last = changes + 14; changes < last; changes++) {
    const n = changes;
    const inner = join(top, `dir-${chance(4)}`, `sub-${chance(3)}`);
    const names = (await isFolder(inner)) ?? [];
    const name = names[chance(names.length + 1)];
    if (name === undefined) {
      await mkdir(inner, { recursive: true });
      await writeFile(join(inner, `new-${n}`), content());
      continue;
    }
    const path = join(inner, name);
    const elsewhere = join(top, `dir-${chance(4)}`, `${n}-${name}`);
    const acts = [
      () => writeFile(path, content()),
      () => rm(path),
      () => rename(path, elsewhere),
      () => execa('cp', ['-a', path, elsewhere]),
      () => link(path, elsewhere),
      () => chmod(path, 0o600 + chance(64)),
      () => utimes(path, 1e9, 1e9 + chance(1000)),
      () => truncate(path, 3),
      () => symlink(`target-${n}`, elsewhere),
      () => rename(inner, `${inner}-moved-${n}`),
    ] as const;
    await acts[chance(acts.length)]?.();
  }
}

beforeAll(async () => {
  folder = await temporaryFolder();
  place = join(folder.path, 'repository');
  top = join(folder.path, 'files');
  await createTestRepository(createLocalBackend(place));
  await fill();
  for (let n = 0; n < POINTS; n++) {
    if (n > 0) await change();
    await resticOk(place, 'backup', '--host', n % 2 === 0 ? 'db1' : 'web', '--tag', `n${n}`, top);
  }
  repository = await openRepository(createLocalBackend(place), PASSWORD, signal);
  await repository.loadIndex(signal);
  points.push(...(await repository.listRestorePoints(signal)).points.map(({ id }) => id));
});
afterAll(() => folder[Symbol.asyncDispose]());

const linesOf = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

interface ResticFinds {
  readonly snapshot: string;
  readonly matches: readonly { readonly path: string }[];
}

describe(`with restic (seed ${SEED})`, needing(NO_RESTIC), () => {
  const LETTER = { added: '+', removed: '-', content: 'M', metadata: 'U', type: 'T' } as const;

  async function ourDiff(before: string, after: string, exact: boolean) {
    const changes: DiffChange[] = [];
    const [left, right] = await Promise.all([before, after].map((id) => repository.findRestorePoint(id, signal)));
    if (left === undefined || right === undefined) throw new Error('both are there');
    const onChange = (found: DiffChange): void => void changes.push(found);
    const summary = await diffPoints(repository, left, right, { path: '/', exact, onChange }, signal);
    return { changes, summary };
  }

  it.each([
    [0, 1],
    [0, 3],
    [2, 2],
  ])('the same differs between restore points %i and %i', async (one, two) => {
    const [before = '', after = ''] = [points[one], points[two]];
    const theirs = linesOf(await resticOk(place, 'diff', '--json', '--metadata', before, after));
    const { changes, summary } = await ourDiff(before, after, true);
    // restic writes what is not text as replacement characters; of metadata it also compares inode, ctime and links.
    const text = (path: unknown): string => String(path).replaceAll('\u00e9', '\\xe9').replaceAll('\ufffd', '\\xe9');
    const said = new Map(
      theirs
        .filter((line) => line['message_type'] === 'change')
        .map((line) => [text(line['path']).replace(/\/$/, ''), String(line['modifier'])]),
    );
    const listed = new Map(changes.map((found) => [found.path, found]));
    for (const [path, modifier] of said) {
      if (modifier !== 'U') expect([path, LETTER[listed.get(path)?.change ?? 'metadata']]).toEqual([path, modifier]);
    }
    for (const { path, change: kind, kind: type } of changes) {
      const expected = type === 'symlink' && kind === 'content' ? 'U' : LETTER[kind];
      expect([path, said.get(path)]).toEqual([path, expected]);
    }
    const statistics = theirs.find((line) => line['message_type'] === 'statistics') as Record<string, unknown>;
    const side = ({ files, folders, others, dataBlobs, treeBlobs, bytes }: typeof summary.added) => ({
      files,
      dirs: folders,
      others,
      data_blobs: dataBlobs,
      tree_blobs: treeBlobs,
      bytes,
    });
    expect({
      changed_files: summary.changedFiles,
      added: side(summary.added),
      removed: side(summary.removed),
    }).toEqual({
      changed_files: statistics['changed_files'],
      added: statistics['added'],
      removed: statistics['removed'],
    });
    expect(summary.isExact).toBe(true);
    const quick = await ourDiff(before, after, false);
    expect(quick.changes).toEqual(changes);
    expect(quick.summary.added.bytes).toBeGreaterThanOrEqual(summary.added.bytes);
    expect(quick.summary.removed.bytes).toBeGreaterThanOrEqual(summary.removed.bytes);
  });

  it.each([
    [['*.txt'], []],
    [['*.txt'], ['--ignore-case']],
    [['file-[1-4].*', 'new-?'], []],
    [['sub-1'], []],
    [['dir-2/sub-*'], []],
    [['dir-2/**/file-3*'], []],
    [['/**/sub-2/*.TXT'], []],
    [['*'], ['--host', 'web']],
    [['*.txt'], ['--oldest', '2001-09-08', '--newest', '2001-09-10']],
    [['caf?'], []],
  ])('the same is found by %j with %j', async (patterns, options) => {
    // restic 0.14 takes a folder without a match for one everywhere, whatever the folders above it are called in
    // another restore point; so where those count it is asked for each restore point by itself.
    const isByFolder = patterns.some((pattern) => /sub|dir/.test(pattern));
    const asked = isByFolder ? points.map((id) => ['--snapshot', id]) : [[]];
    const theirs: ResticFinds[] = [];
    // One after the other: a restic that sees another one's lock vanish waits for it to come back.
    for (const more of asked) {
      const answer = await resticOk(place, 'find', '--json', ...options, ...more, ...patterns);
      theirs.push(...(JSON.parse(answer || '[]') as ResticFinds[]));
    }
    const matches: FindMatch[] = [];
    const value = (name: string): string | undefined => options[options.indexOf(name) + 1];
    const given = (name: string): string | undefined => (options.includes(name) ? value(name) : undefined);
    const host = given('--host');
    const summary = await find(
      repository,
      {
        repository: MAIN,
        patterns,
        ids: [],
        ignoreCase: options.includes('--ignore-case'),
        oldest: given('--oldest'),
        newest: given('--newest'),
        restorePoints: [],
        filter: { ...EVERY_POINT, hostnames: host === undefined ? [] : [host] },
      },
      { configured: NOTHING_CONFIGURED, onMatch: (match) => void matches.push(match) },
      signal,
    );
    const key = (point: string, path: string): string => `${point} ${path.replaceAll('\ufffd', '\\xe9')}`;
    const expected = theirs.flatMap(({ snapshot, matches: found }) => found.map(({ path }) => key(snapshot, path)));
    const ours = matches.map(({ restorePoint, path }) => key(restorePoint, path));
    expect(ours.toSorted()).toEqual(expected.toSorted());
    expect(summary).toMatchObject({ matches: ours.length, unreadable: [] });
  });

  const ourStats = async (mode: StatsMode, ids: readonly string[]) =>
    (
      await stats(
        repository,
        { repository: MAIN, mode, restorePoints: ids, filter: EVERY_POINT },
        NOTHING_CONFIGURED,
        signal,
      )
    ).stats;
  const theirStats = async (mode: string, ids: readonly string[]) =>
    JSON.parse(await resticOk(place, 'stats', '--json', '--mode', mode, ...ids)) as Record<string, number>;

  it.each([[[]], [[0]], [[1, 3]]])('the same sizes for restore points %j', async (chosen: readonly number[]) => {
    const ids = chosen.map((index) => points[index] ?? '');
    const sizes = await ourStats('restore-size', ids);
    const theirSizes = await theirStats('restore-size', ids);
    if (sizes.mode !== 'restore-size') throw new Error('as asked');
    expect([sizes.bytes, sizes.files + sizes.folders + sizes.others]).toEqual([
      theirSizes['total_size'],
      theirSizes['total_file_count'],
    ]);
    const raw = await ourStats('raw-data', ids);
    const theirRaw = await theirStats('raw-data', ids);
    if (raw.mode !== 'raw-data') throw new Error('as asked');
    expect([raw.bytes, raw.dataBlobs + raw.treeBlobs]).toEqual([theirRaw['total_size'], theirRaw['total_blob_count']]);
    const unique = await ourStats('unique-files', ids);
    const theirUnique = await theirStats('files-by-contents', ids);
    if (unique.mode !== 'unique-files') throw new Error('as asked');
    // restic counts folders and links as one more file without content, which the empty file is for us.
    expect([unique.bytes, unique.files]).toEqual([theirUnique['total_size'], theirUnique['total_file_count']]);
  });

  it('what a restore point holds alone is what forgetting it frees', async () => {
    const shares = await ourStats('by-point', []);
    if (shares.mode !== 'by-point') throw new Error('as asked');
    const all = await theirStats('raw-data', []);
    let alone = 0;
    for (const { restorePoint, bytesAlone } of shares.points) {
      const rest = points.filter((id) => id !== restorePoint);
      const without = await theirStats('raw-data', rest);
      expect([restorePoint, bytesAlone]).toEqual([
        restorePoint,
        (all['total_size'] ?? 0) - (without['total_size'] ?? 0),
      ]);
      alone += bytesAlone;
    }
    expect(shares.bytesShared + alone).toBe(all['total_size']);
    const one = await ourStats('by-point', [points[1] ?? '']);
    expect(one.mode === 'by-point' && one.points).toEqual(
      shares.points.filter(({ restorePoint }) => restorePoint === points[1]),
    );
  });
});
