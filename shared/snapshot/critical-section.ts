/**
 * The critical section of a run: one script holds the applications still, makes all snapshots of all storages back to
 * back, proves the holds and lets go, with no round trip to us in between.
 *
 * Invariants. Nothing is held without a watchman who lets it go in time. Each hold and each snapshot is recorded on the
 * host before it is made. What goes wrong anywhere, everything that is held is let go before the script ends. The times
 * of an instant are read just before and just after the one program that makes it. A snapshot that was made while the
 * run was being removed is removed here: whoever removed the run did so before it was there.
 *
 * Crash story. Ended by a signal, the script finishes the step it is in. Killed, it leaves the holds to the watchman until
 * their deadline, and the snapshots to the release, to the watchman or to the next sweep.
 */
import { invariant } from '../base/errors.ts';
import type { TurnTaken } from '../domain/turn.ts';
import type { HoldRecord, PlannedHold } from '../quiesce/hook.ts';
import type { RemoteCommand, RemoteScript } from '../remote/command.ts';
import { FAILED, type FailedPart, FieldReader, type Fragment, joinParts } from '../remote/fragment.ts';
import { RUN_ROOT } from '../remote/run-root.ts';
import { ENTER } from './host/namespace.ts';
import { WATCHED } from './host/run-folder.ts';
import type { HostScripts } from './host/scripts.ts';
import { LEAVE_TURNS, readTaken, type SectionTurn, TAKE_TURNS, wordsOfTurns } from './host/turns.ts';
import type { RunIdentity } from './provider.ts';

/** Exit codes of the section's own functions, in whichever part they were called. */
export const SECTION_EXITS = { noRecord: 71, leaseEnded: 75 } as const;

export interface Section extends RunIdentity {
  readonly holds: readonly PlannedHold[];
  readonly creates: readonly Fragment<unknown>[];
  /** What no other run may have meanwhile, each once and in order; nothing unless said. */
  readonly turns?: readonly SectionTurn[];
}

/** Between which two moments something happened on the host: uptime in seconds, to a hundredth. */
interface Instant {
  readonly beforeUptime: number;
  readonly afterUptime: number;
}

interface SectionResult {
  /** One for each fragment, with what it printed itself. */
  readonly made: readonly MadeSnapshot[];
  /** One for each hold. */
  readonly held: readonly HeldSpan[];
}

export interface MadeSnapshot extends Instant {
  readonly id: string;
  /** The host's clock just before, in ns since 1970. It must not be later than the instant. */
  readonly wallClockNs: bigint;
  readonly own: unknown;
}

/** How an application was held; uptimes of the host in seconds. */
export interface HeldSpan {
  /** When the freeze had ended. */
  readonly fromUptime: number;
  /** When it was proved, after the last instant, that the hold had lasted; undefined where it had not. */
  readonly provedUptime: number | undefined;
  /** When it was let go; undefined where it goes on, or where letting go failed. */
  readonly untilUptime: number | undefined;
  /** What the proof found; empty where there was none. */
  readonly record: HoldRecord;
}

/**
 * Where a part failed, everything was let go; what could not be, the release names. Where another run has one of the turns, nothing
 * was begun.
 */
export type SectionAnswer =
  | { readonly failed: FailedPart }
  | { readonly taken: TurnTaken }
  | { readonly result: SectionResult };

/**
 * sp_plan KIND ID: notes what is going to be made, once for each snapshot and before anything of it is; ends the part where the
 * lease is over, or the watchman has given the run up.
 *
 * sp_instant COMMAND…: runs the one program, or function, that makes a snapshot; its exit code is the program's.
 *
 * sp_share KEY: keeps the last instant under this key, for parts that come later and whose snapshots the same program made; all
 * of them were noted with sp_plan before. sp_shared KEY KIND ID: takes it up, for the snapshot of this part.
 *
 * sp_standing: whether the run goes on; ends the part where it does not, and what it may have made goes.
 *
 * sp_made [PROOF…]: the snapshot stands: notes it with its proofs, which `remove` and `guard` are given later, and prints what
 * the section says of it; the part prints its own fields after that.
 *
 * sp_enter "$run" COMMAND…: runs it in the run's namespace, which is there already. $dir is the run's folder.
 *
 * sp_beside NAME: whether another run that is on the host still has, or had, this turn: then less may be left than was planned with.
 */
const FOR_CREATES = `
sp_plan() {
  sp_goes_on "$run" || exit ${SECTION_EXITS.leaseEnded}
  sp_kind=$1 sp_id=$2
  echo "$1 $2" >> "$dir/planned" || exit ${SECTION_EXITS.noRecord}
}
sp_instant() {
  sp_wall=$(date +%s.%N)
  read -r sp_before sp_idle < /proc/uptime
  "$@"
  sp_result=$?
  read -r sp_after sp_idle < /proc/uptime
  return "$sp_result"
}
sp_share() { echo "$sp_wall $sp_before $sp_after" > "$dir/instant-$1.new" || exit ${SECTION_EXITS.noRecord}; }
sp_shared() {
  sp_kind=$2 sp_id=$3
  read -r sp_wall sp_before sp_after < "$dir/instant-$1.new" || exit ${SECTION_EXITS.noRecord}
}
sp_standing() {
  sp_goes_on "$run" && return 0
  { ( sp_remove "$sp_kind" "$run" "$owner" "$sp_id" </dev/null ); sp_alive "$run" || sp_reap "$run" "$owner"; } >&2
  exit ${SECTION_EXITS.leaseEnded}
}
sp_made() {
  sp_standing
  echo "$sp_kind $sp_id $*" >> "$dir/snapshots" || exit ${SECTION_EXITS.noRecord}
  sp_standing
  printf '%s\\0%s\\0%s\\0%s\\0' "$sp_id" "$sp_before" "$sp_after" "$sp_wall"
}`;

/**
 * sp_hold KIND ID SECONDS: notes what is going to be held, "-" SECONDS for until the run ends.
 *
 * sp_uptime: prints it.
 */
const FOR_HOLDS = `
sp_uptime() { read -r sp_now sp_idle < /proc/uptime; printf '%s\\0' "$sp_now"; }
sp_hold() {
  sp_goes_on "$run" && sp_watched "$run" || exit ${SECTION_EXITS.leaseEnded}
  sp_due=-
  [ "$3" = - ] || sp_due=$((\${sp_up%%.*} + $3))
  echo "$1 $2 $sp_due" >> "$dir/holds" || exit ${SECTION_EXITS.noRecord}
}
# Let go in the meantime, by the watchman: then what the freeze did last may still hold.
sp_still_held() { ! grep -qxF "$1 $2" "$dir/thawed" 2>/dev/null; }`;

export function takeSnapshots(section: Section, scripts: HostScripts): RemoteCommand<SectionAnswer> {
  const { run, owner, holds, creates, turns = [] } = section;
  for (const { name } of turns) invariant(HOST_WORD.test(name), 'a turn is named by a word for records');
  for (const { kind, id } of holds) invariant(HOST_WORD.test(`${kind}${id}`), 'a hold is named by words for records');
  const words = holds.flatMap(({ kind, id, ...hold }) => [kind, id, secondsOf(hold)]);
  const freezes = holds.map(({ freeze }) => freeze);
  const proofs = holds.map(({ prove }) => prove);
  const budgetMs =
    150_000 * Math.max(1, creates.length) + holds.reduce((sum, { deadlineSeconds }) => sum + deadlineSeconds * 1000, 0);
  const parts = joinParts([...freezes, ...creates, ...proofs], 2 + words.length);
  const args = [run, owner, ...words, ...parts.args];
  const turnWords = turns.length === 0 ? [] : [String(Math.ceil(budgetMs / 1000)), ...wordsOfTurns(turns)];
  const taking = turnWords.map((_, index) => `"\${${args.length + 1 + index}}"`).join(' ');
  const script: RemoteScript = {
    name: 'take-snapshots',
    script: [
      scripts.reap,
      WATCHED,
      ...(holds.length === 0 ? [] : [FOR_HOLDS]),
      ...[TAKE_TURNS, LEAVE_TURNS],
      ...[ENTER, FOR_CREATES, FAILED, parts.functions],
      `# A client that gives up ends us; but a program finishes what it began, and somebody has to see to the result.
trap '' PIPE
trap : HUP INT TERM
run=$1 owner=$2
dir=${RUN_ROOT}/$run
sp_give_up() {
  ! sp_thaw "$run" all >&2 || sp_leave_turns "$run" all
  sp_goes_on "$run" || sp_failed "$1" ${SECTION_EXITS.leaseEnded}
  sp_failed "$@"
}`,
      ...(turns.length === 0 ? [] : [`sp_take_turns ${taking}`]),
      ...holds.map((_, index) => freezing(index, parts.call(index))),
      ...creates.map((_, index) => creating(holds.length + index, parts.call(holds.length + index))),
      ...holds.map((_, index) => proving(index, parts.call(holds.length + creates.length + index))),
      ...(holds.length === 0 ? [] : [letGo(holds)]),
      // What could not be let go keeps its turn until that ends by itself.
      `[ "\${sp_free:-0}" != 0 ] || sp_leave_turns "$run" section`,
      'exit 0',
    ].join('\n'),
    args: [...args, ...turnWords],
    needs: 'root',
  };
  return {
    ...script,
    budgetMs,
    repeatable: false,
    parse: ({ stdout, stderr }) => parseAnswer(new FieldReader(stdout, stderr, script), section),
  };
}

/** A word of a record. */
const HOST_WORD = /^[A-Za-z0-9+_.:/=@,-]+$/;

const secondsOf = ({ holds, deadlineSeconds }: Pick<PlannedHold, 'holds' | 'deadlineSeconds'>): string =>
  holds === 'until-read' ? '-' : String(deadlineSeconds);

/** "$3", "$4" and "$5" are kind, id and seconds of the first hold. */
const wordsOf = (index: number, count: number): string =>
  Array.from({ length: count }, (_, word) => `"\${${3 + 3 * index + word}}"`).join(' ');

function freezing(index: number, call: string): string {
  return `( sp_hold ${wordsOf(index, 3)} ) || sp_give_up ${index + 1} $?
${call} </dev/null >/dev/null || sp_give_up ${index + 1} $?
sp_uptime`;
}

/** What a part printed that then failed is not passed on. */
function creating(part: number, call: string): string {
  return `${call} > "$dir/part.new" || sp_give_up ${part + 1} $?
cat "$dir/part.new"`;
}

function proving(index: number, call: string): string {
  return `if ${call} </dev/null > "$dir/part.new" && sp_still_held ${wordsOf(index, 2)}; then sp_uptime; cat "$dir/part.new"; else printf '\\0'; fi`;
}

function letGo(holds: readonly PlannedHold[]): string {
  const ends = holds.map((hold) =>
    hold.holds === 'until-read' ? `printf '\\0'` : `if [ "$sp_free" = 0 ]; then sp_uptime; else printf '\\0'; fi`,
  );
  return ['sp_thaw "$run" section >&2', 'sp_free=$?', ...ends].join('\n');
}

function parseAnswer(reader: FieldReader, { holds, creates, turns = [] }: Section): SectionAnswer {
  const taken = readTaken(reader, turns);
  if (taken !== undefined) return { taken };
  const froms: number[] = [];
  const made: MadeSnapshot[] = [];
  for (const _ of holds) {
    const failed = reader.failure();
    if (failed !== undefined) return { failed };
    froms.push(uptime(reader));
  }
  for (const create of creates) {
    const failed = reader.failure();
    if (failed !== undefined) return { failed };
    made.push(readMade(reader, create));
  }
  const proved = holds.map((hold) => readProof(reader, hold));
  const untils = holds.map(() => reader.moment());
  reader.end();
  const held = froms.map((fromUptime, index) => ({
    ...{ fromUptime, provedUptime: undefined, record: {}, ...proved[index] },
    untilUptime: untils[index],
  }));
  return { result: { made, held } };
}

/** What a proof comes to; nothing was printed where it failed. */
export function readProof(
  reader: FieldReader,
  { prove }: Pick<PlannedHold, 'prove'>,
): Pick<HeldSpan, 'provedUptime' | 'record'> {
  const provedUptime = reader.moment();
  return { provedUptime, record: provedUptime === undefined ? {} : reader.read(prove) };
}

function readMade(reader: FieldReader, create: Fragment<unknown>): MadeSnapshot {
  const id = reader.next();
  const [beforeUptime, afterUptime] = [uptime(reader), uptime(reader)];
  // A date(1) without %N prints it as it is.
  const clock = /^(\d+)(?:\.(\d{9}))?/.exec(reader.next());
  if (clock === null || !HOST_WORD.test(id)) throw reader.unreadable('a snapshot is described in another form');
  const wallClockNs = BigInt(clock[1] ?? 0) * 1_000_000_000n + BigInt(clock[2] ?? 0);
  return { id, beforeUptime, afterUptime, wallClockNs, own: reader.read(create) };
}

function uptime(reader: FieldReader): number {
  const at = reader.moment();
  if (at === undefined) throw reader.unreadable('a moment is missing');
  return at;
}
