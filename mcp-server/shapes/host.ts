/** Hosts and what they are made of, as answers. */
import { z } from 'zod';
import type { HostInventory, HostSummary, Volume } from '../../shared/domain/host.ts';
import { CutLists, omittedShape } from '../cut-lists.ts';
import { foreign, foreignText } from '../foreign-text.ts';
import { ANSWER_BYTES } from '../limits.ts';

export const hostShape = z.strictObject({
  host: z.string().describe('Name of the host; other tools take it as host.'),
  origin: z
    .enum(['configuration', 'ssh-config'])
    .describe('Written in the configuration, or only found in the SSH configuration.'),
  sources: z.array(z.string()).describe('Sources on this host; plan_backup and start_backup take them.'),
});

export function hostOf(summary: HostSummary): z.input<typeof hostShape> {
  return { host: summary.name, origin: summary.origin, sources: [...summary.sources] };
}

const volumeShape = z.strictObject({
  label: foreignText('Name of the volume.'),
  kind: z.string().describe('What it is on: plain, network, pseudo, overlay, fuse, or the kind of its storage.'),
  mountpoints: z.array(foreignText('A folder where it is mounted.')),
  fsType: foreignText('Type of the file system.'),
  sizeBytes: z.int().nullable().describe('Size, in bytes; null if unknown.'),
  usedBytes: z.int().nullable().describe('Used, in bytes; null if unknown.'),
  snapshotBy: z.string().nullable().describe('How a snapshot would be made; null if none is possible.'),
  whyNot: foreignText('Why no snapshot is possible and what would make one possible.').nullable(),
  omitted: omittedShape,
});

const poolShape = z.strictObject({
  name: foreignText('Its name.'),
  kind: z.string().describe('What it is.'),
  sizeBytes: z.int().describe('Size, in bytes.'),
  freeBytes: z.int().describe('Free for snapshots, in bytes.'),
});

export const inventoryShape = z.strictObject({
  host: z.string().describe('Name of the host.'),
  system: foreignText('Kernel and distribution.'),
  volumes: z.array(volumeShape).describe('Mounted volumes.'),
  pools: z.array(poolShape).describe('Where snapshots take their room.'),
  warnings: z.array(foreignText('What a person should know before a first backup.')),
  omitted: omittedShape,
});

export function inventoryOf(inventory: HostInventory): z.input<typeof inventoryShape> {
  const lists = new CutLists();
  const most = Number.POSITIVE_INFINITY;
  return {
    host: inventory.host,
    system: foreign(inventory.system),
    volumes: lists.cut('volumes', inventory.volumes.map(volumeOf), { most, bytes: ANSWER_BYTES / 2 }),
    pools: lists.cut('pools', inventory.pools).map((pool) => ({
      name: foreign(pool.name),
      kind: pool.kindWords,
      sizeBytes: pool.sizeBytes,
      freeBytes: pool.freeBytes,
    })),
    warnings: lists.cut('warnings', inventory.warnings.map(foreign), { bytes: ANSWER_BYTES / 4 }),
    omitted: lists.omitted,
  };
}

function volumeOf(volume: Volume): z.input<typeof volumeShape> {
  const { snapshot } = volume;
  const lists = new CutLists();
  return {
    label: foreign(volume.label),
    kind: volume.kind,
    mountpoints: lists.cut('mountpoints', volume.mountpoints).map(foreign),
    fsType: foreign(volume.fsType),
    sizeBytes: volume.sizeBytes ?? null,
    usedBytes: volume.usedBytes ?? null,
    snapshotBy: snapshot.possible ? snapshot.provider : null,
    whyNot: snapshot.possible ? null : foreign(`${snapshot.reason}. ${snapshot.remedy}`),
    omitted: lists.omitted,
  };
}
