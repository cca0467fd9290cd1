import { describe, expect, test } from 'vitest';
import type { StillpointError } from '../../../shared/base/errors.ts';
import { compileExcludes } from '../../../shared/domain/exclude-patterns.ts';
import type { Mount } from '../../../shared/domain/host.ts';
import { hostName, ownerId, repositoryName, runId, sourceName } from '../../../shared/domain/names.ts';
import { graftsOf, outerTreeOf, placesIn } from '../../../shared/pipeline/backup/grafts.ts';
import { type Coverage, coverPaths, resolvePaths } from '../../../shared/pipeline/backup/paths.ts';
import { selection } from '../../../shared/pipeline/backup/select.ts';
import { describePlan } from '../../../shared/pipeline/describe-plan.ts';
import { REGISTRY } from '../../../shared/snapshot/registry.ts';
import { planSnapshots } from '../../../shared/snapshot/snapshot-set.ts';
import type { Survey } from '../../../shared/snapshot/survey.ts';
import { entryOf, type PaperFile } from '../../support/pipeline/paper-files.ts';
import {
  aMount,
  detectOnGuest,
  guestMounts,
  guestStorage,
  guestThinStorage,
  parsed,
  poolsWith,
} from '../snapshot/fixtures.ts';

/** @param pools of which the thin volume is */
function surveyOf(mounts: readonly Mount[], pools = poolsWith('273/16384')): Survey {
  const measured = (usedBytes: number, writtenPerSecond: number | undefined) => ({
    use: { sizeBytes: 1_000_000_000, usedBytes },
    ...{ writtenPerSecond, writesPerSecond: undefined, hasExternalJournal: false },
  });
  const facts = {
    pools,
    measured: new Map([
      ['254:0', measured(200_000_000, 50_000)],
      ['254:1', measured(100_000_000, undefined)],
    ]),
  };
  const storages = [guestStorage(facts), guestThinStorage(facts)];
  return {
    identity: {
      system: 'Linux 6.1.0 x86_64',
      bootId: '6f0a2d0a-1111-4000-8000-000000000000',
      uptimeSeconds: 1000,
      wallClock: { earliestMs: 0, latestMs: 1 },
      missing: [],
      isRoot: true,
      gnuTar: true,
      gnuFind: true,
      users: new Map(),
      groups: new Map(),
    },
    asked: { earliestMs: 0, latestMs: 1 },
    clockSkew: { leastMs: -1, mostMs: 1 },
    mounts,
    devices: new Map(),
    storages,
    volumes: detectOnGuest(mounts, storages),
  };
}

const readOnlyPool = poolsWith('9/10', '1/10', '- ro discard_passdown queue_if_no_space - 1');

const cover = (paths: readonly string[], more: readonly Mount[] = [], exclude: readonly string[] = []): Coverage =>
  coverPaths(
    paths.map((path) => ({ asked: Buffer.from(path), real: Buffer.from(path) })),
    surveyOf([...guestMounts(), ...more]),
    { exclude: compileExcludes(exclude), host: 'db1', mayReadLive: false },
  );
const trees = (coverage: Coverage): string[] =>
  coverage.trees.map((tree) => `${tree.path.toString()} = ${tree.volume.volume.label}:${tree.pathInVolume.toString()}`);
/** Parent 62 is /srv/files in the fixture. */
const below = (target: string, facts: Partial<Mount> = {}): Mount => aMount(target, { parentId: 62, ...facts });
const mysqlThere = below('/srv/files/db/data', { device: '254:0', fsType: 'ext4' });

describe('from paths to trees', () => {
  test('a path on a volume is one tree, seen from the root of its file system', () => {
    expect(trees(cover(['/srv/files/documents']))).toEqual(['/srv/files/documents = vg0/files:/documents']);
    expect(trees(cover(['/srv/files']))).toEqual(['/srv/files = vg0/files:/']);
  });

  test('a bind mount shows a part of its volume', () => {
    const bind = aMount('/mnt/part', { parentId: 16, device: '254:1', fsType: 'xfs', root: Buffer.from('/documents') });
    expect(trees(cover(['/mnt/part/letters'], [bind]))).toEqual(['/mnt/part/letters = vg0/files:/documents/letters']);
  });

  test('a nested mount is a tree of its own, deepest first', () => {
    const coverage = cover(['/srv/files'], [mysqlThere]);
    expect(trees(coverage)).toEqual(['/srv/files/db/data = vg0/mysql:/', '/srv/files = vg0/files:/']);
    const [inner, outer] = coverage.trees;
    if (inner === undefined || outer === undefined) throw new Error('there are two trees');
    expect(outerTreeOf(inner, coverage.trees)).toBe(outer);
    expect([...graftsOf(outer, coverage.trees).keys()]).toEqual(['db/data']);
    expect(graftsOf(inner, coverage.trees).size).toBe(0);
  });

  test('a path below another one of the same tree is read once', () => {
    expect(trees(cover(['/srv/files', '/srv/files/documents', '/srv/files']))).toEqual(['/srv/files = vg0/files:/']);
  });

  test('a part of the same volume that is mounted elsewhere in it stands there too', () => {
    const bind = below('/srv/files/again', { device: '254:1', fsType: 'xfs', root: Buffer.from('/documents') });
    expect(trees(cover(['/srv/files'], [bind]))).toEqual([
      '/srv/files/again = vg0/files:/documents',
      '/srv/files = vg0/files:/',
    ]);
  });

  test('a part of the same volume stands by itself where another volume lies between', () => {
    const between = below('/srv/files/x', { id: 901, device: '254:0', fsType: 'ext4' });
    const facts = { parentId: 901, device: '254:1', fsType: 'xfs', root: Buffer.from('/x/y') };
    expect(trees(cover(['/srv/files'], [between, aMount('/srv/files/x/y', facts)]))).toEqual([
      '/srv/files/x/y = vg0/files:/x/y',
      '/srv/files/x = vg0/mysql:/',
      '/srv/files = vg0/files:/',
    ]);
  });

  test('what was deleted under a bind mount stops it', () => {
    const gone = { device: '254:1', fsType: 'xfs', root: Buffer.from('/gone//deleted') };
    expect(() => cover(['/srv/files'], [below('/srv/files/mp', gone)])).toThrow(/was deleted where it came from/);
  });

  test('a nested mount that cannot be snapshotted stops it, unless it or a folder on the way is left out', () => {
    const plain = below('/srv/files/usb/disk', { device: '8:17', source: Buffer.from('/dev/sdb1') });
    const stopped = expect.objectContaining({ code: 'host.path-not-snapshottable' }) as Error;
    expect(() => cover(['/srv/files'], [plain])).toThrow(stopped);
    for (const pattern of ['/srv/files/usb/disk', 'disk', '/srv/files/usb', 'usb']) {
      expect(trees(cover(['/srv/files'], [plain], [pattern]))).toEqual(['/srv/files = vg0/files:/']);
    }
    expect(() => cover(['/srv/files'], [plain], ['/srv/other'])).toThrow(stopped);
  });

  test.each(['/srv/files', '/srv', 'files', '*', 'f*s', '/*', '**'])(
    'a source that the pattern %s leaves out whole is a mistake, and not a restore point of nothing',
    (pattern) => {
      expect(() => cover(['/srv/files'], [], [pattern])).toThrow(
        expect.objectContaining({
          code: 'config.invalid',
          message: expect.stringMatching(/^"\/srv\/files" is a path of the source, and a pattern/) as string,
        }) as Error,
      );
    },
  );

  test.each(['/files', '/srv/files/*', '/srv/file', 'iles', '/srv/files/files', '*.tmp'])(
    'a pattern that leaves out a part of it at most, such as %s, is none',
    (pattern) => {
      expect(trees(cover(['/srv/files'], [], [pattern]))).toEqual(['/srv/files = vg0/files:/']);
    },
  );

  test('everything that stands in the way is told at once, each with its reason and remedy', () => {
    const more = [
      below('/srv/files/usb', { device: '8:17', source: Buffer.from('/dev/sdb1') }),
      below('/srv/files/snap', { device: '7:0', fsType: 'squashfs' }),
      below('/srv/files/net', { device: '0:60', fsType: 'nfs4' }),
    ];
    const paths = ['/srv/files', '/srv/thin', '/', '/nowhere'].map((path) => Buffer.from(path));
    const resolved = paths.map((asked) => ({
      asked,
      real: asked.equals(Buffer.from('/nowhere')) ? Buffer.alloc(0) : asked,
    }));
    const survey = surveyOf([...guestMounts(), ...more], readOnlyPool);
    let thrown: unknown;
    try {
      coverPaths(resolved, survey, { exclude: compileExcludes([]), host: 'db1', mayReadLive: false });
    } catch (error) {
      thrown = error;
    }
    const { message, code, details } = thrown as StillpointError;
    expect(code).toBe('host.path-not-snapshottable');
    const [heading, ...lines] = message.split('\n');
    expect(heading).toBe('6 problems stand in the way of a backup of "db1":');
    expect(lines).toEqual([
      expect.stringMatching(/"\/srv\/files\/usb".*plain device.*exclude/) as unknown,
      expect.stringMatching(/"\/srv\/files\/snap".*read-only image/) as unknown,
      expect.stringMatching(/"\/srv\/files\/net".*on the network/) as unknown,
      expect.stringMatching(/"\/srv\/thin".*the thin pool "vg0\/pool0" is read-only.*--repair/) as unknown,
      expect.stringMatching(/"\/" .*plain device/) as unknown,
      expect.stringMatching(/There is no "\/nowhere"/) as unknown,
    ]);
    expect(details['problems']).toHaveLength(6);
  });

  test('a volume mounted inside one of the kernel has no place, unless both are left out', () => {
    const memory = below('/srv/files/tmp', { id: 902, device: '0:50', fsType: 'tmpfs' });
    const inside = aMount('/srv/files/tmp/vol', { parentId: 902, device: '254:0', fsType: 'ext4' });
    expect(() => cover(['/srv/files'], [memory, inside])).toThrow(/is mounted inside "\/srv\/files\/tmp" \(tmpfs\)/);
    expect(trees(cover(['/srv/files'], [memory, inside], ['/srv/files/tmp']))).toEqual(['/srv/files = vg0/files:/']);
  });

  test('a nested mount of the kernel is told and stays empty', () => {
    const coverage = cover(['/srv/files'], [below('/srv/files/tmp', { device: '0:50', fsType: 'tmpfs' })]);
    const [tree] = coverage.trees;
    expect(tree && placesIn(tree, coverage.trees, coverage.emptyPlaces)).toEqual(['tmp']);
    const { notes } = coverage;
    expect(notes).toEqual([
      '"/srv/files/tmp" (tmpfs) is in memory or belongs to the kernel; what is in it is not saved.',
    ]);
  });

  test('what cannot be kept hears nothing of reading live', () => {
    const survey = surveyOf(guestMounts());
    const adviceFor = (paths: readonly string[], isKept: boolean): string => {
      try {
        const resolved = paths.map((path) => ({ asked: Buffer.from(path), real: Buffer.from(path) }));
        coverPaths(resolved, survey, { exclude: compileExcludes([]), host: 'db1', mayReadLive: false, isKept });
      } catch (error) {
        return (error as StillpointError).advice;
      }
      return 'covered';
    };
    expect(adviceFor(['/'], false)).toContain('"withoutSnapshot"');
    expect(adviceFor(['/'], true)).toMatch(/Otherwise leave this path out of what is to be kept\.$/);
    expect(adviceFor(['/'], true)).not.toContain('withoutSnapshot');
  });

  test('a path that is saved and left out at once is refused', () => {
    const contradiction = expect.objectContaining({ code: 'config.invalid' }) as Error;
    expect(() => cover(['/srv/files', '/srv/files/db/data'], [mysqlThere], ['/srv/files/db'])).toThrow(contradiction);
    expect(() => cover(['/srv/files', '/srv/files/documents'], [], ['documents'])).toThrow(contradiction);
    expect(trees(cover(['/srv/files', '/srv/files/db/data'], [mysqlThere], ['*.tmp']))).toHaveLength(2);
  });

  test('a path that is not there is an error, one behind a link is told', () => {
    const survey = surveyOf(guestMounts());
    const none = { asked: Buffer.from('/srv/nowhere'), real: Buffer.alloc(0) };
    expect(() => coverPaths([none], survey, { exclude: compileExcludes([]), host: 'db1', mayReadLive: false })).toThrow(
      expect.objectContaining({ code: 'host.path-not-found' }) as Error,
    );
    const pattern = { asked: Buffer.from('/srv/*'), real: Buffer.alloc(0) };
    expect(() =>
      coverPaths([pattern], survey, { exclude: compileExcludes([]), host: 'db1', mayReadLive: false }),
    ).toThrow(
      expect.objectContaining({
        message: 'There is no "/srv/*" on "db1".',
        advice: expect.stringMatching(/^Paths are taken letter by letter/) as string,
      }) as Error,
    );
    const linked = { asked: Buffer.from('/data'), real: Buffer.from('/srv/files') };
    expect(
      coverPaths([linked], survey, { exclude: compileExcludes([]), host: 'db1', mayReadLive: false }).notes,
    ).toEqual(['"/data" leads to "/srv/files", which is what is backed up.']);
  });

  test('resolved paths come back in order, byte for byte', () => {
    const asked = [Buffer.from('/a\nb'), Buffer.from([0x2f, 0xff]), Buffer.from('/none')];
    const command = resolvePaths(asked);
    const answer = Buffer.concat([Buffer.from('/x\ny\0'), Buffer.from([0x2f, 0xff, 0]), Buffer.from('\0')]);
    expect(parsed(command, answer).map(({ real }) => real)).toEqual([
      Buffer.from('/x\ny'),
      Buffer.from([0x2f, 0xff]),
      Buffer.alloc(0),
    ]);
    expect(() => parsed(command, '/x\0')).toThrow(/cannot be understood/);
  });

  test('a link that leads to nothing is not called a path that is not there', () => {
    const asked = ['/data', '/loop', '/none'].map((path) => Buffer.from(path));
    const resolved = parsed(resolvePaths(asked), '>/nowhere\0>loop\0\0');
    const messages = resolved.map((path) => {
      try {
        coverPaths([path], surveyOf(guestMounts()), { exclude: compileExcludes([]), host: 'db1', mayReadLive: false });
      } catch (error) {
        return (error as StillpointError).message;
      }
      return undefined;
    });
    expect(messages).toEqual([
      '"/data" on "db1" is a symbolic link to "/nowhere", which leads to nothing.',
      '"/loop" on "db1" is a symbolic link to "loop", which leads to nothing.',
      'There is no "/none" on "db1".',
    ]);
  });

  test('a path that cannot be snapshotted is named as the source names it, with a remedy that the source allows', () => {
    const paths = [{ asked: Buffer.from('/data'), real: Buffer.from('/srv/thin') }];
    const covering = () =>
      coverPaths(paths, surveyOf(guestMounts(), readOnlyPool), {
        ...{ exclude: compileExcludes([]), host: 'db1', mayReadLive: false },
      });
    expect(covering).toThrow(/^"\/data" \(it leads to "\/srv\/thin"\) on "db1" cannot be snapshotted/);
    expect(covering).toThrow(
      expect.objectContaining({ advice: expect.stringContaining('taken out of "paths"') as string }) as Error,
    );
    expect(covering).toThrow(
      expect.objectContaining({ advice: expect.stringContaining('"withoutSnapshot"') as string }) as Error,
    );
  });

  test('what cannot be snapshotted is read live where the source asks for it, and all else is snapshotted', () => {
    const paths = ['/srv/files', '/srv/thin'].map((path) => ({ asked: Buffer.from(path), real: Buffer.from(path) }));
    const terms = { exclude: compileExcludes([]), host: 'db1', mayReadLive: true };
    const covered = coverPaths(
      paths,
      surveyOf([...guestMounts(), below('/srv/files/usb', { device: '8:1' })], readOnlyPool),
      terms,
    );
    expect(covered.trees.map(({ path, isLive }) => [path.toString(), isLive])).toEqual([
      ['/srv/files/usb', true],
      ['/srv/files', false],
      ['/srv/thin', true],
    ]);
    expect(covered.volumes.map(({ volume }) => volume.label)).toEqual(['vg0/files']);
    expect(covered.notes).toEqual(
      ['/srv/thin', '/srv/files/usb'].map(
        (path) => expect.stringContaining(`"${path}" is read live, while it may`) as string,
      ),
    );
    // What the kernel makes up is no content, and what is in memory is.
    const kernel = (fsType: string) => below('/srv/files/made', { device: '0:99', fsType });
    const made = [{ asked: Buffer.from('/srv/files/made/x'), real: Buffer.from('/srv/files/made/x') }];
    expect(() => coverPaths(made, surveyOf([...guestMounts(), kernel('proc')]), terms)).toThrow(
      'cannot be snapshotted',
    );
    expect(coverPaths(made, surveyOf([...guestMounts(), kernel('tmpfs')]), terms).trees).toHaveLength(1);
    // What was deleted is nowhere to be read.
    const deleted = below('/srv/files/usb', { device: '8:1', root: Buffer.from('/x//deleted') });
    expect(() => coverPaths(paths, surveyOf([...guestMounts(), deleted]), terms)).toThrow('was deleted');
  });
});

describe('what of a listing belongs to a tree', () => {
  const select = (
    exclude: readonly string[],
    grafts: readonly string[],
    paths: readonly string[],
    root = '/srv',
  ): string[] => {
    const rules = { root: Buffer.from(root), exclude: compileExcludes(exclude), mounted: new Set(grafts) };
    const selected = selection(rules)();
    const files = paths.map((path): PaperFile => ({ path, type: 'dir' }));
    return files.filter((file, index) => selected(entryOf(file, index))).map((file) => file.path);
  };

  test('not what is excluded nor what lies below it, however it is called', () => {
    const paths = ['', 'a', 'a/b', 'a/b/c', 'a.b', 'ab', 'b', 'b/a', 'b/a/x'];
    expect(select(['/srv/a'], [], paths)).toEqual(['', 'a.b', 'ab', 'b', 'b/a', 'b/a/x']);
    expect(select(['a'], [], paths)).toEqual(['', 'a.b', 'ab', 'b']);
    expect(select(['/a'], [], paths)).toEqual(paths);
    expect(select(['/a'], [], paths, '/')).toEqual(['', 'a.b', 'ab', 'b', 'b/a', 'b/a/x']);
  });

  test('the root itself always', () => {
    expect(select(['/srv'], [], ['', 'a'])).toEqual(['', 'a']);
  });

  test('of the place of a nested tree only the place', () => {
    expect(select([], ['a/b'], ['', 'a', 'a/b', 'a/b/hidden', 'a/b/hidden/x', 'a/bc', 'c'])).toEqual([
      '',
      'a',
      'a/b',
      'a/bc',
      'c',
    ]);
  });

  test('each pass begins anew', () => {
    const rules = { root: Buffer.from('/srv'), exclude: compileExcludes(['a']), mounted: new Set<string>() };
    const passes = selection(rules);
    passes()(entryOf({ path: 'a', type: 'dir' }, 0));
    expect(passes()(entryOf({ path: 'a/b', type: 'dir' }, 0))).toBe(true);
  });
});

test('a plan says what would be done', () => {
  const survey = surveyOf([...guestMounts(), mysqlThere]);
  const identity = { run: runId('0123abcd'), owner: ownerId('00112233aabb') };
  const source = {
    name: sourceName('files'),
    host: hostName('db1'),
    paths: [Buffer.from('/srv/files')],
    repository: repositoryName('main'),
    exclude: [],
  };
  const coverage = cover(['/srv/files'], [mysqlThere]);
  const snapshots = planSnapshots(coverage.volumes, source, { survey, registry: REGISTRY, identity });
  const host = {
    ...{ name: source.host, ssh: 'db1', sshConfigFile: undefined, sudo: 'none' as const },
    ...{ leaseSeconds: 600, maxClockSkewSeconds: 60 },
  };
  const prepared = {
    survey,
    coverage,
    devices: [],
    exclude: compileExcludes([]),
    snapshots,
    heldPlaces: [],
    removes: [],
    dumps: [],
  };
  const plan = describePlan({ source, host }, prepared, { dead: [], registry: REGISTRY });
  expect(plan.id).toMatch(/^0123abcd[0-9a-f]{8}$/);
  expect({
    ...plan,
    id: plan.run,
    steps: plan.steps.map(({ does, command }) => ({ does, name: command?.name })),
  }).toMatchInlineSnapshot(`
    {
      "basis": "the host, the configuration",
      "consistency": "crash-skewed",
      "estimate": {
        "bytesOnVolumes": 300000000,
      },
      "host": "db1",
      "id": "0123abcd",
      "kind": "backup",
      "paths": [
        "/srv/files",
        "/srv/files/db/data",
      ],
      "repository": "main",
      "risks": [
        "vg0/files has a snapshot already; each one slows its writes.",
        "vg0/mysql has a snapshot already; each one slows its writes.",
      ],
      "rollback": "What is made on the host goes with the run, whatever happens to it. A restore point is removed with "forget".",
      "run": "0123abcd",
      "snapshots": [
        {
          "freeBytesAfter": 4018143232,
          "mountpoint": "/srv/files",
          "sizeBytes": 1086324736,
          "snapshot": "sp_0123abcd_df6e23a1",
          "volume": "vg0/files",
          "volumeId": "lvm:5jNQA0-XiAS-4Y4L-NT0W-RlTj-HE2f-rfNCfQ",
        },
        {
          "freeBytesAfter": 2931818496,
          "mountpoint": "/var/lib/mysql",
          "sizeBytes": 1086324736,
          "snapshot": "sp_0123abcd_da2a5281",
          "volume": "vg0/mysql",
          "volumeId": "lvm:ndREf0-LblF-5Ieu-Eler-En1j-mItN-20No0b",
        },
      ],
      "source": "files",
      "steps": [
        {
          "does": [
            "look for what earlier runs left, and remove it",
          ],
          "name": "sweep-host",
        },
        {
          "does": [
            "start a watchman, /run/stillpoint/0123abcd/watch.sh, who takes everything back when nothing is heard of us for 600 s",
          ],
          "name": "arm-lease",
        },
        {
          "does": [
            "lvcreate -y -s -n sp_0123abcd_df6e23a1 -l 259 --monitor n --addtag stillpoint --addtag sp.run=0123abcd --addtag sp.owner=00112233aabb vg0/files",
            "lvcreate -y -s -n sp_0123abcd_da2a5281 -l 259 --monitor n --addtag stillpoint --addtag sp.run=0123abcd --addtag sp.owner=00112233aabb vg0/mysql",
          ],
          "name": "take-snapshots",
        },
        {
          "does": [
            "mount -t xfs -o ro,nosuid,nodev,noexec,noatime,nouuid /dev/mapper/vg0-sp_0123abcd_df6e23a1 /run/stillpoint/0123abcd/mnt/0",
            "mount -t ext4 -o ro,nosuid,nodev,noexec,noatime /dev/mapper/vg0-sp_0123abcd_da2a5281 /run/stillpoint/0123abcd/mnt/1",
          ],
          "name": "mount-snapshots",
        },
        {
          "does": [
            "lvremove -y vg0/sp_0123abcd_df6e23a1",
            "lvremove -y vg0/sp_0123abcd_da2a5281",
            "remove /run/stillpoint/0123abcd and end the watchman",
          ],
          "name": "release-lease",
        },
      ],
    }
  `);
});
