/**
 * What a backup and its plan have in common: look at the host, resolve the paths, find the volumes, size the snapshots.
 * Nothing here changes the host, except that idle automounts below the paths are looked at.
 */
import type { Clock } from '../base/clock.ts';
import type { BackupPlan } from '../domain/backup-plan.ts';
import { describeSkew } from '../domain/clock-skew.ts';
import { compileExcludes, type ExcludePatterns } from '../domain/exclude-patterns.ts';
import type { RunId } from '../domain/names.ts';
import type { Source } from '../domain/source.ts';
import type { RemoteHost } from '../remote/remote-host.ts';
import { lackOf } from '../snapshot/programs.ts';
import type { RunIdentity, SnapshotPlan, SnapshotProvider } from '../snapshot/provider.ts';
import { afterSweep, type Survey, storageOf, surveyHost } from '../snapshot/survey.ts';
import { idleAutomounts, refuseAutomount, wakeAutomounts } from './backup/automounts.ts';
import { type Coverage, coverPaths, resolvePaths } from './backup/paths.ts';

export interface Preparation {
  readonly survey: Survey;
  readonly coverage: Coverage;
  readonly exclude: ExcludePatterns;
  readonly provider: SnapshotProvider;
  readonly snapshots: SnapshotPlan;
  /** The commands that remove what dead runs of ours left, before anything else. */
  readonly removes: readonly string[];
}

/** @param dead runs that a sweep is going to remove; none where it has */
export async function prepare(
  source: Source,
  identity: RunIdentity,
  dead: readonly RunId[],
  { host, clock }: { readonly host: RemoteHost; readonly clock: Clock },
  signal: AbortSignal,
): Promise<Preparation> {
  const exclude = compileExcludes(source.exclude);
  const look = async () => afterSweep(await surveyHost(host, clock, signal), identity.owner, dead);
  let { survey, removes } = await look();
  const lack = lackOf(survey.identity, host.name);
  if (lack !== undefined) throw lack;
  // Resolving a path may itself wake an automount on the way.
  const resolved = await host.run(resolvePaths(source.paths), signal);
  const idle = idleAutomounts(resolved, survey.mounts, exclude);
  if (idle.length > 0) {
    await host.run(wakeAutomounts(idle.map(({ target }) => target)), signal);
    ({ survey, removes } = await look());
    const [still] = idleAutomounts(resolved, survey.mounts, exclude);
    if (still !== undefined) throw refuseAutomount(still, host.name);
  }
  const coverage = coverPaths(resolved, survey, exclude, host.name);
  const storage = storageOf(coverage.volumes, survey);
  const snapshots = storage.plan(coverage.volumes, identity);
  return { survey, coverage, exclude, provider: storage.provider, snapshots, removes };
}

export function describePlan(source: Source, prepared: Preparation): BackupPlan {
  const { survey, coverage, snapshots, removes } = prepared;
  const skew = describeSkew(source.host, survey.clockSkew);
  const used = coverage.volumes.map((volume) => volume.volume.usedBytes);
  return {
    run: snapshots.run,
    source: source.name,
    host: source.host,
    repository: source.repository,
    paths: coverage.trees.map((tree) => tree.path.toString('utf8')).reverse(),
    snapshots: snapshots.items.map((item) => item.planned),
    consistency: coverage.volumes.length === 1 ? 'crash' : 'crash-skewed',
    commands: [...removes, ...snapshots.commands],
    estimate: {
      bytesOnVolumes: used.every((bytes) => bytes !== undefined)
        ? used.reduce((sum, bytes) => sum + bytes, 0)
        : undefined,
    },
    risks: [...(skew === undefined ? [] : [skew]), ...coverage.notes, ...snapshots.risks],
  };
}
