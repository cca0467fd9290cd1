/** What became of the snapshots of a run, for its report. */
import type { SnapshotReport } from '../../domain/report.ts';
import type { GuardReading } from '../../snapshot/lease/commands.ts';
import type { TakenSnapshot } from '../../snapshot/provider.ts';

/** Uptime on the host has a resolution of 10 ms; the bound is rounded up by it. */
export function freezeMs(snapshot: TakenSnapshot): number {
  return Math.round((snapshot.afterUptime - snapshot.beforeUptime) * 1000) + 10;
}

/** Between the first instant and the last, as a bound; 0 where there is one. */
export function skewMs(taken: readonly TakenSnapshot[]): number {
  if (taken.length < 2) return 0;
  const first = Math.min(...taken.map((snapshot) => snapshot.beforeUptime));
  const last = Math.max(...taken.map((snapshot) => snapshot.afterUptime));
  return Math.round((last - first) * 1000) + 10;
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
    peakUsedBytes: peaks.get(snapshot.planned.snapshot)?.usedBytes ?? 0,
  }));
}
