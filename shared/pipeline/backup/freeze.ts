/**
 * The host while a backup reads from it: under a lease, with its snapshots made and mounted; or as it is, where nothing is
 * made on it because all is read live.
 *
 * Invariant: the watchman runs before the first snapshot is made, and whatever happens the host is released, once.
 */
import { never } from '../../base/cancel.ts';
import { timed, type WallSpan } from '../../base/clock.ts';
import { isStillpointError, StillpointError } from '../../base/errors.ts';
import type { EmitEvent } from '../../domain/events.ts';
import type { HostSpec } from '../../domain/source.ts';
import type { SnapshotReport } from '../../domain/verbs/backup.ts';
import type { PlannedHold } from '../../quiesce/hook.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import type { HeldSpan } from '../../snapshot/critical-section.ts';
import type { ReadableSnapshot, TakenSnapshot } from '../../snapshot/provider.ts';
import type { Registry } from '../../snapshot/registry.ts';
import {
  changesNothing,
  endSet,
  judgeSet,
  mountSet,
  type SnapshotPlan,
  type TakenSet,
  trySet,
} from '../../snapshot/snapshot-set.ts';
import type { Preparation } from '../prepare.ts';
import { type Tape, untaped } from '../resume/tape.ts';
import { HeldHost, type HoldPorts } from './hold-host.ts';
import { type LeaseLinePorts, openLeaseLine } from './lease-line.ts';
import { type HostMoment, readMoment } from './live-look.ts';
import { type Patience, patienceWith } from './patience.ts';
import { phases, type RunPhase } from './phases.ts';
import type { BackupRequest } from './request.ts';
import { snapshotReports } from './snapshot-report.ts';
import { termsOf } from './terms.ts';
import { inTurn } from './turns.ts';
import { tellUnplanned } from './unplanned.ts';

export interface Frozen {
  readonly taken: readonly TakenSnapshot[];
  readonly readable: readonly ReadableSnapshot[];
  /** What was held until the snapshots stood is proved by now, or is not; what lasts is so in the end. */
  readonly spans: readonly HeldSpan[];
  /** Ends when the run does, and when the lease does. */
  readonly held: AbortSignal;
  /** The instant of the first snapshot, or when the reading began; and when that was on our own clock. */
  readonly first: HostMoment;
  readonly span: WallSpan;
  /** What reads under the lease outlasts a lost connection; undefined where all is read live. */
  readonly patience: Patience | undefined;
  /** Throws unless each snapshot is what was made, and was whole all the time. */
  judge(signal: AbortSignal): Promise<void>;
  /** The last verdict, and then the holds that lasted until now. */
  end(): Promise<readonly HeldSpan[]>;
  /** Cannot be cancelled: what it removes goes anyway. A release that fails is the watchman's to finish, and a warning. */
  release(): Promise<readonly SnapshotReport[]>;
}

interface TakePorts {
  readonly host: RemoteHost;
  /** Notes what the host answers, or answers in its place. */
  readonly tape?: Tape;
  readonly ports: Omit<HoldPorts, 'host' | 'arming' | 'scripts'> & LeaseLinePorts & { readonly registry: Registry };
  readonly phase: <T>(phase: 'arm' | 'snapshot', work: () => Promise<T>) => Promise<T>;
  readonly resources: AsyncDisposableStack;
}

interface FreezePorts extends Omit<TakePorts, 'phase'> {
  readonly request: BackupRequest;
  readonly phase: RunPhase<'backup' | 'export'>;
  readonly tape: Tape;
}

/** Snapshots of a run, under its lease. */
export interface TakenUnderLease {
  readonly hold: HeldHost;
  readonly set: TakenSet;
  /** Ends when the run does, and when the lease does. */
  readonly held: AbortSignal;
  /** On our own clock. */
  readonly span: WallSpan;
}

const tellNobody: EmitEvent = () => undefined;

/** From the watchman to the last instant. A service that did not come back is told at once. */
export async function takeUnderLease(
  snapshots: SnapshotPlan,
  spec: HostSpec,
  { host, ports, tape = untaped(ports.clock), phase, resources }: TakePorts,
  signal: AbortSignal,
): Promise<TakenUnderLease> {
  const { registry, emit } = ports;
  const hold = await phase('arm', async () => {
    const line = resources.use(await openLeaseLine(host, ports, signal));
    const holdPorts = { ...ports, host: line, arming: tape.host(line), scripts: registry.scripts };
    return resources.use(await HeldHost.acquire(termsOf(snapshots, spec), holdPorts, signal));
  });
  const { lease } = hold;
  const held = AbortSignal.any([signal, lease.signal]);
  const { value: set, span } = await phase('snapshot', () =>
    inTurn(
      () =>
        trySet(snapshots, registry, tape.host(host), held).catch(async (error: unknown) => {
          // Where the lease is over, the host knows why.
          if (isStillpointError(error, 'snapshot.lease-lost')) await lease.renew(held);
          throw error;
        }),
      // Who holds it now is another question than who held it then.
      { host: host.name, waitSeconds: spec.waitSeconds, clock: tape.clock, emit: tape.isPlayed ? tellNobody : emit },
      held,
    ),
  );
  hold.take(set.taken);
  for (const error of stuckOf(snapshots.holds, set.held, host.name)) emit({ type: 'warning', ...toWarning(error) });
  return { hold, set, held, span };
}

export async function freeze(prepared: Preparation, freezing: FreezePorts, signal: AbortSignal): Promise<Frozen> {
  return changesNothing(prepared.snapshots)
    ? await leaveAsItIs(freezing, signal)
    : await freezeVolumes(prepared, freezing, signal);
}

async function leaveAsItIs({ host, ports }: FreezePorts, signal: AbortSignal): Promise<Frozen> {
  const { value: first, span } = await timed(ports.clock, () => host.run(readMoment, signal));
  return {
    ...{ taken: [], readable: [], spans: [], held: signal, first, span, patience: undefined },
    judge: async () => undefined,
    end: async () => [],
    release: async () => [],
  };
}

async function freezeVolumes(
  prepared: Preparation,
  { request, ...taking }: FreezePorts,
  signal: AbortSignal,
): Promise<Frozen> {
  const { snapshots } = prepared;
  const { ports, phase } = taking;
  const { registry, clock, emit } = ports;
  const { hold, set, held, span } = await takeUnderLease(snapshots, request.host, taking, signal);
  const patience = patienceWith({ host: taking.host, leaseSeconds: request.host.leaseSeconds, clock, emit });
  const { host } = patience;
  const { lease } = hold;
  const { taken } = set;
  tellUnplanned(prepared, taken, emit);
  const [first = await host.run(readMoment, held)] = taken.toSorted((a, b) => a.beforeUptime - b.beforeUptime);
  const readable = await phase('mount', () => mountSet(taken, registry, taking.tape.host(host), lease, held));
  const judge = (judging: AbortSignal): Promise<void> => judgeSet(readable, registry, host, lease, judging);
  return {
    ...{ taken, readable, spans: set.held, held, first, span, patience, judge },
    end: async () => {
      await phase('end-check', () => judge(held));
      return await endSet(snapshots, set.held, registry, host, held);
    },
    release: async () => {
      await phases<'backup'>(emit, clock, never)('release', () => hold.release());
      const stuck = snapshots.holds.filter(({ kind, id }) => hold.kept.includes(`${kind}:${id}`));
      if (stuck.length > 0) throw notLetGo(stuck, host.name);
      return snapshotReports(taken, lease.peaks, hold.lifetimeMs);
    },
  };
}

/** What was to be let go when the snapshots stood. The host goes on trying; a person had better know at once. */
function stuckOf(holds: readonly PlannedHold[], spans: readonly HeldSpan[], host: string): readonly StillpointError[] {
  const stuck = holds.filter(
    ({ holds: until }, index) => until === 'until-snapshots' && spans[index]?.untilUptime === undefined,
  );
  return stuck.length === 0 ? [] : [notLetGo(stuck, host)];
}

const toWarning = ({ code, message, advice }: StillpointError) => ({ code, message, advice: advice ?? '' });

/** Worse than a backup that fails, whatever became of the backup. */
function notLetGo(stuck: readonly PlannedHold[], host: string): StillpointError {
  const labels = stuck.map(({ label }) => label).join(', ');
  return new StillpointError('quiesce.thaw-failed', `On "${host}" ${labels} did not come back.`, {
    advice:
      'See to it on the host NOW: look at its log there, and start it. The host itself goes on trying until the run is over, and then every sweep does.',
    details: { host, held: stuck.map(({ kind, id }) => `${kind}:${id}`) },
    cause: undefined,
  });
}
