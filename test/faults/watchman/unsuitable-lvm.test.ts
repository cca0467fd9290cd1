/** What the real programs of LVM report of volumes and groups that cannot be snapshotted, and what we make of it. */
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { readLvmLimits } from '../../../shared/snapshot/lvm/limits.ts';
import { listLogicalVolumes, listVolumeGroups } from '../../../shared/snapshot/lvm/list.ts';
import { snapshotCapability } from '../../../shared/snapshot/lvm/origin.ts';
import { NO_POOLS } from '../../../shared/snapshot/lvm/thin/pool-status.ts';
import { needing } from '../../support/needing.ts';
import { type MetadataLvm, startMetadataLvm, whyNoMetadataLvm } from '../../support/snapshot/metadata-lvm.ts';

const whyNot = await whyNoMetadataLvm();

const VISIBLE = '"READ", "WRITE", "VISIBLE"';
const HIDDEN = '"READ", "WRITE"';

let volumes = 0;
const volume = (name: string, segment: string, status = HIDDEN): string => {
  volumes += 1;
  return `\n${name} {
id = "volume-0000-0000-0000-0000-0000-${String(volumes).padStart(6, '0')}"
status = [${status}]
flags = []
segment_count = 1
segment1 {
start_extent = 0
extent_count = 1
${segment}
}
}\n`;
};
const stripe = (from: string | number): string =>
  `type = "striped"\nstripe_count = 1\nstripes = [${typeof from === 'number' ? `"pv0", ${from}` : `"${from}", 0`}]`;

const STACKS = [
  volume('data', stripe(1), VISIBLE),
  volume(
    'pvmove0',
    'type = "mirror"\nmirror_count = 2\nregion_size = 1024\nmirrors = ["pv0", 2, "pv0", 3]\nextents_moved = 0',
    '"READ", "WRITE", "PVMOVE", "LOCKED"',
  ),
  volume('moving', stripe('pvmove0'), `${VISIBLE}, "LOCKED"`),
  volume('fast_cdata', stripe(4)),
  volume('fast_cmeta', stripe(5)),
  volume(
    'fast',
    'type = "cache-pool"\ndata = "fast_cdata"\nmetadata = "fast_cmeta"\ncache_mode = "writethrough"\nchunk_size = 128\npolicy = "smq"',
  ),
  volume('cached_corig', stripe(6)),
  volume('cached', 'type = "cache"\ncache_pool = "fast"\norigin = "cached_corig"', VISIBLE),
  volume('buffer', stripe(7)),
  volume('buffered_wcorig', stripe(8)),
  volume(
    'buffered',
    'type = "writecache"\nwritecache = "buffer"\norigin = "buffered_wcorig"\nwritecache_block_size = 4096',
    VISIBLE,
  ),
  ...[0, 1].flatMap((n) => [volume(`raid_rimage_${n}`, stripe(9 + n)), volume(`raid_rmeta_${n}`, stripe(11 + n))]),
  volume(
    'raid',
    'type = "raid1"\ndevice_count = 2\nregion_size = 1024\nraids = ["raid_rmeta_0", "raid_rimage_0", "raid_rmeta_1", "raid_rimage_1"]',
    VISIBLE,
  ),
];

describe('a host with real LVM', needing(whyNot), () => {
  let lvm: MetadataLvm;
  beforeAll(async () => {
    lvm = await startMetadataLvm(['un-0', 'un1']);
    await lvm.sh('lvcreate -qq -y -an -n seed -l 1 un-0 2>/dev/null; lvcreate -qq -y -an -n data -l 1 un1 2>/dev/null');
    await lvm.rewrite('un-0', (metadata) => {
      const end = metadata.lastIndexOf('\n\t}\n');
      return metadata.slice(0, end) + STACKS.join('') + metadata.slice(end);
    });
    await lvm.sh('vgcfgbackup -qq -f /run/un1 un1 2>/dev/null');
  });
  afterAll(() => lvm?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    await lvm.configure({});
    await lvm.sh('vgcfgrestore -qq --yes --force -f /run/un1 un1');
  });

  /** The reason of each volume that an administrator sees. Activation is off on this host, which is a reason too. */
  async function reasons(): Promise<Record<string, string>> {
    const [records, groups, limits] = await Promise.all([
      lvm.host.run(listLogicalVolumes, never),
      lvm.host.run(listVolumeGroups, never),
      lvm.host.run(readLvmLimits, never),
    ]);
    const visible = new Set(
      (await lvm.sh('lvs -qq --foreign -o vg_name,lv_name --noheadings --separator / 2>/dev/null'))
        .split('\n')
        .map((line) => line.trim()),
    );
    return Object.fromEntries(
      records.flatMap((record) => {
        const name = `${record.vg_name}/${record.lv_name}`;
        if (!visible.has(name)) return [];
        const group = groups.find((each) => each.vg_uuid === record.vg_uuid);
        const mount = { fsType: 'ext4', superOptions: [] };
        const answer = snapshotCapability({
          volume: record,
          volumes: records,
          group,
          limits,
          pools: NO_POOLS,
          mount,
          hasExternalJournal: false,
        });
        return [[name, answer.possible ? 'possible' : answer.reason]];
      }),
    );
  }

  test('names each kind of volume for what it is', async () => {
    const idle = expect.stringContaining('global/activation=0') as unknown;
    expect(await reasons()).toEqual({
      'un-0/seed': idle,
      'un-0/data': idle,
      'un-0/raid': idle,
      'un-0/moving': expect.stringContaining('pvmove') as unknown,
      'un-0/cached': expect.stringContaining('cached on a faster disk') as unknown,
      'un-0/buffered': expect.stringContaining('write cache') as unknown,
      'un1/data': idle,
    });
  });

  test('names a setting that makes LVM do nothing', async () => {
    await lvm.configure({ global: 'test=1', activation: 'volume_list=["un-0"]' });
    expect((await reasons())['un1/data']).toContain('global/test=1');
    expect((await lvm.host.run(readLvmLimits, never)).volumeList).toEqual(['un-0']);
  });

  test('names a group of another machine, one that is exported, and one with a disk that is visible twice', async () => {
    await lvm.rewrite('un1', (metadata) => metadata.replace('\tstatus = ', '\tsystem_id = "elsewhere"\n\tstatus = '));
    expect((await reasons())['un1/data']).toContain('another machine');
    await lvm.sh('vgcfgrestore -qq --yes --force -f /run/un1 un1');
    await lvm.sh('vgexport -qq un1 2>/dev/null');
    const groups = await lvm.host.run(listVolumeGroups, never);
    expect(groups.find((group) => group.vg_name === 'un1')?.vg_attr[2]).toBe('x');
    await lvm.sh('vgimport -qq un1 2>/dev/null');
    const image = (await execa('losetup', ['--noheadings', '-O', 'BACK-FILE', lvm.devices[1] ?? ''])).stdout.trim();
    const again = (await execa('losetup', ['--find', '--show', image])).stdout;
    try {
      await lvm.configure({
        devices: `filter=["a|.*|"] scan=["/dev"] global_filter=["a|^${lvm.devices[1]}$|","a|^${again}$|","r|.*|"]`,
      });
      expect((await reasons())['un1/data']).toContain('visible twice');
    } finally {
      await execa('losetup', ['--detach', again]);
    }
  });
});
