/** What an administrator has to see to in LVM: what each kind of snapshot says, and how a volume is made larger. */
import type { HostFinding } from '../../domain/readiness.ts';
import type { DetectedVolume, StorageUpkeep } from '../provider.ts';
import type { Origin } from './plan.ts';
import { isThin } from './records.ts';
import { roundUp } from './sizing.ts';
import type { LvmFacts } from './survey.ts';
import { readUpkeep, type UpkeepSettings } from './upkeep-settings.ts';

/** What thick and thin snapshots each have to say. */
export interface UpkeepKind {
  /** What a snapshot of it can take until it is full, or has to go. */
  roomOf(origin: Origin, detected: DetectedVolume): number | undefined;
  /** Lines that give it so many bytes more. */
  moreRoom(origin: Origin, bytes: number): readonly string[];
  findings(facts: LvmFacts, settings: UpkeepSettings): readonly HostFinding[];
}

/** The file systems that `lvextend --resizefs` makes larger while they are mounted. */
const GROWING = new Set(['ext2', 'ext3', 'ext4', 'xfs']);

export function lvmUpkeep(
  kind: UpkeepKind,
  facts: LvmFacts,
  originOf: (volume: DetectedVolume) => Origin | undefined,
): StorageUpkeep {
  return {
    findings: async (host, signal) =>
      facts.volumes.length === 0 ? [] : kind.findings(facts, await host.run(readUpkeep, signal)),
    roomFor: (detected) => {
      const origin = originOf(detected);
      return origin && kind.roomOf(origin, detected);
    },
    moreRoom: (detected, bytes) => {
      const origin = originOf(detected);
      return origin === undefined ? [] : kind.moreRoom(origin, bytes);
    },
    enlarge: (detected, bytes) => {
      const origin = originOf(detected);
      if (origin === undefined || isThin(origin.volume) || !GROWING.has(detected.volume.fsType)) return [];
      const { volume, group } = origin;
      const more = roundUp(bytes, group.vg_extent_size);
      // Half of what is free stays for snapshots.
      if (more > (group.vg_free_count * group.vg_extent_size) / 2) return [];
      return [`lvextend --resizefs -L +${more / (1024 * 1024)}m ${volume.vg_name}/${volume.lv_name}`];
    },
  };
}
