/**
 * The snapshots of a run, of as many storages as its volumes lie on: planned together, made in one critical section,
 * mounted, and judged as one.
 */
import { isStillpointError, StillpointError } from '../base/errors.ts';
import { Problems } from '../base/problems.ts';
import type { SourceScope } from '../domain/source.ts';
import { type TurnTaken, turnWords } from '../domain/turn.ts';
import { HOLD_WORDS } from '../quiesce/hold-words.ts';
import { type HeldPlace, type HoldLook, type Hook, NOTHING_TO_SAY, type PlannedHold } from '../quiesce/hook.ts';
import type { FailedPart } from '../remote/fragment.ts';
import { lastLines } from '../remote/host-errors.ts';
import type { RemoteHost } from '../remote/remote-host.ts';
import { type HeldSpan, type MadeSnapshot, SECTION_EXITS, type Section, takeSnapshots } from './critical-section.ts';
import { endHolds } from './holds.ts';
import { type Lease, noControlFiles } from './host/lease.ts';
import { inOrderOfNames } from './host/turns.ts';
import { identityChanged } from './identity-changed.ts';
import { MOUNT_EXITS, mountSnapshots, observeSnapshots } from './mounting.ts';
import { FOR_SNAPSHOTS, type ProgramUser } from './programs.ts';
import type {
  OriginVolume,
  PlannedItem,
  ReadableSnapshot,
  RunIdentity,
  SnapshotWish,
  StandingSnapshot,
  TakenSnapshot,
} from './provider.ts';
import type { Registry } from './registry.ts';
import type { Survey } from './survey.ts';

export interface SnapshotPlan extends RunIdentity {
  /** In the order in which they are made. */
  readonly items: readonly PlannedItem[];
  readonly holds: readonly PlannedHold[];
  readonly risks: readonly string[];
}

export interface TakenSet {
  readonly taken: readonly TakenSnapshot[];
  /** One for each planned hold. */
  readonly held: readonly HeldSpan[];
}

interface PlanningTerms {
  readonly survey: Survey;
  readonly registry: Registry;
  readonly identity: SnapshotWish;
  /** See `Reading`. */
  readonly readsLive?: boolean;
  /** What the hooks saw. */
  readonly looks?: ReadonlyMap<Hook, HoldLook>;
  /** The volumes of which a place is saved with all that is mounted below it; undefined among them for what is read live. */
  readonly originsOf?: (path: Buffer) => readonly (OriginVolume | undefined)[];
}

/** Errors: what stands in the way on any of the storages, all at once. */
export function planSnapshots(
  volumes: readonly OriginVolume[],
  source: SourceScope,
  { survey, registry, identity, readsLive = false, looks, originsOf = () => [undefined] }: PlanningTerms,
): SnapshotPlan {
  const problems = new Problems();
  const plans = survey.storages.flatMap((storage) => {
    const own = volumes.filter(
      ({ volume }) => volume.snapshot.possible && volume.snapshot.provider === storage.provider.kind,
    );
    return own.length === 0 ? [] : [problems.attempt(() => storage.plan(own, identity))];
  });
  problems.throwIfAny((count) => `On ${count} storages of "${source.host}" no snapshot can be made`);
  const items = plans.flatMap((plan) => plan?.items ?? []);
  const { run, owner } = identity;
  const instantsOf = ({ path }: HeldPlace): readonly string[] =>
    originsOf(path).map((origin) => {
      const item = items.find(({ volume }) => volume === origin);
      return item === undefined ? 'live' : instantWord(item);
    });
  const holds = registry.hooks
    .flatMap((hook) => hook.plan(source, run, { readsLive, instantsOf, look: looks?.get(hook) ?? NOTHING_TO_SAY }))
    .toSorted(({ at: left = -1 }, { at: right = -1 }) => left - right);
  return {
    ...{ run, owner, holds },
    items: inOrder(items, volumes, holds),
    risks: [...plans.flatMap((plan) => plan?.risks ?? []), ...holds.flatMap(({ risk = [] }) => risk)],
  };
}

/** In that of their volumes, but those last that have to be. Errors: `quiesce.freeze-failed` where that cannot be. */
function inOrder(
  items: readonly PlannedItem[],
  volumes: readonly OriginVolume[],
  holds: readonly PlannedHold[],
): readonly PlannedItem[] {
  const last = new Set(holds.flatMap(({ joins }) => joins?.last ?? []));
  for (const { label, joins } of holds) {
    if (joins?.instants.every((instant) => instant === joins.last || !last.has(instant)) !== false) continue;
    throw new StillpointError(
      'quiesce.freeze-failed',
      `${sentence(label)} has files where another application has its log, and each of the two would have to be copied before the other.`,
      {
        advice: 'Back them up as two sources, or put what belongs to one of them on volumes of its own.',
        details: { instants: joins.instants },
        cause: undefined,
      },
    );
  }
  const rank = (item: PlannedItem): number => (last.has(instantWord(item)) ? 1 : 0);
  return items.toSorted(
    (left, right) => rank(left) - rank(right) || volumes.indexOf(left.volume) - volumes.indexOf(right.volume),
  );
}

/** One word for those of one instant. */
export const instantWord = ({ instant, planned }: PlannedItem): string => instant ?? planned.volumeId;

/** Whether nothing is made or held on the host: all is read where it lies. */
export const changesNothing = ({ items, holds }: SnapshotPlan): boolean => items.length + holds.length === 0;

/** Whose programs the plan calls. */
export function usersOf(plan: SnapshotPlan, { providers, hooks }: Registry): readonly ProgramUser[] {
  if (changesNothing(plan)) return [];
  const { items, holds } = plan;
  return [
    FOR_SNAPSHOTS,
    ...providers.filter(({ kind }) => items.some(({ provider }) => provider === kind)),
    ...hooks.filter(({ onHost }) => holds.some(({ kind }) => kind === onHost.kind)),
  ];
}

export const sectionOf = ({ run, owner, holds, items }: SnapshotPlan): Section => ({
  ...{ run, owner, holds },
  creates: items.map(({ create }) => create),
  turns: inOrderOfNames([
    ...items.flatMap(({ turns }) => turns.map((turn) => ({ ...turn, lasts: 'section' as const }))),
    ...holds.flatMap(({ turns, holds: until }) =>
      turns.map((turn) => ({ ...turn, lasts: until === 'until-read' ? ('run' as const) : ('section' as const) })),
    ),
  ]),
});

/**
 * Where another run has one of the turns, nothing was begun, and it can be tried again under the same lease.
 *
 * Errors: `snapshot.lease-lost`, `host.read-only-runtime`, `quiesce.freeze-failed`, and what the storage says.
 */
export async function trySet(
  plan: SnapshotPlan,
  { scripts }: Registry,
  host: RemoteHost,
  signal: AbortSignal,
): Promise<TakenSet | { readonly busy: TurnTaken }> {
  const answer = await host.run(takeSnapshots(sectionOf(plan), scripts), signal);
  if ('failed' in answer) throw sectionError(answer.failed, plan, host.name);
  if ('taken' in answer) return { busy: answer.taken };
  const { made, held } = answer.result;
  return { taken: plan.items.map((item, index) => takenOf(item, plan, made[index])), held };
}

/** Nothing was begun. */
export function turnTaken(
  taken: TurnTaken,
  host: string,
  { waitedMs, at }: { readonly waitedMs: number; readonly at: Date },
): StillpointError {
  const waited = waitedMs < 1000 ? '' : ` It was waited for, for ${Math.round(waitedMs / 1000)} s.`;
  return new StillpointError('host.busy', `On "${host}" ${turnWords(taken, at)}.${waited}`, {
    advice:
      'Run the backup again when the other one is over; "waitSeconds" of the host in the configuration says for how long this is waited for. What a client that vanished holds, the host lets go by itself.',
    details: { host, ...taken },
    cause: undefined,
  });
}

function takenOf(item: PlannedItem, { run, owner }: RunIdentity, made: MadeSnapshot | undefined): TakenSnapshot {
  if (made === undefined) throw new Error(`the host answered nothing for ${item.planned.snapshot}`);
  const { own, ...facts } = made;
  const standing = own as StandingSnapshot;
  return { ...item, run, owner, ...facts, standing, planned: { ...item.planned, sizeBytes: standing.sizeBytes } };
}

function sectionError(failed: FailedPart, { holds, items }: SnapshotPlan, host: string): StillpointError {
  const facts = { details: { ...failed }, cause: undefined };
  if (failed.exitCode === SECTION_EXITS.leaseEnded) {
    return new StillpointError(
      'snapshot.lease-lost',
      `The lease on "${host}" ended while the snapshots were being made.`,
      {
        advice:
          'Run the backup again; if it recurs, the host is too slow for the lease: raise "leaseSeconds" of the host.',
        ...facts,
      },
    );
  }
  if (failed.exitCode === SECTION_EXITS.noRecord) return noControlFiles({ ...failed }, host);
  const hold = holds[failed.part];
  if (hold !== undefined) {
    return new StillpointError(
      'quiesce.freeze-failed',
      `${sentence(hold.label)} on "${host}" could not be ${HOLD_WORDS[hold.guarantees].held}.${lastLines(failed.stderr)}`,
      {
        advice:
          'Correct what it complains of on the host, then run the backup again; the record of the job has all that it said.',
        ...facts,
      },
    );
  }
  const item = items[failed.part - holds.length];
  if (item === undefined) throw new Error(`part ${failed.part} of the section is none`);
  return item.explain('create', failed, host);
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

/** What is held until the last read is proved once more and let go; gives all holds as they were in the end. */
export async function endSet(
  plan: SnapshotPlan,
  held: readonly HeldSpan[],
  { scripts }: Registry,
  host: RemoteHost,
  signal: AbortSignal,
): Promise<readonly HeldSpan[]> {
  if (!plan.holds.some(({ holds }) => holds === 'until-read')) return held;
  const ends = await host.run(endHolds(plan, scripts), signal);
  return held.map((span, index) => ({ ...span, ...ends[index] }));
}

/** In the lease's private namespace. Errors: `snapshot.lease-lost`, `snapshot.mount-failed`. */
export async function mountSet(
  taken: readonly TakenSnapshot[],
  { scripts }: Registry,
  host: RemoteHost,
  lease: Lease,
  signal: AbortSignal,
): Promise<readonly ReadableSnapshot[]> {
  const [first] = taken;
  if (first === undefined) return [];
  lease.signal.throwIfAborted();
  const answer = await host.run(mountSnapshots(first.run, taken, scripts), signal);
  if ('mounted' in answer) {
    return answer.mounted.flatMap(({ path, ...mounted }, index) => {
      const snapshot = taken[index];
      return snapshot === undefined ? [] : [{ ...snapshot, path, mounted }];
    });
  }
  // Where the lease is over, that is the cause.
  await lease.renew(signal);
  const snapshot = taken[answer.failed.part] ?? first;
  if (answer.failed.exitCode !== MOUNT_EXITS.keeperGone) throw snapshot.explain('mount', answer.failed, host.name);
  throw new StillpointError(
    'snapshot.lease-lost',
    `The process on "${host.name}" that holds the mounts of our snapshots is gone; something ended it.`,
    {
      advice: 'Find out what ends our processes there, then run the backup again.',
      details: { ...answer.failed },
      cause: undefined,
    },
  );
}

/**
 * The verdict after the last read. Errors: `host.rebooted`, `snapshot.full`, `snapshot.identity-changed`, and where our own
 * watchman removed it `snapshot.lease-lost` or `snapshot.given-up`.
 */
export async function judgeSet(
  snapshots: readonly ReadableSnapshot[],
  { scripts }: Registry,
  host: RemoteHost,
  lease: Lease,
  signal: AbortSignal,
): Promise<void> {
  const [first] = snapshots;
  if (first === undefined) return;
  const observed = await host.run(observeSnapshots(first.run, snapshots, scripts), signal);
  if (observed.bootId !== lease.armed.bootId) {
    throw new StillpointError('host.rebooted', `"${host.name}" was restarted while its snapshots were being read.`, {
      advice: 'Run the backup again.',
      details: { host: host.name },
      cause: undefined,
    });
  }
  try {
    for (const [index, snapshot] of snapshots.entries()) {
      const now = observed.snapshots[index];
      snapshot.judge(snapshot.standing, snapshot.mounted.seen, now?.seen ?? {}, host.name);
      if (now?.mountLine !== snapshot.mounted.mountLine)
        throw identityChanged(snapshot.id, host.name, { mounted: snapshot.mounted, observed: now });
    }
  } catch (error) {
    if (isStillpointError(error, 'snapshot.identity-changed')) await lease.renew(signal);
    throw error;
  }
  await lease.renew(signal);
}
