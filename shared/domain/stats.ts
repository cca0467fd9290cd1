/** How large what is stored is, in four ways of counting. */
import type { RepositoryName } from './names.ts';
import type { PointFilter } from './point-filter.ts';
import type { UnreadablePoint } from './unreadable-point.ts';

export const STATS_MODES = ['restore-size', 'raw-data', 'unique-files', 'by-point'] as const;
export type StatsMode = (typeof STATS_MODES)[number];

export interface StatsRequest {
  readonly repository: RepositoryName;
  readonly mode: StatsMode;
  /** Ids, starts of ids, or "latest"; none means all that fit. */
  readonly restorePoints: readonly string[];
  readonly filter: PointFilter;
}

/** What a restore of each of them would write; a file with several names counts its bytes once in a restore point. */
interface RestoreSizeStats {
  readonly mode: 'restore-size';
  readonly restorePoints: number;
  readonly files: number;
  readonly folders: number;
  readonly others: number;
  readonly bytes: number;
}

/** What they take in the repository together, each blob once. */
interface RawDataStats {
  readonly mode: 'raw-data';
  readonly restorePoints: number;
  readonly dataBlobs: number;
  readonly treeBlobs: number;
  /** As stored, without the headers of packs and the index. */
  readonly bytes: number;
  readonly bytesUncompressed: number;
}

/** Files of different content. */
interface UniqueFilesStats {
  readonly mode: 'unique-files';
  readonly restorePoints: number;
  readonly files: number;
  readonly bytes: number;
}

export interface PointShare {
  readonly restorePoint: string;
  /** ISO 8601. */
  readonly time: string;
  readonly hostname: string;
  readonly blobsAlone: number;
  /** Stored bytes that no other restore point of the repository needs: what forgetting it and pruning would free. */
  readonly bytesAlone: number;
}

export interface ByPointStats {
  readonly mode: 'by-point';
  /** Oldest first. */
  readonly points: readonly PointShare[];
  /** Stored bytes that two or more restore points of the repository need. */
  readonly bytesShared: number;
}

export type Stats = RestoreSizeStats | RawDataStats | UniqueFilesStats | ByPointStats;

export interface StatsAnswer {
  readonly stats: Stats;
  /** Restore points that cannot be read, or only in part: the figures are too small. */
  readonly unreadable: readonly UnreadablePoint[];
}
