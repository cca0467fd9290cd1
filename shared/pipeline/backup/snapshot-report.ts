/** What became of the snapshots of a run, for its report. */
import type { ConsistencyEvidence, JoinedVolumes } from '../../domain/consistency.ts';
import type { SnapshotReport } from '../../domain/verbs/backup.ts';
import type { JoinedInstants, PlannedHold } from '../../quiesce/hook.ts';
import type { HeldSpan } from '../../snapshot/critical-section.ts';
import type { GuardReading } from '../../snapshot/host/lease-state.ts';
import type { TakenSnapshot } from '../../snapshot/provider.ts';
import { instantWord } from '../../snapshot/snapshot-set.ts';

/** Uptime on the host has a resolution of 10 ms; the bound is rounded up by it. */
export function freezeMs(snapshot: TakenSnapshot): number {
  return Math.round((snapshot.afterUptime - snapshot.beforeUptime) * 1000) + 10;
}

/** What the label of a restore point rests on. */
export function evidenceOf(
  taken: readonly TakenSnapshot[],
  holds: readonly PlannedHold[],
  held: readonly HeldSpan[],
  { live = [], dumps = [] }: Partial<Pick<ConsistencyEvidence, 'live' | 'dumps'>> = {},
): ConsistencyEvidence {
  return {
    ...(live.length === 0 ? {} : { live }),
    ...(dumps.length === 0 ? {} : { dumps }),
    instants: taken.map(({ planned, beforeUptime, afterUptime }) => ({
      volume: planned.volume,
      afterUptime: beforeUptime,
      beforeUptime: afterUptime,
    })),
    holds: holds.flatMap(({ label, guarantees, joins }, index) => {
      const span = held[index];
      if (span === undefined) return [];
      const { fromUptime, provedUptime, untilUptime, record } = span;
      return [
        {
          ...{ what: label, guarantees, fromUptime },
          ...(joins === undefined ? {} : { joins: joinedVolumes(joins, taken) }),
          ...(provedUptime === undefined ? {} : { provedUptime }),
          ...(untilUptime === undefined ? {} : { untilUptime }),
          ...(Object.keys(record).length === 0 ? {} : { record }),
        },
      ];
    }),
  };
}

function joinedVolumes({ instants, last }: JoinedInstants, taken: readonly TakenSnapshot[]): JoinedVolumes {
  const volumesOf = (word: string): readonly string[] =>
    taken.filter((snapshot) => instantWord(snapshot) === word).map(({ planned }) => planned.volume);
  return { volumes: instants.flatMap(volumesOf), last: volumesOf(last)[0] ?? '' };
}

export function snapshotReports(
  taken: readonly TakenSnapshot[],
  peaks: ReadonlyMap<string, GuardReading>,
  lifetimeMs: number,
): readonly SnapshotReport[] {
  return taken.map((snapshot) => ({
    volume: snapshot.planned.volume,
    snapshot: snapshot.planned.snapshot,
    freezeMs: freezeMs(snapshot),
    instant: { afterUptime: snapshot.beforeUptime, beforeUptime: snapshot.afterUptime },
    lifetimeMs,
    sizeBytes: snapshot.planned.sizeBytes,
    peakUsedBytes: peaks.get(snapshot.id)?.usedBytes ?? 0,
  }));
}
