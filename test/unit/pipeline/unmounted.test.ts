import { describe, expect, test } from 'vitest';
import { toErrorRecord } from '../../../shared/base/errors.ts';
import { compileExcludes } from '../../../shared/domain/exclude-patterns.ts';
import type { Mount } from '../../../shared/domain/host.ts';
import { coverPaths } from '../../../shared/pipeline/backup/paths.ts';
import { requireMounted } from '../../../shared/pipeline/backup/unmounted.ts';
import type { DetectedVolume, Storage, UnmountedVolume } from '../../../shared/snapshot/provider.ts';
import { aMount } from '../snapshot/fixtures.ts';

const unmounted = (target: string, more: Partial<UnmountedVolume> = {}): UnmountedVolume => ({
  ...{ target: Buffer.from(target), label: `pool${target}`, what: 'things that are not mounted' },
  ...{ remedy: `"mount ${target}"`, isExpected: true },
  ...more,
});
const ROOT = aMount('/', { id: 1, parentId: 0 });
const volume: DetectedVolume = {
  volume: {
    ...{ id: 'x', kind: 'x', kindWords: 'volume', label: 'x', mountpoints: ['/'], fsType: 'x' },
    ...{ sizeBytes: 1, usedBytes: 1, snapshot: { possible: true, provider: 'x' } },
  },
  places: [{ target: Buffer.from('/'), root: Buffer.from('/'), mount: ROOT }],
};
const cover = (paths: readonly string[], volumes: readonly UnmountedVolume[], exclude: readonly string[] = []) =>
  coverPaths(
    paths.map((path) => ({ asked: Buffer.from(path), real: Buffer.from(path) })),
    { mounts: [ROOT], volumes: [volume], storages: [{ unmounted: volumes } as unknown as Storage] },
    { exclude: compileExcludes(exclude), host: 'db1', mayReadLive: false },
  );
const errorOf = (path: string, of: UnmountedVolume, mounts: readonly Mount[] = [ROOT]) => {
  try {
    requireMounted(Buffer.from(path), [of], { mounts, host: 'db1' });
  } catch (error) {
    return toErrorRecord(error);
  }
  return undefined;
};

describe('a volume that has a place and is not mounted there', () => {
  test.each(['/srv/a', '/srv/a/deep'])('is refused where a source names it, or what is below: "%s"', (path) => {
    expect(errorOf(path, unmounted('/srv/a'))).toMatchObject({
      code: 'host.path-not-snapshottable',
      message: `"${path}" on "db1" belongs to "pool/srv/a", which is one of the things that are not mounted.`,
      advice: expect.stringContaining('"mount /srv/a"') as unknown,
    });
  });

  test('is in nobody’s way above, beside, below another mount, or where it need not be mounted', () => {
    expect(errorOf('/srv', unmounted('/srv/a'))).toBeUndefined();
    expect(errorOf('/srv/ab', unmounted('/srv/a'))).toBeUndefined();
    expect(errorOf('/srv/a', unmounted('/srv/a', { isExpected: false }))).toBeUndefined();
    const inner = aMount('/srv/a/own', { parentId: 1 });
    expect(errorOf('/srv/a/own/deep', unmounted('/srv/a'), [ROOT, inner])).toBeUndefined();
  });

  test('is told of once for each kind, but for what is left out', () => {
    const kinds = [
      ...[unmounted('/srv/a'), unmounted('/srv/l\n', { what: 'things without a key' }), unmounted('/srv/b')],
      ...[unmounted('/srv/c/deep'), unmounted('/srv/no/x'), unmounted('/elsewhere')],
    ];
    expect(cover(['/srv'], kinds, ['no']).notes).toEqual([
      '"/srv/a" and 2 more are places of things that are not mounted, so nothing of them is in the restore point; what is seen there now is saved.',
      String.raw`"/srv/l\n" is the place of one of the things without a key, so nothing of them is in the restore point; what is seen there now is saved.`,
    ]);
    expect(
      cover(
        ['/srv'],
        [unmounted('/srv')].map((each) => ({ ...each, isExpected: false })),
      ).notes,
    ).toEqual([]);
    expect(() => cover(['/srv/a'], kinds)).toThrow(/belongs to "pool\/srv\/a"/);
  });
});
