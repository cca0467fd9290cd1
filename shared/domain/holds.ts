/** What a restore point says of its holds: of what, for how long, around which instants, and what the proof found. */
import type { HoldEvidence, HoldGuarantee } from './consistency.ts';
import { asRecord } from './wholeness.ts';

export interface RecordedHold {
  /** For people: what was held. Foreign text. */
  readonly what: string;
  readonly guarantees: HoldGuarantee;
  /** From its beginning until it was let go; absent where that was not seen. */
  readonly lastedMs?: number;
  /** How long before the first instant it began; negative where it began after. Absent where nothing has an instant. */
  readonly beforeMs?: number;
  readonly isProved: boolean;
  /** How long after the last instant it was proved to last still; absent also where nothing has an instant. */
  readonly provedMs?: number;
  /** What the proof found. Foreign text. */
  readonly record: Readonly<Record<string, string>>;
}

/** Of the facts that a run wrote into a restore point; anybody may have written them, so each is one or nothing. */
export function holdsIn(evidence: unknown): readonly RecordedHold[] {
  const facts = asRecord(evidence);
  const instants = listOf(facts?.['instants']).flatMap(({ afterUptime: from, beforeUptime: until }) =>
    isUptime(from) && isUptime(until) ? [{ from, until }] : [],
  );
  const first = Math.min(...instants.map(({ from }) => from));
  const last = Math.max(...instants.map(({ until }) => until));
  return listOf(facts?.['holds']).flatMap(
    ({ what, guarantees, fromUptime, provedUptime, untilUptime, record }): RecordedHold[] => {
      if (typeof what !== 'string' || !isGuarantee(guarantees) || !isUptime(fromUptime)) return [];
      const isProved = isUptime(provedUptime);
      return [
        {
          ...{ what, guarantees, isProved },
          ...(isUptime(untilUptime) ? { lastedMs: milliseconds(untilUptime - fromUptime) } : {}),
          ...(instants.length > 0 ? { beforeMs: milliseconds(first - fromUptime) } : {}),
          ...(instants.length > 0 && isProved ? { provedMs: milliseconds(provedUptime - last) } : {}),
          record: textsOf(record),
        },
      ];
    },
  );
}

/** Of a run that has ended. */
export const holdsOf = ({
  holds,
  snapshots,
}: {
  readonly holds: readonly HoldEvidence[];
  readonly snapshots: readonly { readonly instant: { readonly afterUptime: number; readonly beforeUptime: number } }[];
}): readonly RecordedHold[] => holdsIn({ holds, instants: snapshots.map(({ instant }) => instant) });

/** Puts values into the places `{0}` of a clause; the editor takes it into the language of its reader before. */
export type Phrase = (clause: string, ...values: string[]) => string;

const inEnglish: Phrase = (clause, ...values) =>
  clause.replaceAll(/\{(\d)\}/g, (_, at: string) => values[Number(at)] ?? '');

/** What was done, as a whole clause with the time that it took and without. */
const WORDS: Readonly<Record<HoldGuarantee, readonly [lasted: string, unseen: string]>> = {
  application: ['held still for {0}', 'held still'],
  cold: ['stopped for {0}', 'stopped'],
  still: ['paused for {0}', 'paused'],
  recovers: ['not held, but watched for {0}', 'not held, but watched'],
  nothing: ['between its own commands for {0}', 'between its own commands'],
};

/** "MariaDB: held still for 0.42 s, from 0.12 s before the first instant; proved 0.03 s after the last (server 10.11.6)". */
export function holdInWords(hold: RecordedHold, say: Phrase = inEnglish): string {
  const { what, guarantees, lastedMs, beforeMs, record } = hold;
  const [lasted, unseen] = WORDS[guarantees];
  const done = lastedMs === undefined ? say(unseen) : say(lasted, inSeconds(lastedMs));
  const from = beforeMs === undefined ? [] : [beginningInWords(beforeMs, say)];
  const clauses = [
    [done, ...from].join(', '),
    ...(lastedMs === undefined ? [say('its end was not seen')] : []),
    proofInWords(hold, say),
  ];
  const found = Object.entries(record).map(([name, value]) => `${name} ${value}`);
  const facts = found.length === 0 ? '' : ` (${found.join(', ')})`;
  return `${what}: ${clauses.join('; ')}${facts}`;
}

const beginningInWords = (ms: number, say: Phrase): string =>
  ms < 0
    ? say('from {0} after the first instant', inSeconds(-ms))
    : say('from {0} before the first instant', inSeconds(ms));

function proofInWords({ guarantees, isProved, provedMs }: RecordedHold, say: Phrase): string {
  if (guarantees === 'nothing') return say('nothing is claimed');
  if (!isProved) return say('not proved');
  if (provedMs === undefined) return say('proved');
  return provedMs < 0
    ? say('proved {0} before the last', inSeconds(-provedMs))
    : say('proved {0} after the last', inSeconds(provedMs));
}

/** "proved: MariaDB, Redis; not proved: PostgreSQL"; undefined where nothing is claimed of any. */
export function proofsInWords(holds: readonly RecordedHold[]): string | undefined {
  const claimed = holds.filter(({ guarantees }) => guarantees !== 'nothing');
  const words = ([true, false] as const).flatMap((proved) => {
    const names = claimed.filter(({ isProved }) => isProved === proved).map(({ what }) => what);
    return names.length === 0 ? [] : [`${proved ? 'proved' : 'not proved'}: ${names.join(', ')}`];
  });
  return words.length === 0 ? undefined : words.join('; ');
}

const inSeconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

const milliseconds = (seconds: number): number => Math.round(seconds * 1000);

const isUptime = (value: unknown): value is number => typeof value === 'number' && value >= 0;

const isGuarantee = (value: unknown): value is HoldGuarantee =>
  typeof value === 'string' && Object.keys(WORDS).includes(value);

const listOf = (value: unknown): readonly Readonly<Record<string, unknown>>[] =>
  (Array.isArray(value) ? value : []).map((each: unknown) => asRecord(each) ?? {});

const textsOf = (value: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(asRecord(value) ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
