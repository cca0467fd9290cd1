import { describe, expect, test } from 'vitest';
import type { RunEventBody } from '../../../shared/domain/events.ts';
import { compileExcludes } from '../../../shared/domain/exclude-patterns.ts';
import { oursIn, placesIn } from '../../../shared/pipeline/backup/grafts.ts';
import { type Coverage, coverPaths } from '../../../shared/pipeline/backup/paths.ts';
import { selection } from '../../../shared/pipeline/backup/select.ts';
import { tellUnplanned } from '../../../shared/pipeline/backup/unplanned.ts';
import type { DetectedVolume, VolumePlace } from '../../../shared/snapshot/provider.ts';
import { entryOf } from '../../support/pipeline/paper-files.ts';
import { warningsOf } from '../../support/restoring.ts';
import { aMount } from '../snapshot/fixtures.ts';

/** A storage that shows several volumes through one mount. */
const mount = aMount('/srv', { id: 1, parentId: 0 });
const other = aMount('/srv/old/1/mnt', { id: 2, parentId: 1, device: '8:2' });
const volumeAt = (id: string, facts: Partial<VolumePlace> & { readonly target: Buffer }): DetectedVolume => ({
  volume: {
    ...{ id, kind: 'x', kindWords: 'volume', label: id, mountpoints: [facts.target.toString()], fsType: 'x' },
    ...{ sizeBytes: 1, usedBytes: 1, snapshot: { possible: true, provider: 'x' } },
  },
  places: [{ root: Buffer.from('/'), mount, ...facts }],
});
const outer: DetectedVolume = { ...volumeAt('outer', { target: Buffer.from('/srv') }), ours: Buffer.from('/a/.ours') };
const old = (number: number, aside = 'old states'): DetectedVolume =>
  volumeAt(`old-${number}`, { target: Buffer.from(`/srv/old/${number}`), aside });
const cover = (
  paths: readonly string[],
  volumes: readonly DetectedVolume[],
  exclude: readonly string[] = [],
): Coverage =>
  coverPaths(
    paths.map((path) => ({ asked: Buffer.from(path), real: Buffer.from(path) })),
    { mounts: [mount, other], volumes: [outer, ...volumes] },
    { exclude: compileExcludes(exclude), host: 'db1', mayReadLive: false },
  );
const labels = ({ volumes }: Coverage): readonly string[] => volumes.map(({ volume }) => volume.label);

describe('what a provider sets aside', () => {
  test('is left out and told of in one note for each kind, as an empty place', () => {
    const coverage = cover(['/srv'], [old(1), old(2), old(3), old(4, 'copies')]);
    expect(labels(coverage)).toEqual(['outer']);
    expect(coverage.notes).toEqual([
      '"/srv/old/1" and 2 more are left out, as old states; each is an empty folder in the restore point. To save one, name its path under "paths".',
      '"/srv/old/4" is left out, as one of the copies; each is an empty folder in the restore point. To save one, name its path under "paths".',
    ]);
    const [tree] = coverage.trees;
    expect(tree && placesIn(tree, coverage.trees, coverage.emptyPlaces)).toEqual(['old/1', 'old/2', 'old/3', 'old/4']);
  });

  test('is not told of where it is excluded', () => {
    expect(cover(['/srv'], [old(1)], ['old']).notes).toEqual([]);
  });

  test('is saved where a source names it, or something in it', () => {
    expect(labels(cover(['/srv/old/1'], [old(1), old(2)]))).toEqual(['old-1']);
    expect(labels(cover(['/srv/old/1/etc'], [old(1)]))).toEqual(['old-1']);
    const both = cover(['/srv', '/srv/old/1'], [old(1), old(2)]);
    expect(labels(both)).toEqual(['outer', 'old-1']);
    expect(both.notes).toEqual([expect.stringMatching(/^"\/srv\/old\/2" is left out/)]);
  });

  test('has no place for what is in it, beside what is around it', () => {
    const inner = { ...volumeAt('inner', { target: Buffer.from('/srv/old/1/mnt') }) };
    const seen = { ...inner, places: [{ ...inner.places[0], mount: other }] as const };
    expect(() => cover(['/srv'], [old(1), seen])).toThrow('"/srv/old/1/mnt" on "db1" is mounted inside "/srv/old/1"');
    expect(() => cover(['/srv', '/srv/old/1/etc'], [old(1)])).toThrow('"/srv/old/1/etc" on "db1" is mounted inside');
  });
});

test('a folder that is ours is no part of a tree, wherever the tree begins', () => {
  const of = (path: string): readonly string[] => {
    const [tree] = cover([path], []).trees;
    return tree === undefined ? ['no tree'] : oursIn(tree, ['.stillpoint-layout']);
  };
  expect([of('/srv'), of('/srv/a'), of('/srv/b')]).toEqual([['a/.ours'], ['.ours'], []]);
  const rules = {
    root: Buffer.from('/srv'),
    exclude: compileExcludes([]),
    mounted: new Set<string>(),
    ours: of('/srv'),
  };
  const isWanted = selection(rules)();
  const paths = ['', 'a', 'a/.ours', 'a/.ours/x', 'a/.ours.txt', 'b/.ours'];
  expect(paths.filter((path, index) => isWanted(entryOf({ path, type: 'dir' }, index)))).toEqual([
    '',
    'a',
    'a/.ours.txt',
    'b/.ours',
  ]);
});

test('volumes that came after the plan are told of at each place, unless they are left out', () => {
  const events: RunEventBody[] = [];
  const twice: DetectedVolume = {
    ...outer,
    places: [...outer.places, { ...outer.places[0], target: Buffer.from('/mnt') }],
  };
  const tree = (path: string, pathInVolume: string) => ({
    path: Buffer.from(path),
    volume: twice,
    isLive: false,
    pathInVolume: Buffer.from(pathInVolume),
  });
  const coverage = { ...cover(['/srv'], []), trees: [tree('/srv', '/'), tree('/mnt/a', '/a')] };
  const unplanned = ['/a/new', '/tmp/new', '/a'].map((path) => Buffer.from(path));
  tellUnplanned(
    { coverage, exclude: compileExcludes(['tmp']) },
    [
      { volume: twice, standing: { sizeBytes: 0, seen: {}, unplanned } },
      { volume: old(1), standing: { sizeBytes: 0, seen: {} } },
    ],
    (event) => void events.push(event),
  );
  const words = ' became a volume of its own when the backup had begun; it is an empty folder in this restore point.';
  expect(warningsOf(events)).toEqual([
    `"/srv/a/new"${words}`,
    `"/mnt/a/new"${words}`,
    `"/srv/a"${words}`,
    `"/mnt/a"${words}`,
  ]);
});
