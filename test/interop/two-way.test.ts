/**
 * Two-way company: whatever one program writes, forgets or prunes, the other finds whole and restores alike. First each
 * pairing for itself, then a long life of one repository in both hands. Needs root and Debian's restic, attr and acl.
 */
import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import type { Compression } from '../../shared/repository/repository.ts';
import { type Program, restic, type StoredPoint, stillpoint } from '../support/both-programs.ts';
import { describeTree, type TreeDescription, treeDifferences } from '../support/describe-tree.ts';
import { needing, whyNotRoot } from '../support/needing.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { createTestRepository } from '../support/test-repository.ts';

const BOTH: readonly Program[] = [stillpoint, restic];
const FORMATS: readonly (readonly [1 | 2, Compression])[] = [
  [1, 'off'],
  [2, 'off'],
  [2, 'auto'],
  [2, 'max'],
];
/** `STILLPOINT_INTEROP=400` lets them share a repository for 400 rounds; 20 find what is wrong with every second. */
const ROUNDS = Number(process.env['STILLPOINT_INTEROP'] ?? 20);
const PRUNE_EVERY = 3;
const KEEP = 4;

interface KeptPoint extends StoredPoint {
  readonly by: Program['name'];
  readonly content: TreeDescription;
}

const whyNot = whyNotRoot('owners and devices');
let folder: TemporaryFolder;
let restores = 0;
const place = (name: string): string => join(folder.path, name);

beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());

async function makeRepository(name: string, version: 1 | 2): Promise<string> {
  await using _made = await createTestRepository(createLocalBackend(place(name)), version);
  return place(name);
}

async function makeTree(name: string, seed: number): Promise<string> {
  await execa('bash', ['-seu', '-', place(name), String(seed)], { input: TREE });
  return place(name);
}

async function write(program: Program, repository: string, source: string, how?: Compression): Promise<KeptPoint> {
  const point = await program.write(repository, source, how);
  return { ...point, by: program.name, content: await describeTree(source) };
}

async function faultsInLists(repository: string, points: readonly KeptPoint[]): Promise<string[]> {
  const expected = points.map(({ id }) => id).toSorted();
  const lists = await Promise.all(BOTH.map((program) => program.list(repository)));
  return BOTH.filter((_, index) => lists[index]?.join() !== expected.join()).map(
    ({ name }) => `${name} does not list what was kept`,
  );
}

/** Both read everything, with all that a check looks at; and `restored` comes back by each of `readers`. */
async function faultsIn(
  repository: string,
  points: readonly KeptPoint[],
  restored = points,
  readers = BOTH,
): Promise<string[]> {
  const faults = await faultsInLists(repository, points);
  for (const program of BOTH) {
    const findings = await program.readAll(repository);
    faults.push(...findings.map((finding) => `${program.name} finds: ${finding}`));
  }
  for (const program of readers) {
    for (const point of restored) {
      const target = place(`restored-${(restores += 1)}`);
      const content = await describeTree(await program.restore(repository, point, target));
      // The folder itself is an entry for restic, and the target for us.
      const differences = treeDifferences(point.content, content).filter((line) => !line.startsWith('.: '));
      faults.push(...differences.map((line) => `${program.name} restores of ${point.by}: ${line}`));
      await rm(target, { recursive: true });
    }
  }
  return faults;
}

describe.each(FORMATS)('format %i, compression %s', needing(whyNot), (version, compression) => {
  it('both read what each wrote, and stay whole when each removes', async () => {
    const name = `${version}-${compression}`;
    const repository = await makeRepository(name, version);
    const points: KeptPoint[] = [];
    for (const [index, program] of BOTH.entries()) {
      for (const seed of [index * 2, index * 2 + 1]) {
        const tree = await makeTree(`tree-${name}-${seed}`, seed);
        points.push(await write(program, repository, tree, version === 1 ? undefined : compression));
      }
    }
    const [ours, oursKept, theirs, theirsKept] = points as [KeptPoint, KeptPoint, KeptPoint, KeptPoint];
    expect(await faultsIn(repository, points, [ours, theirs])).toEqual([]);

    // One point of each goes, by each program.
    const kept = [oursKept, theirsKept];
    for (const remover of BOTH) {
      const copy = place(`${name}-without-${remover.name}`);
      await cp(repository, copy, { recursive: true });
      await remover.remove(copy, [ours.id, theirs.id]);
      const others = BOTH.filter((program) => program !== remover);
      expect(await faultsIn(copy, kept, kept, others), `after ${remover.name} removed`).toEqual([]);
    }
  });
});

it(`a repository lives ${ROUNDS} rounds in both hands`, { timeout: Math.max(4, ROUNDS / 10) * 60_000 }, async () => {
  const repository = await makeRepository('shared', 2);
  const source = place('living');
  await mkdir(source);
  let kept: KeptPoint[] = [];
  let prunes = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const writer = BOTH[round % 2] as Program;
    await execa('bash', ['-seu', '-', source, String(round)], { input: CHANGE });
    kept.push(await write(writer, repository, source));
    if (round % PRUNE_EVERY === PRUNE_EVERY - 1 && kept.length > KEEP) {
      const remover = BOTH[(prunes += 1) % 2] as Program;
      // Not simply the oldest: holes in the row leave packs of which only parts are needed.
      const gone = kept.filter((_, index) => index % 2 === 0).slice(0, kept.length - KEEP);
      await remover.remove(
        repository,
        gone.map(({ id }) => id),
      );
      kept = kept.filter((point) => !gone.includes(point));
      expect(await faultsInLists(repository, kept), `round ${round}, after ${remover.name}`).toEqual([]);
    }
    for (const program of BOTH) {
      expect(await program.check(repository), `${program.name} checks, round ${round} by ${writer.name}`).toEqual([]);
    }
  }
  expect(new Set(kept.map(({ by }) => by)).size).toBe(2);
  expect(await faultsIn(repository, kept)).toEqual([]);
});

/** A tree of which half is alike for all seeds: of one blob and of several, names, links, modes, attributes. */
const TREE = String.raw`
mkdir "$1"; cd "$1"
random() { openssl enc -aes-128-ctr -K "$(printf '%032x' "$1")" -iv 00 -in /dev/zero 2>/dev/null | head -c "$2" || true; }
mkdir -p same/deep/er "own $2"; echo shared > same/deep/er/file; random 99 300000 > same/random; touch empty
head -c 3000000 /dev/zero > same/zeros; random 98 2500000 > same/large
echo "only $2" > "own $2/text"; random "$2" 1700000 > "own $2/large"; seq 1 20000 > "own $2/numbers"
ln -s same/deep link; ln same/random "own $2/hard"; printf x > $'\xff\nname'
chmod 4711 empty; chmod 1777 same; chown 12345:54321 same/random; setfattr -n user.note -v "$2" empty
touch -d '2001-02-03T04:05:06.7Z' same/deep
`;

/** One round in a folder's life: something new, something changed, something gone. */
const CHANGE = String.raw`
cd "$1"; mkdir -p "sub-$(($2 % 3))"
seq "$2" $(($2 * 50 + 400)) > "sub-$(($2 % 3))/file-$2"
head -c $((100000 + $2 * 7000)) /dev/urandom > "sub-$(($2 % 3))/random-$(($2 % 5))"
echo "$2" >> growing; rm -f "sub-$((($2 + 1) % 3))/file-$(($2 - 2))"
[ $(($2 % 4)) != 0 ] || head -c 1500000 /dev/urandom > large
`;
