/**
 * Somebody who writes records in a strict order while ZFS is backed up: over three datasets of a pool, whose snapshots are of
 * one instant, so that they hold the first ones of that order as if they were one volume; and over two pools, each of which
 * has an instant of its own. Run it with: npm run test:zfs
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BackupReport } from '../../shared/domain/verbs/backup.ts';
import { type OrderedWriters, startOrderedWriters } from '../lab/ordered-writer.ts';
import { reasonLabCannotRun } from '../lab/requirements.ts';
import { needing } from '../support/needing.ts';
import { expectFirstRecords, FILES, numbersIn, recordsOf } from '../support/ordered-records.ts';
import { makePool } from '../support/snapshot/zfs-host.ts';
import { startZfsWorld, type ZfsWorld } from '../support/snapshot/zfs-world.ts';

const MINUTE = 60_000;

/** Folders of a writer, one for each of its files, with the dataset on which each lies. */
const IN_POOL = { '/srv/tank/a/in': 'tank/a', '/srv/tank/b/in': 'tank/b', '/srv/tank/b/c/in': 'tank/b/c' };
const ACROSS = { '/srv/tank/a/across': 'tank/a', '/srv/other/across': 'other', '/srv/tank/b/across': 'tank/b' };
const WRITERS = [IN_POOL, ACROSS].map((places) => Object.keys(places));

const SETUP = `${makePool('tank', 384)}; ${makePool('other', 192)}
zfs create tank/a; zfs create tank/b; zfs create tank/b/c
mkdir ${WRITERS.flat().join(' ')}
for folder in tank/a tank/b tank/b/c other; do head -c 4000000 /dev/urandom > /srv/$folder/data; done`;

describe('a writer over several datasets', needing(await reasonLabCannotRun()), () => {
  const signal = AbortSignal.timeout(60 * MINUTE);
  let world: ZfsWorld;
  let writers: OrderedWriters;
  /** Of one pool, and of both. */
  const saved: { readonly report: BackupReport; readonly folder: string }[] = [];

  beforeAll(async () => {
    world = await startZfsWorld(SETUP, signal);
    writers = await startOrderedWriters(world.guest, WRITERS, 60, signal);
    for (const paths of [['/srv/tank'], ['/srv/tank', '/srv/other']]) {
      const { report } = await world.save(paths);
      saved.push({ report, folder: await world.restored() });
    }
    await writers.stop(signal);
  }, 20 * MINUTE);
  afterAll(() => world?.[Symbol.asyncDispose]());

  const instantOf = ({ snapshots }: BackupReport, volume: string) => {
    const found = snapshots.find((each) => each.volume === volume);
    if (found === undefined) throw new Error(`there is no snapshot of ${volume}`);
    return found.instant;
  };
  /** What a restored folder has of a writer's file. */
  const read = async (at: number, folders: readonly string[], file: number): Promise<readonly number[]> =>
    await numbersIn(join(saved[at]?.folder ?? '', folders[file % folders.length] ?? ''), file, folders[0] ?? '');

  test.each([
    [0, 'alone', { consistency: 'crash', skewMs: 0 }],
    [1, 'beside another pool', { consistency: 'crash-skewed' }],
  ])('of one pool, save %i, %s: holds the first records of one order', async (at, _, says) => {
    const { report } = saved[at] ?? {};
    if (report === undefined) throw new Error('it was not saved');
    expect(report).toMatchObject({ ...says, missingCount: 0 });
    const instants = Object.values(IN_POOL).map((volume) => instantOf(report, volume));
    expect(new Set(instants.map((instant) => JSON.stringify(instant))).size).toBe(1);
    const [instant] = instants;
    if (instant === undefined) throw new Error('it has no instant');
    const folders = Object.keys(IN_POOL);
    const numbers = await Promise.all(FILES.map((file) => read(at, folders, file)));
    expectFirstRecords(numbers.flat(), recordsOf(await writers.journal(0, signal)), instant);
  });

  test('of two pools: holds in each the first records up to the instant of that pool', async () => {
    const { report } = saved[1] ?? {};
    if (report === undefined) throw new Error('it was not saved');
    const [folders, volumes] = [Object.keys(ACROSS), Object.values(ACROSS)];
    const journal = await writers.journal(1, signal);
    for (const file of FILES) {
      const instant = instantOf(report, volumes[file] ?? '');
      expectFirstRecords(await read(1, folders, file), recordsOf(journal, [file]), instant);
    }
    // Those of one pool have one order between them, too.
    const inTank = [0, 2];
    const numbers = await Promise.all(inTank.map((file) => read(1, folders, file)));
    expectFirstRecords(numbers.flat(), recordsOf(journal, inTank), instantOf(report, 'tank/a'));
    const [tank, other] = [instantOf(report, 'tank/a'), instantOf(report, 'other')];
    expect(other).not.toEqual(tank);
    const apart = Math.abs(other.beforeUptime - tank.beforeUptime) * 1000;
    expect(report.skewMs).toBeGreaterThanOrEqual(Math.floor(apart));
  });
});
