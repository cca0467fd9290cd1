/**
 * The real programs of LVM under settings that an administrator may have: however its reports are made to look, what is
 * there is seen and what is ours is removed.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { ownerId, runId } from '../../../shared/domain/names.ts';
import { releaseLease, sweepHost } from '../../../shared/snapshot/host/commands.ts';
import { FORMAT } from '../../../shared/snapshot/host/run-folder.ts';
import { listLogicalVolumes, listVolumeGroups } from '../../../shared/snapshot/lvm/list.ts';
import { REGISTRY } from '../../../shared/snapshot/registry.ts';
import { needing } from '../../support/needing.ts';
import { type MetadataLvm, startMetadataLvm, whyNoMetadataLvm } from '../../support/snapshot/metadata-lvm.ts';

const { scripts } = REGISTRY;
/** Of nobody else: these volumes lie on loop devices, which a sweep of another test on this machine may see. */
const owner = ownerId('b1a5ed0b5e55');
const [run, other] = [runId('0123abcd'), runId('89abcdef')];
const whyNot = await whyNoMetadataLvm();

const HOSTILE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'reports in JSON': { report: 'output_format="json"' },
  'reports in JSON of another kind': { report: 'output_format="json_std"', global: 'units="h" suffix=1' },
  'reports for shells, in columns': {
    report: 'prefixes=1 quoted=1 headings=2 columns_as_rows=1 aligned=1 separator="#"',
  },
  'compact reports': {
    report: 'compact_output=1 compact_output_cols="lv_tags,lv_uuid" list_item_separator=";" mark_hidden_devices=1',
    global: 'lvdisplay_shows_full_device_path=1 si_unit_consistency=0',
  },
  'much talk': { log: 'verbose=3 level=7 indent=1 command_names=1 prefix="LVM: " silent=0 report_command_log=1' },
  'a log among its reports': {
    log: 'report_command_log=1 command_log_selection="all" command_log_cols="log_seq_num"',
    report: 'output_format="json" buffered=0',
  },
  'other columns in another order': {
    report:
      'time_format="%c|%x" lvs_sort="-lv_size" vgs_sort="-vg_size" lvs_cols="lv_name" vgs_cols="vg_name" binary_values_as_numeric=1 two_word_unknown_device=1',
  },
};

describe('a host whose lvm.conf', needing(whyNot), () => {
  let lvm: MetadataLvm;
  const [first, second, third] = [`sp_${run}_11111111`, `sp_${run}_22222222`, `sp_${other}_11111111`];
  const foreign = `sp_${other}_22222222`;
  beforeAll(async () => {
    lvm = await startMetadataLvm(['hv-0', 'hv1']);
    await lvm.sh('lvcreate -qq -y -an -n data -l 8 hv-0 2>/dev/null; lvcreate -qq -y -an -n data -l 8 hv1 2>/dev/null');
    const make = async (group: string, name: string, ...tags: string[]): Promise<void> => {
      const flags = tags.map((tag) => `--addtag ${tag}`).join(' ');
      await lvm.sh(`lvcreate -qq -y -an -n ${name} -l 1 ${flags} ${group} 2>/dev/null`);
      await lvm.makeSnapshot(group, 'data', name);
    };
    await make('hv-0', first, 'stillpoint', `sp.run=${run}`, `sp.owner=${owner}`);
    await make('hv1', second, 'stillpoint', `sp.run=${run}`, `sp.owner=${owner}`);
    await make('hv1', third, 'stillpoint', `sp.run=${other}`, `sp.owner=${owner}`);
    await make('hv1', foreign, 'theirs');
    await lvm.sh('for group in hv-0 hv1; do vgcfgbackup -qq -f "/run/$group" $group 2>/dev/null; done');
  });
  afterAll(() => lvm?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    await lvm.configure({});
    await lvm.sh(`rm -rf /run/stillpoint
for group in hv-0 hv1; do vgcfgrestore -qq --yes --force -f "/run/$group" $group; done
mkdir -p /run/stillpoint/${run}; cd /run/stillpoint/${run}; echo ${owner} > owner; echo ${FORMAT} > format; echo 9999999999 > expires
printf 'lvm hv-0/${first}\nlvm hv1/sp_${run}_33333333\n' > planned`);
  });

  const look = async (): Promise<unknown> => [
    await lvm.host.run(listLogicalVolumes, never),
    await lvm.host.run(listVolumeGroups, never),
  ];

  test.each(Object.entries(HOSTILE))('wants %s is seen as it is, and rid of what is ours', async (_name, settings) => {
    const plain = await look();
    expect(plain).toMatchObject([{ length: 6 }, { length: 2 }]);
    await lvm.configure(settings);
    expect(await look()).toEqual(plain);
    const released = await lvm.host.run(releaseLease(scripts, run, owner), never);
    expect(released).toEqual({ removed: [`hv-0/${first}`, `hv1/${second}`], kept: [] });
    expect(await lvm.host.run(sweepHost(scripts, owner), never)).toEqual({
      removed: [`hv1/${third}`],
      kept: [{ object: `hv1/${foreign}`, reason: expect.stringContaining('mark') as unknown }],
    });
    await lvm.configure({});
    expect(await lvm.volumes()).toEqual(['hv-0/data', 'hv1/data', `hv1/${foreign}`]);
  });

  test('is refused by LVM itself is not taken for one without volumes', async () => {
    await lvm.sh('rm -r /run/stillpoint');
    await lvm.configure({ config: 'checks=1 abort_on_errors=1', report: 'no_such_setting=1' });
    await expect(look()).rejects.toMatchObject({
      code: 'remote.command-failed',
      message: expect.stringContaining('configuration invalid') as unknown,
    });
    expect(await lvm.host.run(sweepHost(scripts, owner), never)).toEqual({
      removed: [],
      kept: [
        {
          object: 'the volume groups',
          reason: expect.stringMatching(/cannot be read.*configuration invalid/) as unknown,
        },
      ],
    });
    await lvm.configure({});
    expect(await lvm.volumes()).toHaveLength(6);
  });
});
