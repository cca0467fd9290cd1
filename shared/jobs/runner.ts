/**
 * The process that runs one job. It takes the job over, waits for its host to be free, runs the verb, and says how it
 * ended. The process that started it may be gone.
 *
 * Crash story: killed before it claimed the job, nothing was done and the next reader ends the job. Killed later, its
 * heartbeat names a process that is gone: the next reader ends the job as interrupted, the host's lock counts as
 * abandoned, and the next job on that host sweeps before it does anything else. Killed after `finished.json`, all is
 * said; at worst the next job sweeps for nothing.
 */
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { replayedAnswers } from '../access/answers.ts';
import { cancelled, never } from '../base/cancel.ts';
import type { Clock } from '../base/clock.ts';
import type { Environment } from '../base/environment.ts';
import { invariant, StillpointError, toErrorRecord, toStillpointError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { identifyProcess, type ProcessIdentity } from '../base/process-identity.ts';
import { type RetryPorts, type RetryTimes, retry } from '../base/retry.ts';
import type { Configuration } from '../config/configuration.ts';
import { loadConfiguration } from '../config/configuration.ts';
import { hostSpec } from '../config/look-up.ts';
import { consequencesOf, NOT_BEGUN, withConsequences } from '../domain/consequences.ts';
import { answered } from '../domain/fold-facts.ts';
import type { HostName, JobId } from '../domain/names.ts';
import { type JobRequest, verbOf } from '../domain/verbs/verbs.ts';
import type { OwnRuns } from '../pipeline/own-runs.ts';
import { isResumable } from '../pipeline/resume/run-journal.ts';
import { EventLogWriter } from './event-log.ts';
import { type HeldLock, takeLock } from './generation-lock.ts';
import { type Handover } from './handover.ts';
import { errorWithoutSecrets, JobEvents } from './job-events.ts';
import { type JobStore, unknownJob } from './job-store.ts';
import { configurationChanged, identifyJob, type JobIdentity, placesOf } from './places.ts';
import { RecordKeeper } from './record-keeper.ts';
import type { FinishedEvent, JobRecord } from './records.ts';
import { runRegister } from './run-register.ts';
import { StoreEvents } from './store-events.ts';
import { takeUpRun } from './take-up-run.ts';
import { runVerb, type VerbPorts, type Verbs } from './verbs.ts';
import { FolderWatch } from './watch.ts';

export interface RunnerPorts {
  readonly store: JobStore;
  readonly verbs: Verbs;
  readonly environment: Environment;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Fires when the process is asked to end, or has found a fault in itself. */
  readonly signal: AbortSignal;
}

const BEAT_EVERY_MS = 5_000;
const LOOK_FOR_CANCEL_MS = 500;
/** The end of a job is written by this process alone, and a disk that is full says so at once: every 5 s will do. */
const FINISH: RetryTimes = { tries: 6, firstWaitMs: 5_000, growth: 1, chance: 0 };

const CAME_TOO_LATE = {
  code: 'run.cancelled',
  message: 'The job was asked to stop when its work was done already.',
  advice: 'It counts as done.',
} as const;

/** Makes this process the one that answers for the job. Errors: `job.not-found`, `job.runner-failed`. */
export async function claimJob(store: JobStore, id: JobId): Promise<JobRecord> {
  const facts = await store.facts(id);
  if (facts === undefined) throw unknownJob(id);
  const identity = await identifyProcess();
  invariant(identity, 'a process can find itself');
  if (await store.claim(id, identity)) return facts.record;
  throw new StillpointError('job.runner-failed', `Job "${id}" has been taken by another process.`, {
    advice: 'Look at the job to see what became of it.',
    details: { job: id },
    cause: undefined,
  });
}

/** Runs a job that was claimed, to its end. It throws only when not even the end could be written down. */
export async function runJob(record: JobRecord, handover: Handover, ports: RunnerPorts): Promise<FinishedEvent> {
  const { store, clock } = ports;
  using beat = keepBeating(ports, record.id);
  using cancel = watchForCancel(ports, record);
  using log = new EventLogWriter(store.path(record.id, 'events.ndjson'), () => clock.now());
  const saved = new RecordKeeper(store, record);
  using events = new JobEvents(log, clock, (event) => saved.follow(event, clock));
  let lock: HeldLock | undefined;
  let end: Pick<FinishedEvent, 'outcome' | 'result' | 'error'>;
  let hasBegun = false;
  try {
    const { configuration, host, identity } = await readPlace(record, ports.environment, cancel.signal);
    if (identity.machine !== undefined) {
      const place = join(store.folder, 'locks', `machine-${identity.machine}`);
      let hasWaited = false;
      lock = await takeLock(place, clock, cancel.signal, async (holder) => {
        hasWaited = true;
        events.emit({ type: 'job-waiting', behind: holder && (await jobOf(holder, store)) });
      });
      // That may have taken a night.
      if (hasWaited) await readPlace(record, ports.environment, cancel.signal);
    }
    cancel.signal.throwIfAborted();
    hasBegun = true;
    events.emit({ type: 'job-started' });
    for (const warning of handover.warnings) events.emit({ type: 'warning', ...warning });
    const workFolder = await store.makeWorkFolder(record.id);
    const { machine, places } = identity;
    const place = { machine, places, leaseSeconds: host && hostSpec(configuration, host).leaseSeconds };
    const { from, refusal } = await takeUpRun(record, { store, saved, place });
    const giveUp = async (): Promise<void> => {
      if (from !== undefined) await store.unclaimRun(from);
      await saved.forgetRun();
    };
    const terms = { ...place, job: record.id, giveUp, spares: refusal === undefined && spares(record.request) };
    const runs = runRegister(store, terms, (run, at) => saved.begin(run, at));
    const journalFolder = store.journalFolder(record.id);
    const rememberedFile = store.rememberedFile(places);
    const context = { configuration, handover, events, workFolder, journalFolder, rememberedFile, runs };
    const verbPorts = await portsFor(context, ports);
    if (host !== undefined && (lock?.uncleanBefore === true || (await runs.dead()).length > 0))
      await sweepFirst(host, record, verbPorts, events, ports, cancel.signal);
    if (refusal !== undefined) throw refusal;
    const result = await runVerb(ports.verbs, record.request, verbPorts, cancel.signal);
    end = { outcome: 'succeeded', result };
    if (cancel.signal.aborted) events.emit({ type: 'warning', ...CAME_TOO_LATE });
  } catch (error) {
    const wasCancelled = cancel.signal.aborted && toStillpointError(cancel.signal.reason).code === 'run.cancelled';
    const known = errorWithoutSecrets(toErrorRecord(error));
    ports.logger.log('error', 'the job did not succeed', {
      code: known.code,
      error: known.message,
      cause: String((error as Error).stack),
    });
    const means = hasBegun ? consequencesOf(record.request, events.facts) : [NOT_BEGUN];
    end = { outcome: wasCancelled ? 'cancelled' : 'failed', error: withConsequences(known, means) };
  }
  events.flush();
  await saved.settled();
  await store.removeWorkFolder(record.id);
  // What was to be taken up and was not reached can still be.
  if (events.facts.host?.run !== undefined || !(await isResumable(store.journalFolder(record.id))))
    await store.removeJournal(record.id);
  beat.stop();
  const last = { seq: log.lastSeq + 1, at: clock.now().toISOString() };
  const finished: FinishedEvent = { type: 'job-finished', ...last, ...end, facts: answered(events.facts) };
  await sayTheEnd(ports, finished, record.id);
  await lock?.release({ clean: events.facts.left.length === 0 });
  return finished;
}

/** A run that was killed is left to the next backup of its source. Whoever sweeps, or has a plan of what goes, takes it along. */
function spares(request: JobRequest): boolean {
  const verb = verbOf(request);
  return !('sweep' in verb.phases) && verb.takesUp?.(request) !== 'none';
}

/** The job that a process runs. */
async function jobOf(holder: ProcessIdentity, store: JobStore): Promise<JobId | undefined> {
  for (const id of await store.ids()) {
    const facts = await store.facts(id);
    if (facts?.finished === undefined && isDeepStrictEqual(facts?.runner?.identity, holder)) return id;
  }
  return undefined;
}

/** The one thing that must be written; a disk that is full for a moment must not turn a success into a riddle. */
async function sayTheEnd({ store, clock, logger }: RunnerPorts, finished: FinishedEvent, id: JobId): Promise<void> {
  const onFailure: RetryPorts['onFailure'] = (error, { tries: attempt }) => {
    logger.log('error', 'the end of the job cannot be written', { outcome: finished.outcome, attempt, error });
  };
  await retry(() => store.finish(id, finished), { clock, times: FINISH, onFailure }, never);
}

/** The configuration as it is now, if it still leads where the job was started for. Errors: `config.…`, `ssh.config`. */
async function readPlace(
  { request, configFile, identity: started }: JobRecord,
  environment: Environment,
  signal: AbortSignal,
): Promise<{ configuration: Configuration; host: HostName | undefined; identity: JobIdentity }> {
  const configuration = await loadConfiguration({ file: configFile, named: false }, environment.home);
  const places = placesOf(request, configuration);
  const identity = await identifyJob(request, places, configFile, signal);
  if (identity.resolved !== started) throw configurationChanged(configFile);
  return { configuration, host: places.host?.name, identity };
}

interface RunContext {
  readonly configuration: Configuration;
  readonly handover: Handover;
  readonly events: JobEvents;
  readonly workFolder: string;
  readonly journalFolder: string;
  readonly rememberedFile: string;
  readonly runs: OwnRuns;
}

async function portsFor(context: RunContext, { store, environment, clock, logger }: RunnerPorts): Promise<VerbPorts> {
  const { configuration, handover, events, workFolder, journalFolder, rememberedFile, runs } = context;
  return {
    configuration,
    owner: await store.owner(),
    environment,
    workFolder,
    journalFolder,
    rememberedFile,
    prompter: replayedAnswers(handover.answers),
    repositorySecrets: (repository) => {
      const secrets = handover.repositorySecrets[repository];
      if (secrets !== undefined) return secrets;
      throw new StillpointError('config.secret-unavailable', `The job was given no password for "${repository}".`, {
        advice: 'The configuration was changed while the job began. Start it again.',
        details: { repository },
        cause: undefined,
      });
    },
    emit: events.emit,
    storeEvents: new StoreEvents(events.emit),
    runs,
    logger,
    clock,
  };
}

/** The previous holder of the host died or could not clean up. Our own work is not held up by a sweep that fails. */
async function sweepFirst(
  host: HostName,
  { request }: JobRecord,
  verbPorts: VerbPorts,
  events: JobEvents,
  { verbs, logger }: RunnerPorts,
  signal: AbortSignal,
): Promise<void> {
  // Then that is the work itself.
  if ('sweep' in verbOf(request).phases) return;
  try {
    const result = await verbs.sweep({ kind: 'sweep', host }, verbPorts, signal);
    logger.log('info', 'swept the host after an interrupted job', { host, result });
  } catch (error) {
    signal.throwIfAborted();
    events.emit({
      type: 'cleanup-failed',
      what: `sweeping "${host}" after an interrupted job`,
      error: toErrorRecord(error),
    });
  }
}

function keepBeating({ store, logger }: RunnerPorts, id: JobId): Disposable & { stop(): void } {
  const timer = setInterval(() => {
    store.beat(id).catch((error: unknown) => logger.log('warn', 'the heartbeat failed', { error }));
  }, BEAT_EVERY_MS);
  const stop = (): void => clearInterval(timer);
  return { stop, [Symbol.dispose]: stop };
}

function watchForCancel(
  { store, signal, logger }: RunnerPorts,
  record: JobRecord,
): Disposable & { signal: AbortSignal } {
  const requested = new AbortController();
  const ended = new AbortController();
  const watch = new FolderWatch(store.jobFolder(record.id));
  const look = async (): Promise<void> => {
    for (;;) {
      if (await store.isCancelRequested(record.id))
        return requested.abort(cancelled(`The ${verbOf(record.request).describe(record.request)}`));
      await watch.next(LOOK_FOR_CANCEL_MS, ended.signal);
    }
  };
  look().catch((error: unknown) => {
    if (!ended.signal.aborted) logger.log('error', 'the job can no longer be cancelled', { error });
  });
  return {
    signal: AbortSignal.any([requested.signal, signal]),
    [Symbol.dispose]: () => {
      ended.abort();
      watch[Symbol.dispose]();
    },
  };
}
