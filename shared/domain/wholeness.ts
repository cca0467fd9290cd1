/**
 * Whether a restore point holds all that its backup was to hold. A record of how it came to be, not a proof that it can
 * be read today: that is what `verify` is for.
 *
 * What is known is recorded in the restore point itself, twice: as a tag, because restic shows tags and keeps them
 * where it rewrites a restore point, and with its facts in our own field, which restic drops. restic's "repair
 * snapshots" sets the same tag "repaired", but not with its `--forget`: then nothing is left that would tell such a
 * copy from a tagged one, and neither is called whole.
 */

export const WHOLENESS_STATES = ['whole', 'partial', 'repaired', 'unknown'] as const;
export type WholenessState = (typeof WHOLENESS_STATES)[number];

export const WHOLENESS_MEANING: Readonly<Record<WholenessState, string>> = {
  whole: 'Everything that the backup was to hold went into it.',
  partial: 'Some of it could not be read when the backup was made, or is perhaps torn.',
  repaired: 'It is a copy of a damaged restore point, without what was lost.',
  unknown: 'Another program wrote it and does not say whether anything is missing.',
};

export const PARTIAL_TAG = 'partial';
/** What a repair puts on the copies that it makes of damaged restore points, ours and restic's. */
export const REPAIRED_TAG = 'repaired';

export interface Wholeness {
  /** The worst that is known: a repaired copy of a partial restore point is `repaired`. */
  readonly state: WholenessState;
  /** The first of the entries that are missing, or are there without their content, or perhaps torn. */
  readonly missing: readonly MissingEntry[];
  /** How many there are; undefined where it was not recorded. */
  readonly missingCount: number | undefined;
}

export interface MissingEntry {
  /** Shown text. */
  readonly path: string;
  readonly reason: string;
}

/** The parts of a restore point that tell. What another program wrote may be in all of them. */
interface PointRecord {
  readonly tags?: readonly string[];
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** The name of our own field in a restore point's file. */
const OWN_FIELD = 'stillpoint';

/** So many entries are named in a restore point; the others are counted. */
const NAMED = 200;

/** Stands in our field of a restore point whose backup could not read everything, beside the tag `partial`. */
export function unreadableFacts(entries: readonly MissingEntry[], count: number): Record<string, unknown> {
  return { unreadable: factsOf(entries, count) };
}

/** The fields of a repaired copy, which has the tag `repaired`: what an earlier repair gave up is lost as well. */
export function withLost(
  point: PointRecord,
  entries: readonly MissingEntry[],
  count: number,
): Readonly<Record<string, unknown>> {
  const own = ownFacts(point);
  const before = parseFacts(own?.['lost']);
  const lost = factsOf([...(before?.missing ?? []), ...entries], (before?.missingCount ?? 0) + count);
  return { ...point.extra, [OWN_FIELD]: { ...own, lost } };
}

function factsOf(entries: readonly MissingEntry[], count: number): Record<string, unknown> {
  return { count, entries: entries.slice(0, NAMED).map(({ path, reason }) => ({ path, reason })) };
}

/** What a restore point says in our own field. */
export function ownFacts({ extra }: PointRecord): Readonly<Record<string, unknown>> | undefined {
  return asRecord(extra?.[OWN_FIELD]);
}

export function wholenessOf(point: PointRecord): Wholeness {
  const { tags = [] } = point;
  const own = ownFacts(point);
  const lost = parseFacts(own?.['lost']);
  const unreadable = parseFacts(own?.['unreadable']);
  const isRepaired = lost !== undefined || tags.includes(REPAIRED_TAG);
  const isPartial = unreadable !== undefined || tags.includes(PARTIAL_TAG);
  if (!isRepaired && !isPartial) {
    return own === undefined
      ? { state: 'unknown', missing: [], missingCount: undefined }
      : { state: 'whole', missing: [], missingCount: 0 };
  }
  const parts = [...(isRepaired ? [lost] : []), ...(isPartial ? [unreadable] : [])];
  const counts = parts.map((part) => part?.missingCount).filter((count) => count !== undefined);
  return {
    state: isRepaired ? 'repaired' : 'partial',
    missing: parts.flatMap((part) => part?.missing ?? []).slice(0, NAMED),
    missingCount: counts.length === parts.length ? counts.reduce((sum, count) => sum + count, 0) : undefined,
  };
}

/** One sentence for a user who is about to use it; undefined where there is nothing to warn of. */
export function describeGaps({ state, missing, missingCount }: Wholeness): string | undefined {
  if (state === 'whole' || state === 'unknown') return undefined;
  const head = WHOLENESS_MEANING[state];
  const [first] = missing;
  if (first === undefined) return `${head} What is missing was not recorded.`;
  const named = missing.slice(0, SHOWN).map(({ path, reason }) => `"${path}"${reason === '' ? '' : ` (${reason})`}`);
  const more = missingCount === undefined ? ' and perhaps others' : andMore(missingCount - named.length);
  const what =
    state === 'partial' ? 'Missing, there without content, or perhaps torn' : 'Missing, or there without content';
  return `${head} ${what}: ${named.join(', ')}${more}.`;
}

const SHOWN = 3;

function andMore(rest: number): string {
  return rest <= 0 ? '' : ` and ${rest} more`;
}

/** Whatever does not have our form counts as nothing known, but never as nothing missing. */
function parseFacts(value: unknown): Pick<Wholeness, 'missing' | 'missingCount'> | undefined {
  const facts = asRecord(value);
  if (facts === undefined) return value === undefined ? undefined : { missing: [], missingCount: undefined };
  const { count, entries } = facts;
  const missing = (Array.isArray(entries) ? (entries as readonly unknown[]) : []).slice(0, NAMED).flatMap((entry) => {
    const { path, reason } = asRecord(entry) ?? {};
    return typeof path === 'string' ? [{ path, reason: typeof reason === 'string' ? reason : '' }] : [];
  });
  const isCount = typeof count === 'number' && Number.isSafeInteger(count) && count >= missing.length;
  return { missing, missingCount: isCount ? count : undefined };
}

export function asRecord(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}
