/**
 * How consistent a restore point is: one pure function from evidence to a class. Never upgraded silently: the label
 * says what was proved, and a set of volumes is as good as its weakest part.
 */
import type { DumpConsistency, DumpEvidence } from './dump.ts';

export const CONSISTENCY_LEVELS = ['fuzzy', 'crash-skewed', 'crash', 'cold', 'application'] as const;
export type Consistency = (typeof CONSISTENCY_LEVELS)[number];

export const CONSISTENCY_MEANING: Readonly<Record<Consistency, string>> = {
  application:
    'Each application that the source names was held still, or recovers from this copy, and that was proved across the snapshot; or all of it are dumps, each of one moment.',
  cold: 'The services that the source names were stopped while the snapshots were taken, or until all was read.',
  crash: 'One atomic instant, like a power cut at that moment.',
  'crash-skewed': 'Several instants, one per volume, a little apart.',
  fuzzy:
    'Live files, read while they may have been changing; or all of it are dumps, and that each is of one moment is not known.',
};

/** All that a label rests on. Times are uptimes of the host in seconds: its clock may be set, its uptime may not. */
export interface ConsistencyEvidence {
  /** One for each volume; the snapshot's instant lies between the two. Volumes of one instant have the same numbers. */
  readonly instants: readonly VolumeInstant[];
  /** What was asked to be held still. */
  readonly holds: readonly HoldEvidence[];
  /** What was read where it lies, while it may have been changing. */
  readonly live?: readonly LiveTreeEvidence[];
  /** What programs of the host wrote out. They have consistencies of their own, which say nothing of the files. */
  readonly dumps?: readonly DumpEvidence[];
}

export interface LiveTreeEvidence {
  /** Shown text. */
  readonly path: string;
  /** How many files changed each time that they were read. */
  readonly tornCount: number;
  readonly fromUptime: number;
  readonly untilUptime: number;
}

interface VolumeInstant {
  readonly volume: string;
  readonly afterUptime: number;
  readonly beforeUptime: number;
}

/**
 * What a restore point may be called that was taken under a hold. `still`: nothing was written between the instants, so that
 * they count as one; of what the application had not written yet nothing is said. `recovers`: nothing was held, but a copy of
 * one instant, or of those that it joins, recovers to a state of the application. `nothing`: something was done, and nobody can
 * tell what it came to.
 */
export type HoldGuarantee = 'application' | 'cold' | 'still' | 'recovers' | 'nothing';

export interface HoldEvidence {
  /** For people: what was held. */
  readonly what: string;
  /** What the proof found, in words of the application: the position in its log, its version. Foreign text. */
  readonly record?: Readonly<Record<string, string>>;
  readonly guarantees: HoldGuarantee;
  /** When it was held for certain. */
  readonly fromUptime: number;
  /** When it was proved that it had been held ever since; absent where that could not be proved. */
  readonly provedUptime?: number;
  /** When it was let go; absent where it was not seen to be. */
  readonly untilUptime?: number;
  /** Of what recovers though its files are of several instants. */
  readonly joins?: JoinedVolumes;
}

/** Volumes whose instants an application makes one when it recovers: its log is of the last of them and says what happened since. */
export interface JoinedVolumes {
  readonly volumes: readonly string[];
  /** The one with the log; none of the others may be of a later instant. */
  readonly last: string;
}

export interface ConsistencyVerdict {
  readonly consistency: Consistency;
  /** Time between the first and the last instant, as a bound; 0 where there is one. Milliseconds. */
  readonly skewMs: number;
}

/** What is read from /proc/uptime has this resolution, so a bound is rounded up by it. Milliseconds. */
const UPTIME_RESOLUTION_MS = 10;

export function judgeConsistency({
  instants,
  live = [],
  dumps = [],
  ...evidence
}: ConsistencyEvidence): ConsistencyVerdict {
  const holds = evidence.holds.filter(({ guarantees }) => guarantees !== 'nothing');
  const spans = [...instants.map(spanOfInstant), ...live.map(spanOf)];
  if (spans.length === 0) return judgeDumps(dumps);
  const [first, last] = boundsOf(spans);
  const isOne = live.length === 0 && new Set(spans.map(([from, until]) => `${from}-${until}`)).size === 1;
  const skewMs = isOne ? 0 : Math.round((last - first) * 1000) + UPTIME_RESOLUTION_MS;
  // A hold that ended before the last instant or the last read, or that nobody proved, says nothing of what was in between.
  const areAllHeld = holds.every(
    ({ fromUptime, provedUptime }) => provedUptime !== undefined && fromUptime <= first && provedUptime >= last,
  );
  const isCold = holds.some(({ guarantees }) => guarantees === 'cold');
  const recover = holds.filter(({ guarantees }) => guarantees === 'recovers');
  if (live.length > 0) {
    // An application that stands still may have files open; one that is stopped has none.
    const wereStopped = areAllHeld && isCold && live.every(({ tornCount }) => tornCount === 0);
    return { consistency: wereStopped ? 'cold' : 'fuzzy', skewMs };
  }
  const snapshots = isOne ? 'crash' : 'crash-skewed';
  if (holds.length === 0 || !areAllHeld) return { consistency: snapshots, skewMs };
  if (holds.some(({ guarantees }) => guarantees === 'still')) return { consistency: 'crash', skewMs };
  // Nobody held still what is on other volumes at other instants.
  if (!isOne && !recover.every(({ joins }) => areJoined(instants, joins))) return { consistency: snapshots, skewMs };
  return { consistency: isCold ? 'cold' : 'application', skewMs };
}

/** Whether these volumes are all that there are, and their log is of the last instant. */
function areJoined(instants: readonly VolumeInstant[], joins: JoinedVolumes | undefined): boolean {
  const last = instants.find(({ volume }) => volume === joins?.last);
  if (joins === undefined || last === undefined) return false;
  const isBefore = (each: VolumeInstant): boolean =>
    each.beforeUptime <= last.afterUptime ||
    (each.afterUptime === last.afterUptime && each.beforeUptime === last.beforeUptime);
  return instants.every((each) => joins.volumes.includes(each.volume) && isBefore(each));
}

/** Where there is nothing but dumps, they are what the label is of. */
function judgeDumps(dumps: readonly DumpEvidence[]): ConsistencyVerdict {
  const areOfOneMoment = dumps.length > 0 && dumps.every(({ consistency }) => consistency === 'application');
  const [first, last] = boundsOf(dumps.map(spanOf));
  const skewMs = dumps.length < 2 ? 0 : Math.round((last - first) * 1000) + UPTIME_RESOLUTION_MS;
  return { consistency: areOfOneMoment ? 'application' : 'fuzzy', skewMs };
}

type Span = readonly [from: number, until: number];

const spanOf = ({ fromUptime, untilUptime }: Pick<LiveTreeEvidence, 'fromUptime' | 'untilUptime'>): Span => [
  fromUptime,
  untilUptime,
];

const spanOfInstant = ({ afterUptime, beforeUptime }: VolumeInstant): Span => [afterUptime, beforeUptime];

const boundsOf = (spans: readonly Span[]): Span => [
  Math.min(...spans.map(([from]) => from)),
  Math.max(...spans.map(([, until]) => until)),
];

/**
 * What the label may be when all goes well.
 *
 * @param instants one word for each volume; those of one instant have the same
 */
export function foreseenConsistency(
  instants: readonly string[],
  holds: readonly Pick<HoldEvidence, 'what' | 'guarantees' | 'joins'>[],
  live: readonly string[] = [],
  dumps: readonly DumpConsistency[] = [],
): Consistency {
  const different = [...new Set(instants)];
  const end = different.length + 1;
  return judgeConsistency({
    instants: different.map((volume, index) => ({ volume, afterUptime: index + 1, beforeUptime: index + 1 })),
    holds: holds.map((hold) => ({ ...hold, fromUptime: 0, provedUptime: end, untilUptime: end })),
    live: live.map((path) => ({ path, tornCount: 0, fromUptime: 0, untilUptime: end })),
    dumps: dumps.map((consistency) => ({ consistency, path: '', what: '', bytes: 0, fromUptime: 0, untilUptime: 0 })),
  }).consistency;
}
