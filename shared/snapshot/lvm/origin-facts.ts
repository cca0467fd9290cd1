/** What decides whether a logical volume can be an origin, and why one cannot. */
import type { Mount } from '../../domain/host.ts';
import type { LvmLimits } from './limits.ts';
import type { LogicalVolumeRecord, VolumeGroupRecord } from './records.ts';
import type { Pools } from './thin/pool-status.ts';

export interface OriginFacts {
  readonly volume: LogicalVolumeRecord;
  /** All volumes of the host, hidden ones too. */
  readonly volumes: readonly LogicalVolumeRecord[];
  readonly group: VolumeGroupRecord | undefined;
  readonly limits: LvmLimits;
  readonly pools: Pools;
  /** Of the file system in it; undefined where there is none that is mounted. */
  readonly mount: Pick<Mount, 'fsType' | 'superOptions'> | undefined;
  /** Whether the superblock of an ext file system says that its journal is on another device. */
  readonly hasExternalJournal: boolean;
}

/** Undefined where nothing stands in the way. */
export type Refusal = readonly [reason: string, remedy: string] | undefined;

export const labelOf = (volume: LogicalVolumeRecord): string => `${volume.vg_name}/${volume.lv_name}`;
