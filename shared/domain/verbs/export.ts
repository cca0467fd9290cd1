/** The export: from the volumes of a host to an archive or a mirror, which plain tools read. */
import { formatBytes } from '../../base/bytes.ts';
import type { ClockSkew } from '../clock-skew.ts';
import type { Consistency, HoldEvidence } from '../consistency.ts';
import type { DumpEvidence } from '../dump.ts';
import type { HostName, SourceName } from '../names.ts';
import type { PlanId } from '../plan-id.ts';
import type { TargetFacts } from '../run-facts.ts';
import { counted } from '../store-ends.ts';
import type { SkippedItem, SnapshotReport } from './backup.ts';
import { defineVerb } from './definition.ts';
import type { AttributeLoss } from './restore.ts';

/** A file of this machine, as an absolute path. */
export interface ArchiveTarget {
  readonly kind: 'archive';
  readonly file: string;
  /** Whether a file of that name is replaced; otherwise it is refused. */
  readonly overwrite?: boolean;
}

/** A folder, as an absolute path. */
export interface MirrorTarget {
  readonly kind: 'mirror';
  readonly folder: string;
  /** A host of the configuration, or a name in that of OpenSSH; without it the folder is on this machine. */
  readonly host?: HostName;
  /** How many complete states stay, the new one included; without it all do. */
  readonly keep?: number;
}

export type ExportTarget = ArchiveTarget | MirrorTarget;

export interface ExportJobRequest {
  readonly kind: 'export';
  readonly source: SourceName;
  readonly to: ExportTarget;
  readonly plan?: PlanId | undefined;
  /** See `BackupJobRequest`. */
  readonly acceptClockSkew?: boolean;
}

export interface ExportReport {
  readonly kind: 'export';
  readonly to: ExportTarget;
  /** The archive, or the folder of the new state in a mirror. */
  readonly path: string;
  readonly consistency: Consistency;
  readonly skewMs: number;
  /** The instant on the clock of the machine that ran this, and on the host's, ISO 8601. */
  readonly time: string;
  readonly hostTime: string;
  readonly clockSkew: ClockSkew;
  readonly snapshots: readonly SnapshotReport[];
  readonly holds: readonly HoldEvidence[];
  /** What programs of the host wrote out; none where the source asks for none. */
  readonly dumps?: readonly DumpEvidence[];
  readonly files: number;
  /** Of the files, those that a mirror shares with its state before. */
  readonly filesUnmodified: number;
  readonly folders: number;
  readonly others: number;
  /** Sizes of all files, a file with several names once. */
  readonly bytesTotal: number;
  readonly bytesRead: number;
  readonly bytesReceived: number;
  /** What was written for it. */
  readonly bytesStored: number;
  /** Files that were read back after they were written and were what had been read from the host. */
  readonly proved: { readonly files: number; readonly bytes: number };
  readonly skipped: readonly SkippedItem[];
  /** Entries of the source that are not in it. */
  readonly missingCount: number;
  /** In it, without something that belongs to it. */
  readonly notKept: readonly AttributeLoss[];
  /** States of the mirror that were removed because of `keep`. */
  readonly removed: readonly string[];
}

export const placeOf = (to: ExportTarget): string => {
  if (to.kind === 'archive') return to.file;
  return to.host === undefined ? to.folder : `${to.host}:${to.folder}`;
};

export const EXPORT = defineVerb<ExportJobRequest, ExportReport>()({
  phases: {
    connect: 'end-tells',
    preflight: 'end-tells',
    dump: 'end-tells',
    arm: 'snapshot-goes',
    snapshot: 'snapshot-goes',
    mount: 'snapshot-goes',
    list: 'snapshot-goes',
    read: 'snapshot-goes',
    'end-check': 'snapshot-goes',
    release: 'snapshot-goes',
    verify: 'end-tells',
    commit: 'end-tells',
  },
  changes: ['host', 'folder'],
  describe: ({ source, to }) => `export of "${source}" to "${placeOf(to)}"`,
  places: ({ source, to }) => ({
    ...{ source, repositories: [] },
    ...(to.kind === 'mirror' && to.host !== undefined ? { keeper: to.host } : {}),
  }),
  aboutData: ({ to }, { target }) => [
    target === undefined ? 'Nothing was written.' : aboutTarget(to.kind === 'mirror', target),
  ],
  isSaved: ({ target }) => target?.state === 'filled',
  isPartial: ({ missingCount }) => missingCount > 0,
});

function aboutTarget(isMirror: boolean, { path, work, state, files, bytes }: TargetFacts): string {
  const before = isMirror ? ' The states that the mirror had are as they were.' : '';
  const came = files === 0 ? '' : ` (${counted(files, 'file')}, ${formatBytes(bytes)})`;
  switch (state) {
    case 'filling':
      return `Nothing is at "${path}" of this run; what came${came} lies in "${work}", does not count, and can be removed.${before}`;
    case 'dropped':
      return `Nothing is at "${path}" of this run, and what came before that was removed.${before}`;
    case 'moving':
      return `It was about to be put at "${path}": look whether it is there; what is in "${work}" does not count.${before}`;
    case 'filled':
      return `"${path}" is there and whole.`;
  }
}
