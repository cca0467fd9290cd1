/** What became of the snapshots of a run, for its report. */
import type { ConsistencyEvidence } from '../../domain/consistency.ts';
import type { SnapshotReport } from '../../domain/verbs/backup.ts';
import type { PlannedHold } from '../../quiesce/hook.ts';
import type { HeldSpan } from '../../snapshot/critical-section.ts';
import type { GuardReading } from '../../snapshot/host/commands.ts';
import type { TakenSnapshot } from '../../snapshot/provider.ts';

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
    holds: holds.flatMap(({ label, guarantees }, index) => {
      const span = held[index];
      if (span === undefined) return [];
      const { fromUptime, provedUptime, untilUptime, record } = span;
      return [
        {
          ...{ what: label, guarantees, fromUptime },
          ...(provedUptime === undefined ? {} : { provedUptime }),
          ...(untilUptime === undefined ? {} : { untilUptime }),
          ...(Object.keys(record).length === 0 ? {} : { record }),
        },
      ];
    }),
  };
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
