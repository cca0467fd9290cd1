/**
 * Making, growing and removing volumes where LVM fails, lies or is slow: what is ours goes away in the end, and nothing
 * else is touched.
 */
import { beforeEach, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import type { PlannedSnapshot } from '../../../shared/domain/backup-plan.ts';
import type { RunId } from '../../../shared/domain/names.ts';
import { releaseLease, renewLease, sweepHost } from '../../../shared/snapshot/host/commands.ts';
import { thickItem } from '../../../shared/snapshot/lvm/thick/item.ts';
import { mountSnapshots } from '../../../shared/snapshot/mounting.ts';
import type { DetectedVolume } from '../../../shared/snapshot/provider.ts';
import { aUuid, eventually, type PaperHost } from '../../support/snapshot/paper-lvm.ts';
import { other, owner, type PaperRun, scripts } from './paper-run.ts';

export function judgeVolumes(lab: PaperRun): void {
  const { folder, ourTags, order, create, arm, gone, processes, shell } = lab;
  let paper: PaperHost;
  let run: RunId;
  beforeEach(() => {
    paper = lab.paper();
    run = lab.run();
  });

  test('removes what it recorded, and nothing else, where no report of LVM can be had', async () => {
    await arm(600);
    await create();
    await paper.put({ name: `sp_${run}_22222222`, tags: ourTags() });
    await paper.fail('lvs', 1000);
    const result = await paper.host.run(releaseLease(scripts, run, owner), never);
    expect(result).toEqual({ removed: [`vg0/sp_${run}_11111111`], kept: [] });
    expect(await paper.volumes()).toEqual([`vg0/sp_${run}_22222222`]);
  });

  test.each<[string, string, string]>([
    ['is foreign', 'sp.owner=ffeeddccbbaa,stillpoint', 'swi-a-s---'],
    ['is being merged', '', 'Swi-a-s---'],
    ['is no snapshot', '', 'owi-aos---'],
  ])('removes nothing unseen that %s, though it was recorded', async (_what, tags, attr) => {
    await arm(600);
    await paper.sh(`echo 'lvm vg0/sp_${run}_11111111' > ${folder()}/planned`);
    await paper.put({ name: `sp_${run}_11111111`, tags: tags === '' ? ourTags() : tags, attr });
    await paper.fail('lvs', 1000);
    const result = await paper.host.run(releaseLease(scripts, run, owner), never);
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
    expect(await paper.host.run(sweepHost(scripts, owner), never)).toEqual({
      removed: [],
      kept: [{ object: 'the volume groups', reason: expect.stringContaining('cannot be read') as unknown }],
    });
    expect(await paper.volumes()).toEqual(['vg0/sp_0000aaaa_11111111']);
  });

  test('shares the room with runs that were quicker, down to what the snapshot needs', async () => {
    await arm(600);
    const tooLarge = (room: number): string =>
      `for arg do shift; set -- "$@" "$arg"; [ "$last" = -l ] && wanted=$arg; last=$arg; done; last=
[ "$wanted" -le ${room} ] || { echo '  Volume group "vg0" has insufficient free space (${room} extents): 64 required.' >&2; exit 5; }`;
    await paper.setFree(50);
    await paper.before('lvcreate', tooLarge(50));
    const [made] = await create();
    expect(made).toMatchObject({ id: `vg0/sp_${run}_11111111`, own: { sizeBytes: 25 * 4_194_304 } });
    await paper.host.run(releaseLease(scripts, run, owner), never);
    await arm(600);
    await paper.setFree(15);
    await paper.before('lvcreate', tooLarge(15));
    await expect(create()).rejects.toMatchObject({
      details: { exitCode: 76, stderr: expect.stringContaining('insufficient free space') as unknown },
    });
    await paper.host.run(releaseLease(scripts, run, owner), never);
  });

  test('waits with mounting while the origin is frozen for another run, and not for ever for anything else', async () => {
    await arm(60);
    await create();
    const refuse = (times: number, words: string): Promise<string> =>
      paper.sh(`rm -f /usr/local/sbin/mount; cat > /usr/local/sbin/mount <<'EOF'
#!/bin/sh
read -r n < /run/refusals; echo $((n - 1)) > /run/refusals
[ "$n" -le 0 ] || { echo "mount: ${words}" >&2; exit 32; }
exec ${shell === 'busybox' ? '/usr/bin/busybox mount' : '/usr/bin/mount'} "$@"
EOF
chmod 755 /usr/local/sbin/mount; echo ${times} > /run/refusals`);
    const identity = { run, owner };
    const [planned, volume] = [{} as PlannedSnapshot, {} as DetectedVolume];
    const item = thickItem({ identity, planned, volume, order: { ...order(), fsType: 'tmpfs' } });
    const mount = mountSnapshots(run, [item], scripts);
    try {
      await paper.sh(`mkdir -p /dev/mapper; : > /dev/mapper/vg0-sp_${run}_11111111`);
      await refuse(1000, 'wrong fs type, bad option, bad superblock');
      expect(await paper.host.run(mount, never)).toMatchObject({ failed: { part: 0, exitCode: 77 } });
      expect(await paper.sh('cat /run/refusals')).toBe('999');
      await refuse(3, "Can't mount, blockdev is frozen");
      expect(await paper.host.run(mount, never)).toMatchObject({ mounted: [{ path: `${folder()}/mnt/0` }] });
    } finally {
      await paper.sh(`rm -f /usr/local/sbin/mount /dev/mapper/vg0-sp_${run}_11111111`);
      if (shell === 'busybox') await paper.sh('ln -s /usr/bin/busybox /usr/local/sbin/mount');
    }
    await paper.host.run(releaseLease(scripts, run, owner), never);
  });

  test('makes no snapshot that it could not record', async () => {
    await arm(600);
    await paper.sh(`rm ${folder()}/planned; mkdir ${folder()}/planned`);
    await expect(create()).rejects.toMatchObject({
      details: { exitCode: 71 },
    });
    expect(await paper.changes()).toEqual([]);
    await paper.sh(`rmdir ${folder()}/planned`);
    await paper.host.run(releaseLease(scripts, run, owner), never);
  });

  test('leaves alone what is not ours, however it is called', async () => {
    await arm(600);
    await create();
    await paper.put({ name: `sp_${run}_00000001` });
    await paper.put({ name: `sp_${run}_00000002`, tags: `sp.owner=${other},sp.run=${run},stillpoint` });
    await paper.put({ name: `sp_${run}_00000003`, tags: `sp.owner=${owner},sp.run=deadbeef,stillpoint` });
    await paper.put({ name: `sp_${run}_00000004`, tags: ourTags(), attr: 'owi-aos---' });
    await paper.put({ name: `sp_${run}_00000005`, tags: ourTags(), attr: 'Swi-a-s---' });
    await paper.put({ name: `sp_${run}_00000006`, tags: ourTags() });
    await paper.put({ name: `sp_${run}_00000007`, tags: `sp.owner=${owner}x,sp.run=${run},stillpoint` });
    await paper.put({ name: 'mysql', tags: ourTags(), attr: 'owi-aos---' });
    await paper.put({ name: `copy_sp_${run}_00000008`, tags: ourTags() });
    await paper.sh(
      `echo 'lvm vg0/sp_${run}_00000006 ${aUuid('somebody else')} thick vg0-x 100' >> ${folder()}/snapshots`,
    );
    const kept = (await paper.volumes()).filter((name) => !name.endsWith('_11111111'));
    const result = await paper.host.run(releaseLease(scripts, run, owner), never);
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
    await expect(create()).rejects.toMatchObject({
      details: { exitCode: 78 },
    });
    expect((await paper.host.run(releaseLease(scripts, run, owner), never)).removed).toEqual([
      `vg0/sp_${run}_11111111`,
    ]);
  });

  test('grows a snapshot at 70 % by a quarter, as long as the reserve stays', async () => {
    await arm(20);
    await create();
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
    await paper.before('lvcreate', `: > ${folder()}/ended`);
    await expect(create()).rejects.toMatchObject({
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
    const making = create([order()], client.signal);
    const given = making.catch((error: unknown) => error);
    await eventually(async () => (await paper.changes()).length > 0, 'lvcreate has begun');
    client.abort(new Error('enough'));
    expect(await given).toMatchObject({ message: 'enough' });
    await paper.host.run(releaseLease(scripts, run, owner), never);
    await eventually(async () => (await processes()) === '', 'all have ended');
    expect(await paper.volumes()).toEqual([]);
  });

  test('makes no snapshot when the run has ended already', async () => {
    await expect(create()).rejects.toMatchObject({
      details: { exitCode: 75 },
    });
    expect(await paper.changes()).toEqual([]);
  });

  test('leaves the first snapshot to the release when the second fails', async () => {
    await arm(600);
    await paper.before('lvcreate', 'case $* in *_22222222*) echo "  insufficient free space" >&2; exit 5 ;; esac');
    const second = { ...order(), name: `sp_${run}_22222222` };
    await expect(create([order(), second])).rejects.toMatchObject({
      details: { exitCode: 76, stderr: expect.stringContaining('insufficient free space') as unknown },
    });
    expect((await paper.host.run(releaseLease(scripts, run, owner), never)).removed).toEqual([
      `vg0/sp_${run}_11111111`,
    ]);
  });

  test('may remove twice at the same time', async () => {
    await arm(600);
    await create();
    await paper.before('lvremove', 'sleep 0.3');
    const both = await Promise.all([1, 2].map(() => paper.host.run(releaseLease(scripts, run, owner), never)));
    expect(both.flatMap(({ removed }) => removed)).toEqual([`vg0/sp_${run}_11111111`]);
    await gone();
    expect(await paper.volumes()).toEqual([]);
  });
}
