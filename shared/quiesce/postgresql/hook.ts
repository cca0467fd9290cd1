/**
 * PostgreSQL. Nothing of it is held where all of its files are of one instant: starting on the copy is a recovery like after
 * a crash, which it is made for, and comes to a state between two transactions. What has to be proved is that all of them
 * are of one instant, that it was the same server with the same places before and after, and that nobody has switched off
 * what the recovery needs. Where its files are of several instants, such a copy may not start, or worse; this is refused.
 */
import { type PostgresqlHold, wantedOf } from '../../domain/quiesce.ts';
import type { HoldRecord, Hook, PlannedHold } from '../hook.ts';
import { requireOneInstant } from '../one-instant.ts';
import { beginSession, proveSession, SESSION_PROGRAMS, type SessionTerms, sessionId } from '../session/hold.ts';
import { sessionsOnHost } from '../session/on-host.ts';
import { BECOME_CLIENT, clientArgs, labelOf } from './client.ts';
import { lookAtServers } from './look.ts';

/** A checkpoint of a busy server takes its time, and nobody waits for it meanwhile. */
const SECONDS = 120;

export const postgresql: Hook = {
  onHost: sessionsOnHost,
  programs: SESSION_PROGRAMS,
  look: (source) => {
    const wanted = wantedOf(source, 'postgresql');
    return wanted.length === 0 ? undefined : lookAtServers(wanted.map(({ spec }) => spec));
  },
  plan: (source, run, reading) =>
    wantedOf(source, 'postgresql').map(({ spec, at }) => {
      requireOneInstant(labelOf(spec), reading);
      return { ...holdOf(spec, { run, name: `postgresql-${at}`, holds: 'until-snapshots' }), at };
    }),
};

type HoldTerms = Pick<PlannedHold, 'holds'> & Pick<SessionTerms, 'run' | 'name'>;

export function holdOf(hold: PostgresqlHold, { run, name, holds }: HoldTerms): PlannedHold {
  const deadlineSeconds = hold.seconds ?? SECONDS;
  const terms: SessionTerms = {
    ...{ run, name, deadlineSeconds, client: BECOME_CLIENT, clientArgs: clientArgs(hold) },
    waitSeconds: deadlineSeconds,
    begin: [
      `SET statement_timeout = '${deadlineSeconds}s';`,
      "SET application_name = 'stillpoint';",
      UNSAFE,
      ...(hold.checkpoint === true ? ['CHECKPOINT;'] : []),
    ],
    same: [
      "SELECT 'session ' || pg_backend_pid() || ' ' || extract(epoch FROM pg_postmaster_start_time());",
      "SELECT 'version ' || current_setting('server_version');",
      "SELECT 'system ' || system_identifier FROM pg_control_system();",
      "SELECT 'settings ' || current_setting('fsync') || ' ' || current_setting('full_page_writes');",
      "SELECT 'places ' || md5(coalesce(string_agg(oid || ':' || pg_tablespace_location(oid), ',' ORDER BY oid), '')) FROM pg_tablespace;",
    ],
    last: [
      "SELECT 'lsn ' || CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END;",
    ],
    end: [],
    mark: (word) => `SELECT '${word}';`,
    read: readRecord,
  };
  return {
    ...{ kind: sessionsOnHost.kind, id: sessionId(terms), label: labelOf(hold), guarantees: 'recovers', holds },
    deadlineSeconds,
    freeze: beginSession(terms),
    prove: proveSession(terms),
  };
}

const UNSAFE = `DO $$ BEGIN
  IF current_setting('fsync') || current_setting('full_page_writes') <> 'onon' THEN
    RAISE EXCEPTION '"fsync" or "full_page_writes" is off, and a recovery needs both';
  END IF;
END $$;`;

/** The position is one that the copy has not reached, or has just: it was asked for after the instant. */
function readRecord(lines: readonly string[]): HoldRecord {
  const value = (key: string, form: RegExp): string => {
    const found = lines.find((line) => line.startsWith(`${key} `))?.slice(key.length + 1);
    if (found === undefined || !form.test(found)) throw new Error('the server describes itself in another form');
    return found;
  };
  return {
    server: `PostgreSQL ${value('version', /^\d/)}`,
    system: value('system', /^\d+$/),
    'position afterwards': value('lsn', /^[0-9A-F]+\/[0-9A-F]+$/),
  };
}
