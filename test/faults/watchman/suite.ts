/**
 * The scripts of a lease with an LVM of paper that fails on demand, under each shell that a host may have: whatever
 * goes wrong, what is ours goes away in the end, and nothing else is touched. Each shell has a file of its own, because
 * most of this is waiting for leases to end, which three can do at the same time.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { newRunId, ownerId, type RunId } from '../../../shared/domain/names.ts';
import { listTree, parseListing } from '../../../shared/pipeline/backup/listing.ts';
import { armLease, releaseLease, renewLease, sweepHost } from '../../../shared/snapshot/lease/commands.ts';
import { createSnapshots, type SnapshotOrder } from '../../../shared/snapshot/lvm/create.ts';
import { whyNoNamespaceHost } from '../../support/snapshot/namespace-host.ts';
import {
  aUuid,
  eventually,
  hasShell,
  type PaperHost,
  type Shell,
  startPaperHost,
} from '../../support/snapshot/paper-lvm.ts';

const owner = ownerId('00112233aabb');
const other = ownerId('ffeeddccbbaa');
const noHost = await whyNoNamespaceHost();

export function watchmanSuite(shell: Shell): void {
  const whyNot = hasShell(shell) ? noHost : `there is no ${shell} on this machine`;
  describe(`the watchman under ${shell}`, () => {
    judgeWatchman(shell, whyNot);
  });
}

function judgeWatchman(shell: Shell, whyNot: string | undefined): void {
  let paper: PaperHost;
  let run: RunId;
  const folder = (): string => `/run/stillpoint/${run}`;
  const ourTags = (): string => `sp.owner=${owner},sp.run=${run},stillpoint`;
  const order = (): SnapshotOrder => ({
    group: 'vg0',
    origin: 'files',
    name: `sp_${run}_11111111`,
    extents: 64,
    reserveExtents: 100,
  });
  const arm = async (leaseSeconds: number, mounts = 1): Promise<void> => {
    await paper.host.run(armLease({ run, owner, leaseSeconds, mounts }), never);
  };
  const exists = async (path: string): Promise<boolean> => (await paper.sh(`[ ! -e '${path}' ] || echo yes`)) === 'yes';
  const gone = (): Promise<void> => eventually(async () => !(await exists(folder())), 'the run is gone');
  /** A process inside the run's namespace with something mounted, as a reader has. Its pid. */
  const startReader = async (): Promise<string> => {
    const script = `read -r pid ns < ${folder()}/keeper
nsenter --mount=/proc/$pid/ns/mnt -- mount -t tmpfs reader ${folder()}/mnt/0
setsid nsenter --mount=/proc/$pid/ns/mnt -- sleep 4242 </dev/null >/dev/null 2>&1 & echo $!`;
    return await paper.sh(script);
  };
  /** A zombie is dead: nobody in this small world waits for it. */
  const lives = async (pid: string): Promise<boolean> =>
    (await paper.sh(`grep -qs '^State:.[^Z]' /proc/${pid}/status && echo yes || :`)) === 'yes';
  /** Everything but the host's own first process and the one that asks. */
  const processes = async (): Promise<string> =>
    await paper.sh(
      `for p in /proc/[0-9]*; do [ "\${p#/proc/}" = 1 ] || [ "\${p#/proc/}" = $$ ] || tr '\\0' ' ' < $p/cmdline 2>/dev/null || :; done`,
    );

  beforeAll(async () => {
    if (whyNot === undefined) paper = await startPaperHost(shell);
  });
  afterAll(async () => {
    await paper?.[Symbol.asyncDispose]();
  });
  beforeEach(async ({ skip }) => {
    skip(whyNot !== undefined, whyNot);
    await paper.reset();
    run = newRunId();
  });
  afterEach(async () => {
    if (whyNot !== undefined) return;
    const everybody =
      'for p in /proc/[0-9]*; do p=${p#/proc/}; [ $p = 1 ] || [ $p = $$ ] || kill -KILL $p 2>/dev/null || :; done';
    await paper.sh(`${everybody}; rm -rf /run/stillpoint`);
    await eventually(async () => (await processes()) === '', 'the last watchman has ended');
  });

  test('leaves nothing after a release: no folder, no snapshot, no process', async () => {
    await arm(60, 2);
    expect(await paper.sh(`cd ${folder()}; ls; ls -A mnt/*`)).toBe(
      'boot\nexpires\nkeeper\nmnt\nowner\nplanned\nsnapshots\nwatch\nwatch.sh\nmnt/0:\nnot-mounted\n\nmnt/1:\nnot-mounted',
    );
    await paper.host.run(createSnapshots(run, owner, [order()]), never);
    await startReader();
    const result = await paper.host.run(releaseLease(run, owner), never);
    expect(result).toEqual({ removed: [`vg0/sp_${run}_11111111`], kept: [] });
    expect(await exists('/run/stillpoint')).toBe(false);
    expect(await paper.volumes()).toEqual([]);
    await eventually(async () => (await processes()) === '', 'watchman, keeper and reader have ended');
    expect((await paper.host.run(releaseLease(run, owner), never)).removed).toEqual([]);
  });

  test('removes everything by itself when nobody renews, one object a command', async () => {
    await arm(2);
    await paper.host.run(createSnapshots(run, owner, [order()]), never);
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
    expect(await paper.host.run(renewLease(run, 3000), never)).toEqual({ state: 'alive', peaks: [], invalid: [] });
    expect(Number(await paper.sh(`cat ${folder()}/expires`))).toBeGreaterThanOrEqual(before + 2970);
  });

  test('takes an expiry that is no number for an end', async () => {
    await arm(60);
    await paper.host.run(createSnapshots(run, owner, [order()]), never);
    await paper.sh(`printf '12\\n;x' > ${folder()}/expires; echo 'soon $(reboot)' > ${folder()}/expires`);
    expect(await paper.host.run(renewLease(run, 60), never)).toMatchObject({ state: 'gone' });
    await gone();
    expect(await paper.volumes()).toEqual([]);
  });

  test('tries again when lvremove fails, and goes on after a release that could not', async () => {
    await arm(600);
    await paper.host.run(createSnapshots(run, owner, [order()]), never);
    await paper.fail('lvremove', 1000);
    const result = await paper.host.run(releaseLease(run, owner), never);
    expect(result.removed).toEqual([]);
    expect(result.kept.map(({ object }) => object)).toEqual([`vg0/sp_${run}_11111111`, folder()]);
    await paper.fail('lvremove', 0);
    await gone();
    expect(await paper.volumes()).toEqual([]);
  });

  test('removes what it recorded, and nothing else, where no report of LVM can be had', async () => {
    await arm(600);
    await paper.host.run(createSnapshots(run, owner, [order()]), never);
    await paper.put({ name: `sp_${run}_22222222`, tags: ourTags() });
    await paper.fail('lvs', 1000);
    const result = await paper.host.run(releaseLease(run, owner), never);
    expect(result).toEqual({ removed: [`vg0/sp_${run}_11111111`], kept: [] });
    expect(await paper.volumes()).toEqual([`vg0/sp_${run}_22222222`]);
  });

  test.each<[string, string, string]>([
    ['is foreign', 'sp.owner=ffeeddccbbaa,stillpoint', 'swi-a-s---'],
    ['is being merged', '', 'Swi-a-s---'],
    ['is no snapshot', '', 'owi-aos---'],
  ])('removes nothing unseen that %s, though it was recorded', async (_what, tags, attr) => {
    await arm(600);
    await paper.sh(`echo 'vg0 sp_${run}_11111111' > ${folder()}/planned`);
    await paper.put({ name: `sp_${run}_11111111`, tags: tags === '' ? ourTags() : tags, attr });
    await paper.fail('lvs', 1000);
    const result = await paper.host.run(releaseLease(run, owner), never);
    expect(result).toEqual({
      removed: [],
      kept: [
        { object: `vg0/sp_${run}_11111111`, reason: expect.stringContaining('cannot be read') as unknown },
        { object: folder(), reason: expect.any(String) as unknown },
      ],
    });
    expect(await paper.volumes()).toEqual([`vg0/sp_${run}_11111111`]);
  });

  test.each([
    ['fails', ''],
    ['prints JSON', `echo '{"report":[{"lv":[]}]}'; exit 0`],
    ['cuts its lines', `echo 'vg0|sp_0000aaaa_11111111|swi-a-s---|sp.owner=00112233aabb'; exit 0`],
    ['prints in another order', `echo "swi-a-s---|vg0|sp_0000aaaa_11111111|x|y"; exit 0`],
  ])('does not take a report for "nothing found" that %s', async (_how, script) => {
    await paper.put({ name: 'sp_0000aaaa_11111111', tags: `sp.owner=${owner},sp.run=0000aaaa,stillpoint` });
    if (script === '') await paper.fail('lvs', 1000);
    else await paper.before('lvs', script);
    expect(await paper.host.run(sweepHost(owner), never)).toEqual({
      removed: [],
      kept: [{ object: 'the volume groups', reason: expect.stringContaining('cannot be read') as unknown }],
    });
    expect(await paper.volumes()).toEqual(['vg0/sp_0000aaaa_11111111']);
  });

  test('makes no snapshot that it could not record', async () => {
    await arm(600);
    await paper.sh(`rm ${folder()}/planned; mkdir ${folder()}/planned`);
    await expect(paper.host.run(createSnapshots(run, owner, [order()]), never)).rejects.toMatchObject({
      details: { exitCode: 71 },
    });
    expect(await paper.changes()).toEqual([]);
    await paper.sh(`rmdir ${folder()}/planned`);
    await paper.host.run(releaseLease(run, owner), never);
  });

  test('leaves alone what is not ours, however it is called', async () => {
    await arm(600);
    await paper.host.run(createSnapshots(run, owner, [order()]), never);
    await paper.put({ name: `sp_${run}_00000001` });
    await paper.put({ name: `sp_${run}_00000002`, tags: `sp.owner=${other},sp.run=${run},stillpoint` });
    await paper.put({ name: `sp_${run}_00000003`, tags: `sp.owner=${owner},sp.run=deadbeef,stillpoint` });
    await paper.put({ name: `sp_${run}_00000004`, tags: ourTags(), attr: 'owi-aos---' });
    await paper.put({ name: `sp_${run}_00000005`, tags: ourTags(), attr: 'Swi-a-s---' });
    await paper.put({ name: `sp_${run}_00000006`, tags: ourTags() });
    await paper.put({ name: `sp_${run}_00000007`, tags: `sp.owner=${owner}x,sp.run=${run},stillpoint` });
    await paper.put({ name: 'mysql', tags: ourTags(), attr: 'owi-aos---' });
    await paper.put({ name: `copy_sp_${run}_00000008`, tags: ourTags() });
    await paper.sh(`echo 'vg0 sp_${run}_00000006 ${aUuid('somebody else')} vg0-x 100' >> ${folder()}/snapshots`);
    const kept = (await paper.volumes()).filter((name) => !name.endsWith('_11111111'));
    const result = await paper.host.run(releaseLease(run, owner), never);
    expect(result.removed).toEqual([`vg0/sp_${run}_11111111`]);
    expect(await paper.volumes()).toEqual(kept);
    const words = Object.fromEntries(result.kept.map(({ object, reason }) => [object.slice(-1), reason]));
    expect(words).toMatchObject({
      5: expect.stringContaining('merging') as unknown,
      6: expect.stringContaining('mark') as unknown,
    });
    expect(Object.keys(words)).toEqual(['1', '2', '3', '4', '5', '6', '7']);
    expect((await paper.changes()).filter((line) => line.startsWith('lvremove'))).toHaveLength(1);
  });

  test('removes a snapshot whose uuid could not be noted', async () => {
    await arm(600);
    await paper.fail('dmsetup', 1);
    await expect(paper.host.run(createSnapshots(run, owner, [order()]), never)).rejects.toMatchObject({
      details: { exitCode: 78 },
    });
    expect((await paper.host.run(releaseLease(run, owner), never)).removed).toEqual([`vg0/sp_${run}_11111111`]);
  });

  test('kills no process that has got the number of a keeper that died', async () => {
    await arm(600);
    const reader = await startReader();
    const foreign = await paper.sh('setsid sleep 5353 </dev/null >/dev/null 2>&1 & echo $!');
    await paper.sh(`read -r pid ns < ${folder()}/keeper; kill -KILL $pid; echo "${foreign} $ns" > ${folder()}/keeper`);
    await paper.host.run(releaseLease(run, owner), never);
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
    await paper.host.run(releaseLease(run, owner), never);
    expect(await lives(foreign)).toBe(true);
    await paper.sh(`kill ${foreign}`);
  });

  test.each([
    '0 2097152 snapshot Invalid',
    '0 2097152 snapshot Overflow',
    '0 2097152 snapshot Merge failed',
    '',
    '0 9 striped 2 a',
  ])('stops the readers of a snapshot whose status is "%s", and tells the next renewal', async (status) => {
    await arm(20);
    await paper.host.run(createSnapshots(run, owner, [order()]), never);
    const reader = await startReader();
    await paper.put({ name: `sp_${run}_11111111`, tags: ourTags(), uuid: aUuid('x'), status });
    await eventually(async () => !(await lives(reader)), 'the reader is stopped');
    const state = await paper.host.run(renewLease(run, 20), never);
    expect(state).toMatchObject({ state: 'alive', invalid: [`sp_${run}_11111111`] });
    expect(await paper.volumes()).toHaveLength(1);
  });

  test('grows a snapshot at 70 % by a quarter, as long as the reserve stays', async () => {
    await arm(20);
    await paper.host.run(createSnapshots(run, owner, [order()]), never);
    const file = `vg0@sp_${run}_11111111`;
    const at = (used: number): Promise<string> =>
      paper.sh(
        `cd "$(sed -n 's/^state=//p' /usr/local/sbin/lvs)/lv"; sed -i "s|^status=.*|status='0 2097152 snapshot ${used}/524288 16'|" ${file}; grep ^size= ${file}`,
      );
    await paper.setFree(116);
    expect(await at(366_000)).toBe(`size='${64 * 4_194_304}'`);
    await eventually(
      async () => (await paper.host.run(renewLease(run, 20), never)).peaks[0]?.usedBytes === 366_000 * 512,
      'the guard has seen 69 %',
    );
    expect(await paper.changes()).toHaveLength(1);
    await at(367_002);
    await eventually(
      async () => (await paper.host.run(renewLease(run, 20), never)).peaks[0]?.usedBytes === 367_002 * 512,
      'the guard has seen 70 %',
    );
    // 64 / 4 + 1 = 17 would leave 99 of the 100 that must stay.
    expect(await paper.changes()).toHaveLength(1);
    await paper.setFree(117);
    await eventually(async () => (await paper.changes()).length > 1, 'the snapshot grew');
    expect((await paper.changes())[1]).toMatch(`-y -l +17 vg0/sp_${run}_11111111`);
  });

  test('removes a snapshot that was being made while the run ended', async () => {
    await arm(600);
    await paper.before('lvcreate', `echo 0 > ${folder()}/expires`);
    await expect(paper.host.run(createSnapshots(run, owner, [order()]), never)).rejects.toMatchObject({
      code: 'remote.command-failed',
      details: { exitCode: 75 },
    });
    expect(await paper.volumes()).toEqual([]);
    await gone();
  });

  test('removes a snapshot that LVM finished after the client had given up', async () => {
    await arm(600);
    // As LVM, which blocks signals while it holds a volume group.
    await paper.before('lvcreate', "trap '' TERM; sleep 4");
    const client = new AbortController();
    const making = paper.host.run(createSnapshots(run, owner, [order()]), client.signal);
    const given = making.catch((error: unknown) => error);
    await eventually(async () => (await paper.changes()).length > 0, 'lvcreate has begun');
    client.abort(new Error('enough'));
    expect(await given).toMatchObject({ message: 'enough' });
    await paper.host.run(releaseLease(run, owner), never);
    await eventually(async () => (await processes()) === '', 'all have ended');
    expect(await paper.volumes()).toEqual([]);
  });

  test('makes no snapshot when the run has ended already', async () => {
    await expect(paper.host.run(createSnapshots(run, owner, [order()]), never)).rejects.toMatchObject({
      details: { exitCode: 75 },
    });
    expect(await paper.changes()).toEqual([]);
  });

  test('leaves the first snapshot to the release when the second fails', async () => {
    await arm(600);
    await paper.before('lvcreate', 'case $* in *_22222222*) echo "  insufficient free space" >&2; exit 5 ;; esac');
    const second = { ...order(), name: `sp_${run}_22222222` };
    await expect(paper.host.run(createSnapshots(run, owner, [order(), second]), never)).rejects.toMatchObject({
      details: { exitCode: 76, stderr: expect.stringContaining('insufficient free space') as unknown },
    });
    expect((await paper.host.run(releaseLease(run, owner), never)).removed).toEqual([`vg0/sp_${run}_11111111`]);
  });

  test('may remove twice at the same time', async () => {
    await arm(600);
    await paper.host.run(createSnapshots(run, owner, [order()]), never);
    await paper.before('lvremove', 'sleep 0.3');
    const both = await Promise.all([1, 2].map(() => paper.host.run(releaseLease(run, owner), never)));
    expect(both.flatMap(({ removed }) => removed)).toEqual([`vg0/sp_${run}_11111111`]);
    await gone();
    expect(await paper.volumes()).toEqual([]);
  });

  test('is missed by the next renewal when it was killed, and the sweep does its work', async () => {
    await arm(600);
    await paper.host.run(createSnapshots(run, owner, [order()]), never);
    const reader = await startReader();
    await paper.sh(`kill -KILL "$(cat ${folder()}/watch)"`);
    expect(await paper.host.run(renewLease(run, 600), never)).toMatchObject({ state: 'unwatched' });
    expect((await paper.host.run(sweepHost(owner), never)).kept).toEqual([
      { object: folder(), reason: 'a run is using it now' },
    ]);
    await paper.sh(`echo 1 > ${folder()}/expires`);
    const swept = await paper.host.run(sweepHost(owner), never);
    expect(swept).toEqual({ removed: [`vg0/sp_${run}_11111111`, folder()], kept: [] });
    expect(await lives(reader)).toBe(false);
  });

  test('sweeps orphans of ours and leaves the living, the foreign and those of others', async () => {
    await arm(600);
    await paper.host.run(createSnapshots(run, owner, [order()]), never);
    await paper.put({ name: 'sp_0000aaaa_11111111', tags: `sp.owner=${owner},sp.run=0000aaaa,stillpoint` });
    await paper.put({ name: 'sp_0000bbbb_11111111', tags: `sp.owner=${other},sp.run=0000bbbb,stillpoint` });
    await paper.put({ name: 'sp_0000cccc_11111111' });
    await paper.put({
      name: 'sp_0000dddd_11111111',
      tags: `sp.owner=${owner},sp.run=0000dddd,stillpoint`,
      attr: 'Vwi-a-tz--',
    });
    await paper.sh(
      `mkdir /run/stillpoint/notes /run/stillpoint/0000eeee; echo ${other} > /run/stillpoint/0000eeee/owner; echo 1 > /run/stillpoint/0000eeee/expires`,
    );
    const { removed, kept } = await paper.host.run(sweepHost(owner), never);
    expect(removed).toEqual(['vg0/sp_0000aaaa_11111111']);
    expect(kept.map(({ object, reason }) => `${object}: ${reason}`).toSorted()).toEqual(
      [
        '/run/stillpoint/0000eeee: it belongs to another Stillpoint',
        `${folder()}: a run is using it now`,
        '/run/stillpoint/notes: it does not bear our mark',
        'vg0/sp_0000bbbb_11111111: it belongs to another Stillpoint',
        'vg0/sp_0000cccc_11111111: it does not bear our mark',
        'vg0/sp_0000dddd_11111111: it does not bear our mark',
      ].toSorted(),
    );
    expect(await paper.volumes()).toHaveLength(4);
  });

  test('removes a run whose process is known to be dead, though its lease still runs', async () => {
    await arm(600);
    await paper.host.run(createSnapshots(run, owner, [order()]), never);
    const reader = await startReader();
    expect(await paper.host.run(sweepHost(other, [run]), never)).toMatchObject({ removed: [] });
    expect(await paper.host.run(sweepHost(owner, [newRunId()]), never)).toMatchObject({ removed: [] });
    const swept = await paper.host.run(sweepHost(owner, [newRunId(), run]), never);
    expect(swept).toEqual({ removed: [`vg0/sp_${run}_11111111`, folder()], kept: [] });
    expect(await lives(reader)).toBe(false);
    expect(await paper.volumes()).toEqual([]);
  });

  test('removes half an arming of a run that is known to be dead', async () => {
    await paper.sh(`mkdir -p ${folder()}`);
    await expect(arm(600)).rejects.toMatchObject({ details: { exitCode: 71 } });
    await paper.sh(`rmdir ${folder()}`);
    expect(await paper.host.run(sweepHost(owner), never)).toEqual({ removed: [], kept: [] });
    const swept = await paper.host.run(sweepHost(owner, [run]), never);
    expect(swept).toEqual({ removed: [`/run/stillpoint/.${run}`], kept: [] });
  });

  test('is not believed after a restart, also where /run outlives one', async () => {
    await arm(600);
    await paper.sh(
      `kill -KILL "$(cat ${folder()}/watch)"; echo 11111111-2222-3333-4444-555555555555 > ${folder()}/boot`,
    );
    expect((await paper.host.run(sweepHost(owner), never)).removed).toEqual([folder()]);
  });

  test('never shows a run folder that is half made', async () => {
    await paper.sh(`mkdir -p ${folder()}`);
    await expect(arm(60)).rejects.toMatchObject({ details: { exitCode: 71 } });
    await paper.sh(`rmdir ${folder()}`);
    expect(await paper.sh('ls -A /run/stillpoint')).toBe(`.${run}`);
    expect(await paper.host.run(sweepHost(owner), never)).toEqual({ removed: [], kept: [] });
    await paper.sh(`echo 1 > /run/stillpoint/.${run}/expires`);
    expect(await paper.host.run(sweepHost(other), never)).toEqual({ removed: [], kept: [] });
    expect((await paper.host.run(sweepHost(owner), never)).removed).toEqual([`/run/stillpoint/.${run}`]);
    expect(await exists('/run/stillpoint')).toBe(false);
    await paper.sh(`mkdir -p ${folder()}`);
    await expect(arm(60)).rejects.toMatchObject({ details: { exitCode: 71 } });
    await paper.sh(`rmdir ${folder()}`);
    await paper.host.run(releaseLease(run, owner), never);
    expect(await exists('/run/stillpoint')).toBe(false);
  });

  test('lists what is in the snapshot, and follows no link out of it', async () => {
    await arm(60);
    const base = `${folder()}/mnt/0`;
    await startReader();
    await paper.sh(`read -r pid ns < ${folder()}/keeper
nsenter --mount=/proc/$pid/ns/mnt sh -c 'mkdir -p "$1/there/deep" && ln -s /etc "$1/etc" && ln -s ../there "$1/there/link"' sh ${base}`);
    const list = async (below: string): Promise<number> => {
      await using stream = await paper.host.stream(listTree(run, Buffer.from(`${base}${below}`)), undefined, never);
      const entries = await Array.fromAsync(parseListing(stream.output));
      await stream.finished;
      return entries.length;
    };
    expect([await list(''), await list('/there'), await list('/there/deep')]).toEqual([5, 3, 1]);
    for (const below of ['/etc', '/etc/ssl', '/there/link/deep', '/there/../etc', '/gone/deep']) {
      await expect(list(below), below).rejects.toMatchObject({ code: 'remote.command-failed' });
    }
    await paper.host.run(releaseLease(run, owner), never);
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
    await paper.host.run(releaseLease(run, owner), never);
  });
}
