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
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { EmitEvent } from '../domain/events.ts';
import { newRunId, type OwnerId } from '../domain/names.ts';
import { requireApproved } from '../domain/plan.ts';
import { runOfPlan } from '../domain/plan-id.ts';
import type { BackupReport } from '../domain/verbs/backup.ts';
import type { RemoteHost } from '../remote/remote-host.ts';
import type { Repository } from '../repository/repository.ts';
import { mayChangeHost } from '../snapshot/identify-host.ts';
import type { Registry } from '../snapshot/registry.ts';
import { commitRestorePoint } from './backup/commit.ts';
import { freeze } from './backup/freeze.ts';
import { instantOf } from './backup/host-clock.ts';
import { phases } from './backup/phases.ts';
import { rethrowWithVerdict } from './backup/read-failure.ts';
import { readTrees, spoolTrees } from './backup/read-trees.ts';
import type { BackupRequest } from './backup/request.ts';
import { tellJump, tellSkew } from './backup/skew-words.ts';
import { evidenceOf } from './backup/snapshot-report.ts';
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
    // Where all must be snapshotted, root is needed anyway, and whoever is not root hears it at once.
    if (source.withoutSnapshot !== 'read-live' || (await host.run(mayChangeHost, signal))) {
      const swept = await sweepOwn(host, ports, signal);
      for (const object of swept.removed)
        logger.log('info', 'Removed what an earlier run had left on the host.', { object });
    }
    const ready = await prepare(source, { run, owner }, [], { host, clock, registry }, signal);
    requireApproved(request.plan, describePlan(request, ready, [], registry));
    tellSkew(ready.survey.clockSkew, request, emit);
    return ready;
  });
  for (const note of prepared.coverage.notes) emit({ type: 'warning', code: 'source.note', message: note, advice: '' });

  const guarded = AbortSignal.any([signal, lock.signal]);
  const frozen = await freeze(prepared, { request, host, ports, phase, resources }, guarded);
  const { held } = frozen;
  const instant = instantOf(frozen.first, prepared.survey, frozen.span);
  tellJump(prepared.survey.clockSkew, instant.host.skew, request, emit);

  const { readable } = frozen;
  const context = { request, host, repository, prepared, readable, instant, workFolder: ports.workFolder, emit, clock };
  const explain = (error: unknown): Promise<never> =>
    rethrowWithVerdict(error, (judging) => frozen.judge(judging), held);
  const listings = resources.use(await phase('list', () => spoolTrees(context, held).catch(explain)));
  const writer = resources.use(
    await repository.openWriter(lock, ports.workerUrl === undefined ? {} : { workerUrl: ports.workerUrl }),
  );
  const read = await phase('read', () => readTrees(context, listings, writer, held).catch(explain));
  const spans = await frozen.end();
  const evidence = evidenceOf(frozen.taken, prepared.snapshots.holds, spans, read.live);
  const committed = await phase('commit', () =>
    commitRestorePoint({ ...context, run, lock, writer, read, evidence }, held),
  );

  // From here on the restore point is saved, and a cancel comes too late: what remains is done anyway. A release that fails
  // is the watchman's to finish, and a warning.
  return { ...committed, snapshots: await frozen.release() };
}
