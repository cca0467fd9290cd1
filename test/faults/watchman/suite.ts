/**
 * The scripts of a lease with an LVM of paper that fails on demand, under each shell that a host may have: whatever
 * goes wrong, what is ours goes away in the end, and nothing else is touched. Each shell has a file of its own, because
 * most of this is waiting for leases to end, which three can do at the same time.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { newRunId, type RunId } from '../../../shared/domain/names.ts';
import { listTree, parseListing } from '../../../shared/pipeline/backup/listing.ts';
import { lookForTraces, releaseLease, renewLease, sweepHost } from '../../../shared/snapshot/host/commands.ts';
import { whyNoNamespaceHost } from '../../support/snapshot/namespace-host.ts';
import { aUuid, eventually, hasShell, type PaperHost, type Shell } from '../../support/snapshot/paper-lvm.ts';
import { other, owner, type PaperRun, paperRun, scripts } from './paper-run.ts';
import { judgeThreats } from './threats.ts';
import { judgeTurns } from './turns.ts';
import { judgeVolumes } from './volumes.ts';

const noHost = await whyNoNamespaceHost();

export function watchmanSuite(shell: Shell): void {
  const whyNot = hasShell(shell) ? noHost : `there is no ${shell} on this machine`;
  describe(`the watchman under ${shell}`, () => {
    const lab = paperRun(shell, whyNot);
    judgeWatchman(lab);
    judgeVolumes(lab);
    judgeThreats(lab);
    judgeTurns(lab);
  });
}

function judgeWatchman(lab: PaperRun): void {
  const { folder, ourTags, create, arm, exists, gone, startReader, lives, processes } = lab;
  let paper: PaperHost;
  let run: RunId;
  beforeEach(() => {
    paper = lab.paper();
    run = lab.run();
  });

  test('leaves nothing after a release: no folder, no snapshot, no process', async () => {
    await arm(60, 2);
    expect(await paper.sh(`cd ${folder()}; ls; ls -A mnt/*`)).toBe(
      'boot\nexpires\nformat\nkeeper\nmnt\nowner\nplanned\nsnapshots\nwatch\nwatch.sh\nwho\nmnt/0:\nnot-mounted\n\nmnt/1:\nnot-mounted',
    );
    await create();
    await startReader();
    const result = await paper.host.run(releaseLease(scripts, run, owner), never);
    expect(result).toEqual({ removed: [`vg0/sp_${run}_11111111`], kept: [] });
    expect(await exists('/run/stillpoint')).toBe(false);
    expect(await paper.volumes()).toEqual([]);
    await eventually(async () => (await processes()) === '', 'watchman, keeper and reader have ended');
    expect((await paper.host.run(releaseLease(scripts, run, owner), never)).removed).toEqual([]);
  });

  test('removes everything by itself when nobody renews, one object a command', async () => {
    await arm(2);
    await create();
    const reader = await startReader();
    await gone();
    expect(await lives(reader)).toBe(false);
    expect(await paper.volumes()).toEqual([]);
    const removals = (await paper.changes()).filter((line) => line.startsWith('lvremove'));
    expect(removals).toEqual([expect.stringMatching(`-y -S .* vg0/sp_${run}_11111111$`) as unknown]);
    expect(await paper.host.run(renewLease(run, 60), never)).toMatchObject({ state: 'gone' });
  });

  test('is put off by a renewal', async () => {
    await arm(30);
    const before = Number(await paper.sh(`cat ${folder()}/expires`));
    expect(await paper.host.run(renewLease(run, 3000), never)).toEqual({
      state: 'alive',
      peaks: [],
      shares: [],
      uptimeSeconds: expect.any(Number) as unknown,
      full: [],
      gone: [],
      threat: undefined,
    });
    expect(Number(await paper.sh(`cat ${folder()}/expires`))).toBeGreaterThanOrEqual(before + 2970);
  });

  test('is put off by renewals that overtake each other, and never brought forward', async () => {
    await arm(60);
    const together = Array.from({ length: 8 }, () => paper.host.run(renewLease(run, 3000), never));
    expect((await Promise.all(together)).map(({ state }) => state)).toEqual(together.map(() => 'alive'));
    expect((await paper.host.run(renewLease(run, 30), never)).state).toBe('alive');
    const up = Number.parseFloat(await paper.sh('cat /proc/uptime'));
    expect(Number(await paper.sh(`cat ${folder()}/expires`)) - up).toBeGreaterThan(2900);
    expect(await paper.sh(`ls ${folder()}`)).not.toContain('.new');
  });

  test('is not renewed once somebody has begun to remove the run', async () => {
    await arm(60);
    await paper.sh(`: > ${folder()}/ended`);
    expect(await paper.host.run(renewLease(run, 3000), never)).toMatchObject({ state: 'gone' });
    await gone();
  });

  test('takes an expiry that is no number for an end', async () => {
    await arm(60);
    await create();
    await paper.sh(`printf '12\\n;x' > ${folder()}/expires; echo 'soon $(reboot)' > ${folder()}/expires`);
    expect(await paper.host.run(renewLease(run, 60), never)).toMatchObject({ state: 'gone' });
    await gone();
    expect(await paper.volumes()).toEqual([]);
  });

  test('tries again when lvremove fails, and goes on after a release that could not', async () => {
    await arm(600);
    await create();
    await paper.fail('lvremove', 1000);
    const result = await paper.host.run(releaseLease(scripts, run, owner), never);
    expect(result.removed).toEqual([]);
    expect(result.kept.map(({ object }) => object)).toEqual([`vg0/sp_${run}_11111111`, folder()]);
    await paper.fail('lvremove', 0);
    await gone();
    expect(await paper.volumes()).toEqual([]);
  });

  test('kills no process that has got the number of a keeper that died', async () => {
    await arm(600);
    const reader = await startReader();
    const foreign = await paper.sh('setsid sleep 5353 </dev/null >/dev/null 2>&1 & echo $!');
    await paper.sh(`read -r pid ns < ${folder()}/keeper; kill -KILL $pid; echo "${foreign} $ns" > ${folder()}/keeper`);
    await paper.host.run(releaseLease(scripts, run, owner), never);
    expect([await lives(reader), await lives(foreign)]).toEqual([false, true]);
    await paper.sh(`kill ${foreign}`);
  });

  test('kills no process of a namespace that has none of our mounts', async () => {
    await arm(600);
    const foreign = await paper.sh('setsid unshare -m sleep 5454 </dev/null >/dev/null 2>&1 & echo $!');
    await eventually(
      async () =>
        (await paper.sh(`readlink /proc/${foreign}/ns/mnt; readlink /proc/1/ns/mnt`)).split('\n').length === 2,
      'the foreign process has its namespace',
    );
    await paper.sh(`read -r pid ns < ${folder()}/keeper; kill -KILL $pid
echo "$pid $(readlink /proc/${foreign}/ns/mnt)" > ${folder()}/keeper`);
    await paper.host.run(releaseLease(scripts, run, owner), never);
    expect(await lives(foreign)).toBe(true);
    await paper.sh(`kill ${foreign}`);
  });

  test.each([
    ['0 2097152 snapshot Invalid', 'full'],
    ['0 2097152 snapshot Overflow', 'full'],
    ['0 2097152 snapshot Merge failed', 'full'],
    ['', 'gone'],
    ['0 9 striped 2 a', 'gone'],
  ])('stops the readers of a snapshot whose status is "%s", and tells the next renewal', async (status, why) => {
    await arm(20);
    await create();
    const reader = await startReader();
    await paper.put({ name: `sp_${run}_11111111`, tags: ourTags(), uuid: aUuid('x'), status });
    await eventually(async () => !(await lives(reader)), 'the reader is stopped');
    const state = await paper.host.run(renewLease(run, 20), never);
    expect(state).toMatchObject({ state: 'alive', [why]: [`vg0/sp_${run}_11111111`] });
    expect(await paper.volumes()).toHaveLength(1);
  });

  test('is missed by the next renewal when it was killed, and the sweep does its work', async () => {
    await arm(600);
    await create();
    const reader = await startReader();
    // Who was killed is there until the kernel has come to it.
    await paper.sh(
      `read -r watch < ${folder()}/watch; kill -KILL "$watch"; while [ -n "$(tr -d '\\000' 2>/dev/null < "/proc/$watch/cmdline")" ]; do sleep 0.05; done 2>/dev/null`,
    );
    expect(await paper.host.run(renewLease(run, 600), never)).toMatchObject({ state: 'unwatched' });
    expect((await paper.host.run(sweepHost(scripts, owner), never)).kept).toEqual([
      { object: folder(), reason: 'a run is using it now' },
    ]);
    await paper.sh(`echo 1 > ${folder()}/expires`);
    const swept = await paper.host.run(sweepHost(scripts, owner), never);
    expect(swept).toEqual({ removed: [`vg0/sp_${run}_11111111`, folder()], kept: [] });
    expect(await lives(reader)).toBe(false);
  });

  test('sweeps orphans of ours and leaves the living, the foreign and those of others', async () => {
    await arm(600);
    await create();
    await paper.put({ name: 'sp_0000aaaa_11111111', tags: `sp.owner=${owner},sp.run=0000aaaa,stillpoint` });
    await paper.put({ name: 'sp_0000bbbb_11111111', tags: `sp.owner=${other},sp.run=0000bbbb,stillpoint` });
    await paper.put({ name: 'sp_0000cccc_11111111' });
    await paper.put({
      name: 'sp_0000dddd_11111111',
      tags: `sp.owner=${owner},sp.run=0000dddd,stillpoint`,
      ...{ attr: 'Vwi-a-tz-k', origin: '' },
    });
    await paper.sh(
      `mkdir /run/stillpoint/notes /run/stillpoint/0000eeee; echo ${other} > /run/stillpoint/0000eeee/owner; echo 1 > /run/stillpoint/0000eeee/expires`,
    );
    const { removed, kept } = await paper.host.run(sweepHost(scripts, owner), never);
    expect(removed).toEqual(['vg0/sp_0000aaaa_11111111']);
    expect(kept.map(({ object, reason }) => `${object}: ${reason}`).toSorted()).toEqual(
      [
        '/run/stillpoint/0000eeee: it belongs to another Stillpoint',
        `${folder()}: a run is using it now`,
        '/run/stillpoint/notes: it does not bear our mark',
        'vg0/sp_0000bbbb_11111111: it belongs to another Stillpoint',
        'vg0/sp_0000cccc_11111111: it does not bear our mark',
        'vg0/sp_0000dddd_11111111: its origin is gone, so it may be all that is left of that',
      ].toSorted(),
    );
    expect(await paper.volumes()).toHaveLength(4);
  });

  test('says beforehand what a sweep removes, and removes nothing then', async () => {
    await arm(600);
    await create();
    await paper.put({ name: 'sp_0000aaaa_11111111', tags: `sp.owner=${owner},sp.run=0000aaaa,stillpoint` });
    await paper.put({ name: 'sp_0000cccc_11111111' });
    // What a sweep leaves alone, of a run that has a folder and of one that has none
    const orphan = { tags: `sp.owner=${owner},sp.run=0000dddd,stillpoint` };
    await paper.put({ name: 'sp_0000dddd_11111111', ...orphan, attr: 'Vwi-a-tz-k', origin: '' });
    await paper.put({ name: 'sp_0000dddd_22222222', ...orphan, attr: 'Swi-a-s---' });
    await paper.put({ name: `sp_${run}_33333333`, tags: ourTags(), attr: 'Swi-a-s---' });
    for (const dead of [[], [run]]) {
      const before = await paper.volumes();
      const foreseen = await paper.host.run(lookForTraces(scripts, owner, dead), never);
      expect(await paper.volumes()).toEqual(before);
      expect(await exists(folder())).toBe(true);
      const swept = await paper.host.run(sweepHost(scripts, owner, dead), never);
      expect({ ...foreseen, removed: foreseen.removed.toSorted() }).toEqual({
        ...swept,
        removed: swept.removed.toSorted(),
      });
      expect(swept.kept.length).toBeGreaterThan(2);
    }
    expect(await exists(folder())).toBe(false);
  });

  test('removes a run whose process is known to be dead, though its lease still runs', async () => {
    await arm(600);
    await create();
    const reader = await startReader();
    expect(await paper.host.run(sweepHost(scripts, other, [run]), never)).toMatchObject({ removed: [] });
    expect(await paper.host.run(sweepHost(scripts, owner, [newRunId()]), never)).toMatchObject({ removed: [] });
    const swept = await paper.host.run(sweepHost(scripts, owner, [newRunId(), run]), never);
    expect(swept).toEqual({ removed: [`vg0/sp_${run}_11111111`, folder()], kept: [] });
    expect(await lives(reader)).toBe(false);
    expect(await paper.volumes()).toEqual([]);
  });

  test('removes half an arming of a run that is known to be dead', async () => {
    await paper.sh(`mkdir -p ${folder()}`);
    await expect(arm(600)).rejects.toMatchObject({ details: { exitCode: 71 } });
    await paper.sh(`rmdir ${folder()}`);
    expect(await paper.host.run(sweepHost(scripts, owner), never)).toEqual({ removed: [], kept: [] });
    const swept = await paper.host.run(sweepHost(scripts, owner, [run]), never);
    expect(swept).toEqual({ removed: [`/run/stillpoint/.${run}`], kept: [] });
  });

  test('is not believed after a restart, also where /run outlives one', async () => {
    await arm(600);
    await paper.sh(
      `kill -KILL "$(cat ${folder()}/watch)"; echo 11111111-2222-3333-4444-555555555555 > ${folder()}/boot`,
    );
    expect((await paper.host.run(sweepHost(scripts, owner), never)).removed).toEqual([folder()]);
  });

  test('never shows a run folder that is half made', async () => {
    await paper.sh(`mkdir -p ${folder()}`);
    await expect(arm(60)).rejects.toMatchObject({ details: { exitCode: 71 } });
    await paper.sh(`rmdir ${folder()}`);
    expect(await paper.sh('ls -A /run/stillpoint')).toBe(`.${run}`);
    expect(await paper.host.run(sweepHost(scripts, owner), never)).toEqual({ removed: [], kept: [] });
    await paper.sh(`echo 1 > /run/stillpoint/.${run}/expires`);
    expect(await paper.host.run(sweepHost(scripts, other), never)).toEqual({ removed: [], kept: [] });
    expect((await paper.host.run(sweepHost(scripts, owner), never)).removed).toEqual([`/run/stillpoint/.${run}`]);
    expect(await exists('/run/stillpoint')).toBe(false);
    await paper.sh(`mkdir -p ${folder()}`);
    await expect(arm(60)).rejects.toMatchObject({ details: { exitCode: 71 } });
    await paper.sh(`rmdir ${folder()}`);
    await paper.host.run(releaseLease(scripts, run, owner), never);
    expect(await exists('/run/stillpoint')).toBe(false);
  });

  test.for([
    ['a file', ': > /run/stillpoint'],
    ['a link to a folder', 'mkdir -p /run/elsewhere && ln -s /run/elsewhere /run/stillpoint'],
    ['a link to nothing', 'ln -s /run/nowhere /run/stillpoint'],
    ['a folder in which everybody can write', 'mkdir /run/stillpoint && chmod 777 /run/stillpoint'],
    ['a folder in which a group can write', 'mkdir /run/stillpoint && chmod 770 /run/stillpoint'],
    ['a folder that is sticky', 'mkdir /run/stillpoint && chmod 1777 /run/stillpoint'],
  ])('puts nothing into %s, and touches nothing in it', async ([, make]) => {
    await paper.sh(`rm -rf /run/stillpoint; ${make}`);
    await expect(arm(60)).rejects.toMatchObject({ details: { exitCode: 73 } });
    expect(await paper.sh('find /run/stillpoint/ /run/elsewhere -mindepth 1 2>/dev/null || :')).toBe('');
    // What an attacker prepared there: a run of ours that has ended, and a link where we would write.
    await paper.sh(`mkdir -p ${folder()} 2>/dev/null && echo precious > /run/victim && echo ${owner} > ${folder()}/owner &&
echo 1 > ${folder()}/expires && ln -s /run/victim ${folder()}/ended || :`);
    expect(await paper.host.run(sweepHost(scripts, owner), never)).toEqual({
      removed: [],
      kept: [{ object: '/run/stillpoint', reason: expect.stringContaining('root alone can write') as string }],
    });
    expect(await paper.sh('cat /run/victim 2>/dev/null || echo precious')).toBe('precious');
    await paper.sh('rm -rf /run/stillpoint /run/elsewhere /run/nowhere /run/victim');
  });

  test('lists what is in the snapshot, and follows no link out of it', async () => {
    await arm(60);
    const base = `${folder()}/mnt/0`;
    await startReader();
    await paper.sh(`read -r pid ns < ${folder()}/keeper
nsenter --mount=/proc/$pid/ns/mnt sh -c 'mkdir -p "$1/there/deep" && ln -s /etc "$1/etc" && ln -s ../there "$1/there/link"' sh ${base}`);
    const list = async (below: string): Promise<number> => {
      await using stream = await paper.host.stream(
        listTree({ kind: 'snapshot', run, top: base }, Buffer.from(`${base}${below}`)),
        undefined,
        never,
      );
      const entries = await Array.fromAsync(parseListing(stream.output));
      await stream.finished;
      return entries.length;
    };
    expect([await list(''), await list('/there'), await list('/there/deep')]).toEqual([5, 3, 1]);
    for (const below of ['/etc', '/etc/ssl', '/there/link/deep', '/there/../etc', '/gone/deep']) {
      await expect(list(below), below).rejects.toMatchObject({ code: 'remote.command-failed' });
    }
    await paper.host.run(releaseLease(scripts, run, owner), never);
  });

  test('lets go of what the host unmounts', async () => {
    await paper.sh('mount --make-rshared /; mkdir -p /run/disk; mount -t tmpfs removable /run/disk');
    await arm(60);
    const seen = (): Promise<string> =>
      paper.sh(`read -r pid ns < ${folder()}/keeper; grep -c removable /proc/$pid/mountinfo || :`);
    expect(await seen()).toBe('1');
    await paper.sh('umount /run/disk');
    expect(await seen()).toBe('0');
    await paper.sh('rmdir /run/disk');
    await paper.host.run(releaseLease(scripts, run, owner), never);
  });
}
