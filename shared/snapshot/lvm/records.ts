/**
 * What `lvs` and `vgs` report, as records. All values of LVM's JSON are strings; with `--binary`, yes/no columns are
 * "1", "0" or "-1" for "cannot tell", which counts as no good answer. The field lists are explicit because a bare
 * `lvs -o +…` differs from host to host.
 */
import { z } from 'zod';
import { type RemoteScript, unreadableOutput } from '../../remote/command.ts';

export const LV_FIELDS = [
  'vg_name',
  'vg_uuid',
  'lv_name',
  'lv_uuid',
  'lv_attr',
  'lv_size',
  'lv_role',
  'segtype',
  'origin',
  'pool_lv',
  'chunk_size',
  'lv_active',
  'lv_kernel_major',
  'lv_kernel_minor',
  'lv_tags',
] as const;

export const VG_FIELDS = [
  'vg_name',
  'vg_uuid',
  'vg_attr',
  'vg_size',
  'vg_extent_size',
  'vg_free_count',
  'vg_tags',
] as const;

/** What no plan needs, and an administrator has to see to. */
export const UPKEEP_FIELDS = ['lv_uuid', 'data_percent', 'seg_monitor', 'lv_profile'] as const;

const count = z.string().regex(/^\d+$/).transform(Number);
const flag = z.enum(['1', '0', '-1']).transform((text) => text === '1');
const minor = z
  .string()
  .regex(/^-?\d+$/)
  .transform(Number);

const tags = z.string().transform((text) => (text === '' ? [] : text.split(',')));

const logicalVolume = z.object({
  vg_name: z.string().min(1),
  vg_uuid: z.string().min(1),
  lv_name: z.string().min(1),
  lv_uuid: z.string().min(1),
  lv_attr: z.string().min(9),
  lv_size: count,
  lv_role: z.string(),
  segtype: z.string(),
  origin: z.string(),
  pool_lv: z.string(),
  /** Of a thin pool: bytes of one block of its data. */
  chunk_size: z.union([count, z.literal('').transform(() => 0)]),
  lv_active: z.union([flag, z.string().transform((text) => text === 'active')]),
  lv_kernel_major: minor,
  lv_kernel_minor: minor,
  lv_tags: tags,
});

const volumeGroup = z.object({
  vg_name: z.string().min(1),
  vg_uuid: z.string().min(1),
  vg_attr: z.string().min(6),
  vg_size: count,
  vg_extent_size: count,
  vg_free_count: count,
  vg_tags: tags,
});

const upkeep = z.object({
  lv_uuid: z.string().min(1),
  /** How full a snapshot or a pool is. */
  data_percent: z
    .string()
    .regex(/^(\d+(\.\d+)?)?$/)
    .transform((text) => (text === '' ? undefined : Number(text))),
  /** Whether dmeventd watches it; other versions print it as a flag. */
  seg_monitor: z
    .enum(['monitored', 'not monitored', '', '1', '0', '-1'])
    .transform((text) => text === 'monitored' || text === '1'),
  lv_profile: z.string(),
});

export type LogicalVolumeRecord = z.infer<typeof logicalVolume>;
export type VolumeGroupRecord = z.infer<typeof volumeGroup>;
export type UpkeepRecord = z.infer<typeof upkeep>;

/** Whether a volume takes its room from a thin pool. */
export const isThin = ({ segtype }: LogicalVolumeRecord): boolean => segtype.split(',').includes('thin');

const lvReport = z.object({ report: z.array(z.object({ lv: z.array(logicalVolume) })) });
const vgReport = z.object({ report: z.array(z.object({ vg: z.array(volumeGroup) })) });

/** One record per logical volume; a volume of several segments is reported once per segment, and has all their types. */
export function parseLogicalVolumes(stdout: Buffer, command: RemoteScript): readonly LogicalVolumeRecord[] {
  const rows = parseReport(lvReport, stdout, command).report.flatMap((part) => part.lv);
  return [...Map.groupBy(rows, (row) => row.lv_uuid).values()].flatMap((segments) => {
    const [first] = segments;
    const segtype = [...new Set(segments.map((row) => row.segtype))].join(',');
    return first === undefined ? [] : [{ ...first, segtype }];
  });
}

export function parseVolumeGroups(stdout: Buffer, command: RemoteScript): readonly VolumeGroupRecord[] {
  return parseReport(vgReport, stdout, command).report.flatMap((part) => part.vg);
}

const upkeepReport = z.object({ report: z.array(z.object({ lv: z.array(upkeep) })) });

export function parseUpkeep(stdout: Buffer, command: RemoteScript): readonly UpkeepRecord[] {
  return parseReport(upkeepReport, stdout, command).report.flatMap((part) => part.lv);
}

function parseReport<T>(schema: z.ZodType<T>, stdout: Buffer, command: RemoteScript): T {
  const text = stdout.toString('utf8');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw unreadableOutput(command, 'it is not JSON', text);
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw unreadableOutput(command, z.prettifyError(result.error), text);
}
