/**
 * The backup: from a plan to a restore point.
 *
 * Invariants. The repository is open and locked before the host is touched. The watchman runs before the first
 * snapshot. Nothing is committed unless every stream ended with its trailer and every snapshot passed the end check;
 * the restore point is the last file written. Whatever happens, the host is released, on a clock of its own.
 *
 * Crash story. Dying before the commit leaves packs that no restore point needs, and a lock that is recognised as
 * stale; dying after it leaves the host to the watchman. In both cases the next run sweeps what is ours.
 */
import { never } from '../base/cancel.ts';
import { type Clock, timed } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { EmitEvent } from '../domain/events.ts';
import { newRunId, type OwnerId } from '../domain/names.ts';
import { requireApproved } from '../domain/plan.ts';
import { runOfPlan } from '../domain/plan-id.ts';
import type { BackupReport } from '../domain/verbs/backup.ts';
import type { RemoteHost } from '../remote/remote-host.ts';
import type { Repository } from '../repository/repository.ts';
import type { Registry } from '../snapshot/registry.ts';
import { endSet, judgeSet, mountSet, takeSet } from '../snapshot/snapshot-set.ts';
import { commitRestorePoint } from './backup/commit.ts';
import { HeldHost } from './backup/hold-host.ts';
import { instantOf } from './backup/host-clock.ts';
import { openLeaseLine } from './backup/lease-line.ts';
import { phases } from './backup/phases.ts';
import { rethrowWithVerdict } from './backup/read-failure.ts';
import { readTrees, spoolTrees } from './backup/read-trees.ts';
import type { BackupRequest } from './backup/request.ts';
import { tellJump, tellSkew } from './backup/skew-words.ts';
import { evidenceOf, snapshotReports } from './backup/snapshot-report.ts';
import { termsOf } from './backup/terms.ts';
import { tellUnplanned } from './backup/unplanned.ts';
import { describePlan } from './describe-plan.ts';
import type { OwnRuns } from './own-runs.ts';
import { prepare } from './prepare.ts';
import { openResources } from './resources.ts';
import { sweepOwn } from './sweep.ts';

export interface BackupPorts {
  /** Each call opens a connection that shares nothing with the others. */
  openHost(signal: AbortSignal): Promise<RemoteHost>;
  openRepository(signal: AbortSignal): Promise<Repository>;
  readonly registry: Registry;
  readonly owner: OwnerId;
  readonly runs: OwnRuns;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly emit: EmitEvent;
  /** A private folder on this machine for files that live as long as the run. */
  readonly workFolder: string;
  /** The worker's entry file, where it is not beside the source. */
  readonly workerUrl?: URL;
}

export async function backup(request: BackupRequest, ports: BackupPorts, signal: AbortSignal): Promise<BackupReport> {
  const { source } = request;
  const { emit, clock, logger, owner, registry } = ports;
  const run = request.plan === undefined ? newRunId() : runOfPlan(request.plan);
  const phase = phases<'backup'>(emit, clock, signal);
  await using resources = openResources(emit);

  const { repository, lock, host } = await phase('connect', async () => {
    const opened = resources.use(await ports.openRepository(signal));
    const held = resources.use(await opened.lock('shared', signal));
    await opened.loadIndex(signal);
    return { repository: opened, lock: held, host: resources.use(await ports.openHost(signal)) };
  });

  const prepared = await phase('preflight', async () => {
    const swept = await sweepOwn(host, ports, signal);
    for (const object of swept.removed)
      logger.log('info', 'Removed what an earlier run had left on the host.', { object });
    const ready = await prepare(source, { run, owner }, [], { host, clock, registry }, signal);
    requireApproved(request.plan, describePlan(request, ready, [], registry));
    tellSkew(ready.survey.clockSkew, request, emit);
    return ready;
  });
  for (const note of prepared.coverage.notes) emit({ type: 'warning', code: 'source.note', message: note, advice: '' });

  const { snapshots } = prepared;
  const hold = await phase('arm', async () => {
    const line = resources.use(await openLeaseLine(host, ports, signal));
    const holdPorts = { ...ports, host: line, scripts: registry.scripts };
    return resources.use(await HeldHost.acquire(termsOf(snapshots, request.host), holdPorts, signal));
  });
  const { lease } = hold;
  const held = AbortSignal.any([signal, lock.signal, lease.signal]);

  const { value: set, span } = await phase('snapshot', () =>
    timed(clock, () => takeSet(snapshots, registry, host, held)),
  );
  const { taken } = set;
  hold.take(taken);
  tellUnplanned(prepared, taken, emit);
  const instant = instantOf(taken, prepared.survey, span);
  tellJump(prepared.survey.clockSkew, instant.host.skew, request, emit);
  const readable = await phase('mount', () => mountSet(taken, registry, host, lease, held));

  const context = { request, host, repository, prepared, readable, instant, workFolder: ports.workFolder, emit, clock };
  const judge = (judgeSignal: AbortSignal): Promise<void> => judgeSet(readable, registry, host, lease, judgeSignal);
  const explain = (error: unknown): Promise<never> => rethrowWithVerdict(error, judge, held);
  const listings = resources.use(await phase('list', () => spoolTrees(context, held).catch(explain)));
  const writer = resources.use(
    await repository.openWriter(lock, ports.workerUrl === undefined ? {} : { workerUrl: ports.workerUrl }),
  );
  const read = await phase('read', () => readTrees(context, listings, writer, held).catch(explain));
  await phase('end-check', () => judge(held));
  const spans = await endSet(snapshots, set.held, registry, host, held);
  const evidence = evidenceOf(taken, snapshots.holds, spans);
  const committed = await phase('commit', () =>
    commitRestorePoint({ ...context, run, lock, writer, read, evidence }, held),
  );

  // From here on the restore point is saved, and a cancel comes too late: what remains is done anyway. A release that fails
  // is the watchman's to finish, and a warning.
  await phases<'backup'>(emit, clock, never)('release', () => hold.release());
  return { ...committed, snapshots: snapshotReports(taken, lease.peaks, hold.lifetimeMs) };
}
