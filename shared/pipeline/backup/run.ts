/**
 * One run over a source, from its host as it is to what was read at its place: the flow that a backup into a repository,
 * an archive and a mirror have in common. They differ in the sink alone.
 *
 * Invariants. The sink is open before anything is asked of the host but who we are there, and nothing is in its way any more
 * before anything is made on it. The watchman runs before the first snapshot. Nothing is
 * committed unless every stream ended with its trailer and every snapshot passed the end check. Whatever happens, the host
 * is released, on a clock of its own.
 */
import type { Clock } from '../../base/clock.ts';
import { isStillpointError, StillpointError, toStillpointError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { EmitEvent } from '../../domain/events.ts';
import { newRunId, type OwnerId, type RunId } from '../../domain/names.ts';
import { type Plan, requireApproved } from '../../domain/plan.ts';
import { runOfPlan } from '../../domain/plan-id.ts';
import { hasDumpsAlone, type Source } from '../../domain/source.ts';
import type { SnapshotReport } from '../../domain/verbs/backup.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import { mayChangeHost } from '../../snapshot/identify-host.ts';
import type { Registry } from '../../snapshot/registry.ts';
import { changesNothing } from '../../snapshot/snapshot-set.ts';
import { takeDumps } from '../dump/take-dumps.ts';
import { foreseenOf } from '../foreseen.ts';
import { readLayout } from '../layout/read-layout.ts';
import { openAhead, openBeside } from '../open-beside.ts';
import type { OwnRuns } from '../own-runs.ts';
import { type Preparation, prepare } from '../prepare.ts';
import { openResources } from '../resources.ts';
import { openRunJournal, type RunJournal } from '../resume/run-journal.ts';
import { untaped } from '../resume/tape.ts';
import { sweepOwn } from '../sweep.ts';
import { freeze } from './freeze.ts';
import { instantOf } from './host-clock.ts';
import { paceOf } from './pace.ts';
import { phases } from './phases.ts';
import { rethrowWithVerdict } from './read-failure.ts';
import { type BegunReading, beginReading, dumpProgress, namesOn, readTrees } from './read-trees.ts';
import type { BackupRequest } from './request.ts';
import { requireProof } from './require-proof.ts';
import type { Sink } from './sink.ts';
import { tellJump, tellSkew } from './skew-words.ts';
import { evidenceOf } from './snapshot-report.ts';
import { spoolTrees } from './spool-trees.ts';

export interface RunPorts {
  /** Each call opens a connection that shares nothing with the others. */
  openHost(signal: AbortSignal): Promise<RemoteHost>;
  readonly registry: Registry;
  readonly owner: OwnerId;
  readonly runs: OwnRuns;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly emit: EmitEvent;
  /** A private folder on this machine for files that live as long as the run. */
  readonly workFolder: string;
  /** A private folder for what another process needs to take the run up; what is in it already is taken up. */
  readonly journalFolder?: string | undefined;
  /** A file of this source alone that stays from run to run; what is lost with it is time. */
  readonly rememberedFile?: string | undefined;
}

export interface RunEnd<Report> {
  openSink(signal: AbortSignal): Promise<Sink<Report>>;
  /** What is going to be done: where a plan was approved, it has to be this one. */
  describe(prepared: Preparation): Plan;
}

export async function runOver<Report extends object>(
  request: BackupRequest,
  end: RunEnd<Report>,
  told: RunPorts,
  signal: AbortSignal,
): Promise<Report & { readonly snapshots: readonly SnapshotReport[] }> {
  const { source } = request;
  const { emit, readingLeftMs } = paceOf(told.emit, told.clock);
  const ports = { ...told, emit, readingLeftMs };
  const { clock, logger, owner, registry } = ports;
  const phase = phases<'backup' | 'export'>(emit, clock, signal);
  await using resources = openResources(emit);

  const openSink = (opening: AbortSignal): Promise<Sink<Report>> => end.openSink(opening);
  const openHost = (opening: AbortSignal): Promise<RemoteHost> => ports.openHost(opening);
  const [sink, host] = await phase('connect', () => openBeside(openSink, openHost, resources, signal));
  // While the host is looked at, the connection of its lease comes to be.
  const line = mayReadLive(source) ? undefined : resources.use(openAhead(openHost, signal));
  const journal = await journalOf(sink, ports);
  if (journal !== undefined) resources.use(journal);
  const { takenUp } = journal ?? {};
  const tape = journal?.tape ?? untaped(clock);
  const run = takenUp ?? (request.plan === undefined ? newRunId() : runOfPlan(request.plan));

  const prepared = await phase('preflight', async () => {
    // Where all must be snapshotted, root is needed anyway, and whoever is not root hears it at once.
    const needsRoot = !mayReadLive(source);
    if (needsRoot || (await host.run(mayChangeHost, signal))) {
      const swept = await sweepOwn(host, ports, signal);
      for (const object of swept.removed)
        logger.log('info', 'Removed what an earlier run had left on the host.', { object });
    }
    const asked = { host: tape.host(host), clock: tape.clock, registry };
    const ready = await prepare(source, { run, owner }, [], asked, signal);
    requireApproved(request.plan, end.describe(ready));
    tellSkew(ready.survey.clockSkew, request, emit);
    return ready;
  });
  // Before the snapshots are made, which would be in it.
  const layout = source.system === true ? await readLayout(tape.host(host), registry, signal) : undefined;
  for (const note of prepared.coverage.notes) emit({ type: 'warning', code: 'source.note', message: note, advice: '' });

  await sink.settled;
  const guarded = AbortSignal.any([signal, sink.signal]);
  const begin = async (): Promise<BegunReading> =>
    await beginReading(await sink.begin(journal, guarded), source, emit, guarded);
  const takeAll = async () => {
    const reading = await begin();
    const { sink: into, ...counted } = reading;
    const progress = { onProgress: dumpProgress(reading, prepared, ports), context: namesOn(prepared.survey) };
    const limitSeconds = request.host.leaseSeconds;
    const dumping = { ...counted, ...progress, sink: into, host, clock, limitSeconds };
    return { reading, taken: await takeDumps(prepared.dumps, dumping, guarded) };
  };
  const dumped = prepared.dumps.length === 0 ? undefined : await phase('dump', takeAll);
  const freezing = line === undefined ? ports : { ...ports, openHost: (opening: AbortSignal) => line.open(opening) };
  const frozen = await freeze(prepared, { request, host, tape, ports: freezing, phase, resources }, guarded);
  const { held } = frozen;
  const { holds } = prepared.snapshots;
  const foreseen = foreseenOf(prepared);
  // What has failed already need not be read.
  if (frozen.taken.length > 0 && holds.every((hold) => hold.holds === 'until-snapshots') && !readsLive(prepared))
    requireProof(source, foreseen, evidenceOf(frozen.taken, holds, frozen.spans));
  if (takenUp !== undefined) {
    // The snapshots are those of then, or nothing of them is read.
    await frozen.judge(held).catch((error: unknown) => {
      throw signal.aborted ? error : isOver(error, run, host.name);
    });
  } else if (canBeTakenUp(prepared)) await journal?.seal(run);
  // What has nothing but dumps shows when the first of them began.
  const { first, span } = dumped !== undefined && hasDumpsAlone(source) ? dumped.taken : frozen;
  const instant = instantOf(first, prepared.survey, span);
  tellJump(prepared.survey.clockSkew, instant.host.skew, request, emit);
  if (takenUp !== undefined) emit({ type: 'run-taken-up', host: host.name, run, of: instant.time });

  const { readable, patience } = frozen;
  const context = {
    request,
    host: patience?.host ?? host,
    patience,
    configMark: sink.configMark,
    prepared,
    readable,
    instant,
    layout,
    journal,
    workFolder: ports.workFolder,
    rememberedFile: ports.rememberedFile,
    emit,
    clock,
    dumps: dumped?.taken.node,
  };
  const explain = (error: unknown): Promise<never> =>
    rethrowWithVerdict(error, (judging) => frozen.judge(judging), held);
  const listings = resources.use(await phase('list', () => spoolTrees(context, held).catch(explain)));
  const read = await phase('read', async () => {
    const reading = dumped?.reading ?? (await begin());
    return await readTrees(context, listings, reading, held).catch(explain);
  });
  const spans = await frozen.end();
  const dumps = dumped?.taken.evidence ?? [];
  const evidence = evidenceOf(frozen.taken, holds, spans, { live: read.live, dumps });
  requireProof(source, foreseen, evidence);
  const commit = async (committing: AbortSignal): Promise<Report> => {
    // Taken up after this, it could be saved a second time.
    await journal?.end();
    return await sink.commit({ ...context, run, read, evidence }, phase, committing);
  };
  if (!sink.commitsAtOnce) return await releaseFirst(frozen.release(), () => commit(guarded));
  const committed = await commit(held);
  // From here on what was read counts, and a cancel comes too late: what remains is done anyway. A release that fails is the
  // watchman's to finish, and a warning.
  return { ...committed, snapshots: await frozen.release() };
}

/** Whether it may come out that nothing is snapshotted. */
const mayReadLive = (source: Source): boolean => source.withoutSnapshot === 'read-live' || hasDumpsAlone(source);

/** A dump is a stream that nobody sends twice, and what is read live is another one by then. */
const canBeTakenUp = (prepared: Preparation): boolean =>
  prepared.dumps.length === 0 && !readsLive(prepared) && !changesNothing(prepared.snapshots);

function isOver(cause: unknown, run: RunId, host: string): StillpointError {
  const { message, details } = toStillpointError(cause);
  return new StillpointError('job.cannot-resume', `The run ${run} on "${host}" is over: ${message}`, {
    advice: 'Start the backup again.',
    details,
    cause,
  });
}

async function journalOf(
  { vault }: Pick<Sink<unknown>, 'vault'>,
  { journalFolder: folder, clock, logger, runs }: RunPorts,
): Promise<RunJournal | undefined> {
  if (folder === undefined || vault === undefined) return undefined;
  try {
    return await openRunJournal({ folder, vault, clock });
  } catch (error) {
    if (isStillpointError(error, 'job.cannot-resume')) throw error;
    // A run that cannot be taken up is still a backup.
    logger.log('warn', 'The run cannot be taken up by another process.', { error: toStillpointError(error).message });
    await runs.giveUp();
    return undefined;
  }
}

const readsLive = ({ coverage }: Preparation): boolean => coverage.trees.some(({ isLive }) => isLive);

/** A service that did not come back is the loudest end that there is, but it takes nothing away from what was read. */
async function releaseFirst<Report extends object>(
  releasing: Promise<readonly SnapshotReport[]>,
  commit: () => Promise<Report>,
): Promise<Report & { readonly snapshots: readonly SnapshotReport[] }> {
  const [released] = await Promise.allSettled([releasing]);
  const committed = await commit();
  if (released.status === 'rejected') throw released.reason;
  return { ...committed, snapshots: released.value };
}
