/**
 * Prunes under restic's eyes: repositories of both formats, with packs by restic and by us, restore points that share
 * content, and some of them forgotten. Afterwards `restic check --read-data` finds nothing, `restic restore` brings
 * back the same bytes as before, and restic's own prune finds nothing left to do. Needs Debian's restic.
 */
import { randomBytes } from 'node:crypto';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { planPrune } from '../../shared/repository/prune/plan.ts';
import { describeTree } from '../support/describe-tree.ts';
import { archiveFolder } from '../support/local-archive.ts';
import { needing } from '../support/needing.ts';
import { damageIn, open, prune } from '../support/prune-lab.ts';
import { buildRepository, repositoryShape } from '../support/random-repository.ts';
import { NO_RESTIC, resticFinds, resticOk } from '../support/restic.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { createTestRepository } from '../support/test-repository.ts';
import { writeOut } from '../support/write-out.ts';

/** STILLPOINT_RUNS=200 for a longer search. */
const RUNS = Number(process.env['STILLPOINT_RUNS'] ?? 14);
const signal = AbortSignal.timeout(10 * 60_000);

describe.each([1, 2] as const)('after a prune of format %i', needing(NO_RESTIC), (version) => {
  let folder: TemporaryFolder;
  let place: string;
  let restored: Map<string, readonly string[]>;

  beforeAll(async () => {
    folder = await temporaryFolder();
    place = join(folder.path, 'repository');
    const source = join(folder.path, 'source');
    await createTestRepository(createLocalBackend(place), version);
    await fill(source);
    const points: string[] = [];
    // restic and we take turns, on content of which a part stays, a part goes and a part is new each time.
    for (let round = 0; round < 4; round++) {
      for (let file = 0; file < 6; file++) await writeFile(join(source, `round${file}`), randomBytes(150_000));
      await writeFile(join(source, 'text', `${round}.txt`), `${'words and more words '.repeat(3000)}${round}`);
      if (round % 2 === 0) await resticOk(place, 'backup', source);
      else await archiveFolder(await open(createLocalBackend(place)), source, { signal });
      const listed = JSON.parse(await resticOk(place, 'snapshots', 'latest', '--json')) as { id: string }[];
      points.push(listed.at(-1)?.id ?? '');
    }
    await resticOk(place, 'forget', points[0] ?? '', points[1] ?? '');
    restored = await restoreAll('before');
  });
  afterAll(() => folder[Symbol.asyncDispose]());

  async function restoreAll(name: string): Promise<Map<string, readonly string[]>> {
    const listed = JSON.parse(await resticOk(place, 'snapshots', '--json')) as { id: string }[];
    const found = new Map<string, readonly string[]>();
    for (const { id } of listed) {
      const target = join(folder.path, `${name}-${id.slice(0, 8)}`);
      await resticOk(place, 'restore', id, '--target', target);
      found.set(id, [...(await describeTree(target)).entries()].map((entry) => JSON.stringify(entry)).slice(1));
    }
    return found;
  }

  it('restic finds a sound repository, the same restore points, and nothing more to prune', async () => {
    const { plan, outcome } = await prune(createLocalBackend(place), { maxUnused: '0%' });
    expect(plan.figures.packs.repack).toBeGreaterThan(0);
    expect(plan.figures.bytes.freed).toBeGreaterThan(6 * 150_000);
    expect(outcome.packsDeleted).toBeGreaterThan(1);
    expect(await resticFinds(place, '--read-data')).toEqual([]);
    expect(await damageIn(createLocalBackend(place), 'verify')).toEqual([]);
    expect(restored.size).toBe(2);
    expect(await restoreAll('after')).toEqual(restored);
    const left = await resticOk(place, 'prune', '--dry-run', '--max-unused', '0', '--verbose');
    expect(left).toMatch(/total prune:\s+0 blobs \/ 0 B/);
  });
});

async function fill(source: string): Promise<void> {
  await mkdir(join(source, 'text'), { recursive: true });
  await writeFile(join(source, 'big'), randomBytes(3_000_000));
  for (let file = 0; file < 20; file++)
    await writeFile(join(source, 'text', `same${file}`), `same ${file}`.repeat(500));
  await cp(join(source, 'text'), join(source, 'copy'), { recursive: true });
}

/**
 * restic's own plan as the judge of ours, on random repositories. Which of several copies is kept is each program's own
 * choice, so packs are compared where nothing is stored twice. Between packs with the same share of unused data restic
 * leaves the choice to chance: then sizes are the same, and with a limit of bytes to rewrite not even these.
 */
it('a plan is what restic would do', async () => {
  await using folder = await temporaryFolder();
  const seed = Number(process.env['STILLPOINT_SEED'] ?? Date.now() % 1_000_000_000);
  let compared = 0;
  for (const [number, scope] of fc.sample(repositoryShape, { numRuns: RUNS, seed }).entries()) {
    // Where no restore point is seen, restic deletes all and we refuse.
    const points = scope.points.map((point, place) => ({ ...point, stays: point.stays || place === 0 }));
    const { backend } = await buildRepository({ ...scope, points, copies: number % 4 === 0 });
    const place = join(folder.path, String(number));
    await writeOut(backend, place, signal);
    const { maxUnused } = scope.options;
    const maxRepackBytes = number % 2 === 1 ? undefined : scope.options.maxRepackBytes;
    const { plan } = await planPrune(await open(backend), { maxUnused, maxRepackBytes }, signal);
    const limits = maxRepackBytes === undefined ? [] : ['--max-repack-size', String(maxRepackBytes)];
    const unused = maxUnused === '0%' ? '0' : maxUnused;
    const printed = await resticOk(place, 'prune', '--dry-run', '--verbose=2', '--max-unused', unused, ...limits);
    const theirs = planOfRestic(printed);
    const where = `seed ${seed}, repository ${number}, ${maxUnused}, ${maxRepackBytes}`;
    const { blobs } = plan.figures;
    expect(theirs.blobs, where).toEqual([blobs.used, blobs.unused, blobs.duplicates]);
    expect(theirs.unreferenced, where).toEqual(short(plan.unreferenced));
    expect(blobs.duplicates > 0 || theirs.unused.join() === short(plan.unused).join(), where).toBe(true);
    if (blobs.duplicates > 0 || (maxRepackBytes ?? 0) > 0) continue;
    compared += 1;
    const sizes = new Map<string, number>();
    for await (const { name, sizeBytes } of backend.list('data', signal)) sizes.set(name.slice(0, 8), sizeBytes);
    const sizesOf = (ids: readonly string[]): string =>
      ids
        .map((id) => `${sizes.get(id)}`)
        .toSorted()
        .join();
    expect(sizesOf(theirs.repack), where).toBe(sizesOf(short(plan.repack)));
  }
  expect(compared).toBeGreaterThanOrEqual(Math.floor(RUNS / 2));
});

const short = (ids: readonly string[]): string[] => ids.map((id) => id.slice(0, 8)).toSorted();

function planOfRestic(printed: string) {
  const blobs = ['used', 'unused', 'duplicates'].map((name) =>
    Number(new RegExp(`^${name}: +(\\d+) blobs`, 'm').exec(printed)?.[1] ?? 0),
  );
  const list = (title: string): string[] =>
    printed
      .split('\n')
      .filter((_, line, all) => all[line - 1] === `Would have ${title}:`)
      .flatMap((ids) => ids.replace(/^\{(.*)\}$/, '$1').split(' '))
      .filter(Boolean)
      .toSorted();
  return {
    blobs,
    repack: list('repacked and removed the following packs'),
    unused: list('removed the following no longer used packs'),
    unreferenced: list('removed the following unreferenced packs'),
  };
}
