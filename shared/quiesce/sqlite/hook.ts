/**
 * SQLite. What a crash leaves of it recovers only where every program that writes to it lets it synchronise and keep its
 * journal on the disk (`synchronous`, `journal_mode`), which nobody can see from outside. So one instant alone proves nothing, and
 * a reading transaction is kept open across the snapshots, in a session that ends by itself.
 *
 * Why a copy of one instant is whole then, whatever these settings are. Without a log, nobody writes to the file while the
 * transaction lasts: writers wait to commit, or give up after a time of their own; so the file is as the last commit before left it,
 * and a journal beside it has nothing that differs. With a log ("wal") writers go on and append to it. What is
 * moved into the file meanwhile was in the log before the transaction began, and stays there as long as it lasts, so it is in
 * the copy; and the log is read up to the last transaction that is whole in it.
 *
 * What has to be proved: that it is the same transaction, and that the file at this path is still the one that it reads.
 */
import { type SqliteHold, wantedOf } from '../../domain/quiesce.ts';
import { turnOf } from '../../domain/turn.ts';
import type { Fragment } from '../../remote/fragment.ts';
import { RUN_ROOT } from '../../remote/run-root.ts';
import type { HoldRecord, Hook, PlannedHold } from '../hook.ts';
import { requireOneInstant } from '../one-instant.ts';
import { beginSession, proveSession, SESSION_PROGRAMS, type SessionTerms, sessionId } from '../session/hold.ts';
import { sessionsOnHost } from '../session/on-host.ts';
import { BECOME_CLIENT, BEGIN, clientArgs, labelOf, WAIT_SECONDS } from './client.ts';
import { lookAtDatabases } from './look.ts';

/** So long at the most those wait who commit to a database without a log. */
const SECONDS = 20;

export const sqlite: Hook = {
  onHost: sessionsOnHost,
  programs: SESSION_PROGRAMS,
  look: (source) => {
    const wanted = wantedOf(source, 'sqlite');
    return wanted.length === 0 ? undefined : lookAtDatabases(wanted.map(({ spec }) => spec));
  },
  plan: (source, run, reading) =>
    wantedOf(source, 'sqlite').map(({ spec, at }, index) => {
      requireOneInstant(labelOf(spec), reading);
      const hold = holdOf(spec, { run, name: `sqlite-${at}`, holds: 'until-snapshots' });
      return { ...hold, at, ...(reading.look.facts[`mode-${index}`] === 'wal' ? {} : { risk: waiting(spec) }) };
    }),
};

const waiting = (hold: SqliteHold): string =>
  `Who commits to ${labelOf(hold)} waits until the snapshots stand, or gives up after a time of its own; with "PRAGMA journal_mode=wal" nobody waits.`;

export function holdOf(
  hold: SqliteHold,
  { run, name, holds }: Pick<SessionTerms, 'run' | 'name'> & Pick<PlannedHold, 'holds'>,
): PlannedHold {
  const deadlineSeconds = hold.seconds ?? SECONDS;
  const terms: SessionTerms = {
    ...{ run, name, deadlineSeconds, client: BECOME_CLIENT, clientArgs: clientArgs(hold) },
    waitSeconds: WAIT_SECONDS + 5,
    begin: BEGIN,
    // Another one where the transaction has ended and somebody has committed since.
    same: ["SELECT 'version ' || data_version FROM pragma_data_version;", 'PRAGMA journal_mode;'],
    end: ['COMMIT;'],
    mark: (word) => `SELECT '${word}';`,
    read: readRecord,
  };
  return {
    ...{ kind: sessionsOnHost.kind, id: sessionId(terms), label: labelOf(hold), guarantees: 'recovers', holds },
    // Those who wait for one that reads would wait for the other, too.
    turns: [turnOf('sqlite', hold.file, labelOf(hold))],
    deadlineSeconds,
    freeze: beginSession(terms),
    prove: proveSameFile(proveSession(terms), terms, hold),
  };
}

/** Before the session is asked: what its client has open is what is at the path. */
function proveSameFile(
  proof: Fragment<HoldRecord>,
  terms: Pick<SessionTerms, 'run' | 'name'>,
  { file }: SqliteHold,
): Fragment<HoldRecord> {
  return {
    ...proof,
    script: `
sp_reads() {
  read -r sp_keeper sp_since sp_client sp_since < "$1/who" || return 1
  # A program that became another account may have started the client.
  for sp_one in "$sp_client" $(cat "/proc/$sp_client/task/$sp_client/children" 2>/dev/null); do
    [ -z "$(find -L "/proc/$sp_one/fd" -maxdepth 1 -samefile "$2" 2>/dev/null)" ] || return 0
  done
  return 1
}
sp_reads "$1" "$2" || { echo 'another file is in its place' >&2; exit 1; }
shift 2${proof.script}`,
    args: [`${RUN_ROOT}/${sessionId(terms)}`, file, ...proof.args],
  };
}

function readRecord(lines: readonly string[]): HoldRecord {
  const [version = '', mode = '', ...more] = lines;
  if (!/^version \d+$/.test(version) || !/^[a-z]+$/.test(mode) || more.length > 0)
    throw new Error('the database describes itself in another form');
  return { 'kept in': mode === 'wal' ? 'its file and its log' : 'its file' };
}
