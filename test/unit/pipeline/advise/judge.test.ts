/** From facts to what a person should see to, and to sources that would fit. */
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseConfiguration } from '../../../../shared/config/configuration.ts';
import { compileExcludes } from '../../../../shared/domain/exclude-patterns.ts';
import type { HostFinding } from '../../../../shared/domain/readiness.ts';
import { excludeOf, pathText } from '../../../../shared/pipeline/advise/exclude-path.ts';
import type { HostFacts } from '../../../../shared/pipeline/advise/facts.ts';
import { judge } from '../../../../shared/pipeline/advise.ts';
import { aMount } from '../../snapshot/fixtures.ts';
import { aStore, factsOf } from './paper-facts.ts';

const NEW = { hasHost: true, sources: new Set<string>(), repository: 'main' };
const FILES = aMount('/srv/files', { device: '254:1', fsType: 'xfs' });
const thin = aMount('/srv/thin', { device: '254:6' });

const findings = (facts: HostFacts): readonly HostFinding[] => judge(facts, NEW).findings;
const ofKind = (facts: HostFacts, kind: string): HostFinding | undefined =>
  findings(facts).find((finding) => finding.kind === kind);

test('a host where all is well has nothing to be seen to but what no snapshot can hold', () => {
  expect(findings(factsOf([FILES])).map(({ kind, object, severity }) => [kind, object, severity])).toEqual([
    ['no-snapshot', '/', 'inconsistent'],
  ]);
});

describe('rights', () => {
  const without = (may: 'unsaid' | 'no-sudo' | 'not-allowed' | 'with-password' | 'without-password', user = 'bak') =>
    ofKind(factsOf([FILES], { identity: { isRoot: false }, sudo: { user, may }, traces: undefined }), 'no-root')
      ?.remedy;

  test('that are there already are used by the configuration', () => {
    expect(without('without-password')).toMatchObject({ where: 'configuration', lines: ['"sudo": "passwordless"'] });
    expect(without('with-password')).toMatchObject({ where: 'configuration', lines: ['"sudo": "password"'] });
  });

  test('that are missing come as lines that check themselves before they count', () => {
    const lines = without('unsaid')?.lines ?? [];
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain("'bak ALL=(root) NOPASSWD: /bin/sh -s'");
    expect(lines[1]).toMatch(/^visudo -cf \S+\.new && mv /);
    expect(without('no-sudo')?.lines[0]).toBe('apt-get install sudo');
    for (const line of lines) execFileSync('sh', ['-n', '-c', line]);
  });

  test.each(['a b', '%wheel', 'ALL', 'x\ny', '#1'])('are not written for an account called %j', (user) => {
    expect(without('unsaid', user)).toMatchObject({ where: 'nowhere', lines: [] });
  });

  test('are one finding, and not one for each volume', () => {
    const facts = factsOf([FILES, thin], { identity: { isRoot: false }, sudo: { user: 'bak', may: 'unsaid' } });
    expect(findings(facts).map(({ kind }) => kind)).toEqual(['no-root']);
    expect(judge(facts, NEW).unseen).toHaveLength(2);
  });
});

test('programs that are missing come with their packages', () => {
  const finding = ofKind(
    factsOf([FILES], { identity: { missing: ['unshare', 'lvcreate', 'btrfs'] } }),
    'lacks-programs',
  );
  expect(finding).toMatchObject({ severity: 'left-out', object: 'unshare, lvcreate' });
  expect(finding?.remedy.lines).toEqual(['apt-get install util-linux lvm2']);
});

describe('a clock', () => {
  test('that is a little wrong is set from here, and one that is a day wrong stops a backup', () => {
    const near = ofKind(factsOf([], { skewMs: 600_000 }), 'clock');
    expect(near).toMatchObject({
      severity: 'advice',
      remedy: { where: 'here', lines: ['ssh db1 date -u -s "@$(date +%s)"'] },
    });
    expect(ofKind(factsOf([], { skewMs: -2 * 86_400_000 }), 'clock')?.severity).toBe('left-out');
    expect(ofKind(factsOf([], { skewMs: 1000 }), 'clock')).toBeUndefined();
  });
});

describe('file systems', () => {
  test('of which one is hidden by another', () => {
    const inner = aMount('/srv/a/b', { device: '254:1' });
    const outer = aMount('/srv/a', { device: '0:77', fsType: 'tmpfs' });
    const finding = ofKind(factsOf([inner, outer]), 'hidden');
    expect(finding).toMatchObject({ object: 'vg0/files', remedy: { where: 'host', lines: ['umount /srv/a'] } });
    const beside = aMount('/mnt/seen', { device: '254:1' });
    expect(ofKind(factsOf([inner, outer, beside]), 'hidden')).toBeUndefined();
  });

  test('that are read-only although they should not be', () => {
    const mount = { ...FILES, superOptions: ['ro'] };
    const state = (options: string[]) => ({
      ...factsOf([]).state,
      fstab: [{ target: Buffer.from('/srv/files'), options }],
    });
    expect(ofKind(factsOf([mount], { state: state(['noatime']) }), 'read-only')?.remedy.lines).toEqual([
      'mount -o remount,rw /srv/files',
    ]);
    expect(ofKind(factsOf([mount], { state: state(['ro']) }), 'read-only')).toBeUndefined();
    expect(ofKind(factsOf([mount]), 'read-only')).toBeUndefined();
  });

  test.each([
    [100, 'dangerous'],
    [98, 'dangerous'],
    [90, 'advice'],
    [89, undefined],
  ])('that are full to %d %% are %s', (percent, severity) => {
    const facts = factsOf([FILES]);
    const id = facts.survey.volumes.find(({ volume }) => volume.label === 'vg0/files')?.volume.id ?? '';
    const rooms = new Map([[id, { sizeBytes: 1e9, availableBytes: (100 - percent) * 1e7 }]]);
    const finding = ofKind({ ...facts, rooms }, 'full');
    expect(finding?.severity).toBe(severity);
    if (finding !== undefined) expect(finding.remedy.lines[0]).toMatch(/^lvextend --resizefs -L \+\d+m vg0\/files$/);
  });

  test('in memory are named where a system does not keep them so itself', () => {
    const memory = (target: string) => aMount(target, { device: '0:77', fsType: 'tmpfs' });
    expect(ofKind(factsOf([memory('/srv/scratch')]), 'in-memory')?.severity).toBe('left-out');
    for (const target of ['/run', '/run/user/0', '/tmp', '/dev/shm'])
      expect(ofKind(factsOf([memory(target)]), 'in-memory')).toBeUndefined();
  });

  test('with names that cannot be typed have no line made of them', () => {
    const over = aMount('/srv/a\nb', { device: '0:77', fsType: 'tmpfs' });
    const finding = ofKind(
      factsOf([aMount('/srv/a\nb', { device: '254:1' }), { ...over, parentId: 102 }, over]),
      'hidden',
    );
    expect(finding?.remedy ?? { where: 'nowhere', lines: [] }).toMatchObject({ where: 'nowhere', lines: [] });
  });
});

describe('room', () => {
  const busy = (costPerSecond: number): HostFacts => {
    const facts = factsOf([thin]);
    const id = facts.survey.volumes.find(({ volume }) => volume.label === 'vg0/thin')?.volume.id ?? '';
    return {
      ...facts,
      rooms: new Map([[id, { sizeBytes: 1024 ** 3, availableBytes: 0 }]]),
      rates: new Map([['254:6', { bytesPerSecond: costPerSecond, costPerSecond }]]),
    };
  };

  test('that what is written now would outgrow comes with the line that makes more', () => {
    const facts = busy(30 * 1024 ** 2);
    expect(ofKind(facts, 'written-too-fast')?.remedy.lines[0]).toMatch(/^lvextend -L \+\d+m vg0\/pool0$/);
    expect(judge(facts, NEW).room[0]?.neededBytes).toBeGreaterThan(judge(facts, NEW).room[0]?.roomBytes ?? 0);
    expect(ofKind(busy(1024), 'written-too-fast')).toBeUndefined();
  });
});

describe('stores', () => {
  test('on a volume with snapshots need nothing, and elsewhere have to stand still', () => {
    const good = factsOf([FILES], { stores: [aStore({ path: Buffer.from('/srv/files/db') })] });
    expect(findings(good).map(({ kind }) => kind)).toEqual(['no-snapshot']);
    const bad = factsOf([FILES], { stores: [aStore({ path: Buffer.from('/var/lib/mysql') })] });
    expect(ofKind(bad, 'store-without-snapshot')).toMatchObject({
      severity: 'inconsistent',
      remedy: { where: 'configuration', lines: ['"stop": ["mariadb"]'] },
    });
    const nameless = factsOf([], { stores: [aStore({ path: Buffer.from('/d[b]'), service: undefined })] });
    expect(ofKind(nameless, 'store-without-snapshot')?.remedy.lines).toEqual([String.raw`"exclude": ["/d\\[b\\]"]`]);
  });

  test('on several volumes are stopped by the source that is proposed', () => {
    const inner = aMount('/srv/files/redo', { device: '254:6' });
    const facts = factsOf([FILES, { ...inner, parentId: FILES.id }], {
      stores: [aStore({ path: Buffer.from('/srv/files') })],
    });
    expect(ofKind(facts, 'store-on-several')?.message).toContain('on 2 volumes: vg0/files, vg0/thin');
    expect(judge(facts, NEW).proposedSources[0]?.entry.stop).toEqual(['mariadb']);
  });

  test('that can be held still are, by the source that is proposed, but for those that are stopped', () => {
    const store = aStore({ path: Buffer.from('/srv/files/db'), quiesce: { of: 'mariadb' } });
    const [source] = judge(factsOf([FILES], { stores: [store] }), NEW).proposedSources;
    expect(source?.entry.quiesce).toEqual([{ of: 'mariadb' }]);
    expect(source?.why.join(' ')).toContain('is held still for the moment of the snapshots');
    const inner = aMount('/srv/files/redo', { device: '254:6' });
    const spread = factsOf([FILES, { ...inner, parentId: FILES.id }], {
      stores: [{ ...store, path: Buffer.from('/srv/files'), onHost: Buffer.from('/srv/files') }],
    });
    expect(judge(spread, NEW).proposedSources[0]?.entry).not.toHaveProperty('quiesce');
  });

  test('that only a container sees are named', () => {
    const facts = factsOf([], { stores: [aStore({ path: Buffer.from('/data'), onHost: undefined })] });
    expect(ofKind(facts, 'store-in-container')).toMatchObject({
      severity: 'left-out',
      // Also of "the volumes of Docker", which are no one that runs.
      message: expect.stringContaining(': the program runs in a view of its own') as string,
    });
    expect(judge(facts, NEW).stores).toMatchObject([{ path: undefined, volume: undefined }]);
  });
});

describe('the sources that are proposed', () => {
  const nfs = aMount('/srv/files/share', { device: '0:50', fsType: 'nfs4', parentId: FILES.id });
  const facts = factsOf([FILES, nfs], {
    stores: [
      aStore({ path: Buffer.from('/var/lib/mysql') }),
      aStore({ what: 'SQLite', path: Buffer.from('/opt/a.db'), isFile: true }),
    ],
    state: { ...factsOf([]).state, swapFiles: [Buffer.from('/swapfile')] },
  });

  test('are one for what is frozen and one for what is read live', () => {
    const [frozen, live] = judge(facts, NEW).proposedSources;
    expect(frozen).toMatchObject({ name: 'db1', entry: { paths: ['/srv/files'], exclude: ['/srv/files/share'] } });
    expect(live).toMatchObject({ name: 'db1-live', entry: { paths: ['/'], withoutSnapshot: 'read-live' } });
    expect(live?.entry.exclude).toEqual([
      ...['/srv/files', '/srv/files/share', '/var/lib/mysql', '/opt/a.db*', '/swapfile'],
      ...['/tmp/*', '/var/tmp/*', '/var/cache/*'],
    ]);
    expect(live?.why.join(' ')).toContain('"/var/lib/mysql" is left out: it is of MariaDB or MySQL');
  });

  test('have names that are free', () => {
    const taken = { ...NEW, sources: new Set(['db1', 'db1-2', 'db1-live']) };
    expect(judge(facts, taken).proposedSources.map(({ name }) => name)).toEqual(['db1-3', 'db1-live-2']);
  });

  test('come with an entry of the host where it has none', () => {
    expect(judge(facts, { ...NEW, hasHost: false }).proposedHost).toEqual({ ssh: 'db1', sudo: 'none' });
    expect(judge(facts, NEW).proposedHost).toBeUndefined();
  });

  test('are valid whatever folders are called, and what cannot be text is said', () => {
    const part = fc.uint8Array({ minLength: 1, maxLength: 6 }).map((bytes) => {
      const clean = Buffer.from(bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0x61 : byte)));
      return ['.', '..'].includes(clean.toString()) ? Buffer.from('a') : clean;
    });
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
        const mounts = parts.map((name, index) =>
          aMount('', {
            target: Buffer.concat([Buffer.from(`/m${index}/`), name]),
            ...(index % 2 === 0 ? { device: `254:${index === 0 ? 1 : 6}` } : { device: `8:${index + 20}` }),
          }),
        );
        const { proposedSources, unseen } = judge(factsOf(mounts), NEW);
        const sources = Object.fromEntries(proposedSources.map(({ name, entry }) => [name, entry]));
        const text = JSON.stringify({ repositories: { main: { location: '/srv/backup' } }, sources });
        expect(parseConfiguration(text, '/c.jsonc', '/root').sources.size).toBe(proposedSources.length);
        const unnamed = mounts.filter(({ target }) => pathText(target) === undefined);
        expect(unseen.length).toBe(unnamed.length);
      }),
    );
  });
});

test('a pattern that leaves out a path fits that path and no other', () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[a-c*?[\]\\!^-]{1,6}$/),
      fc.stringMatching(/^[a-c*?[\]\\!^-]{1,6}$/),
      (one, other) => {
        const exclude = excludeOf(Buffer.from(`/${one}`)) ?? '';
        const matcher = compileExcludes([exclude]);
        expect(matcher.matches(Buffer.from(`/${one}`))).toBe(true);
        expect(matcher.matches(Buffer.from(`/${other}`))).toBe(one === other);
      },
    ),
  );
});
