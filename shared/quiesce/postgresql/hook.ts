/**
 * PostgreSQL. Nothing of it is held: starting on the copy is a recovery like after a crash, which it is made for, and comes to a
 * state between two transactions. What has to be proved is that all of its files are of one instant, or of several that its
 * log joins (`several-instants.ts`), that it was the same server with the same places before and after, and that nobody has
 * switched off what the recovery needs.
 */
import { type PostgresqlHold, wantedOf } from '../../domain/quiesce.ts';
import { turnOf } from '../../domain/turn.ts';
import type { HoldRecord, Hook, JoinedInstants, PlannedHold } from '../hook.ts';
import { beginSession, proveSession, SESSION_PROGRAMS, type SessionTerms, sessionId } from '../session/hold.ts';
import { sessionsOnHost } from '../session/on-host.ts';
import { BECOME_CLIENT, clientArgs, labelOf } from './client.ts';
import { lookAtServers, PLACES_SUM } from './look.ts';
import { joinedInstants, LAST_CHECKPOINT, type ServerFact, UNSAFE_IN_PARTS } from './several-instants.ts';

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
    wantedOf(source, 'postgresql').map(({ spec, at }, index) => {
      const fact: ServerFact = (key) => reading.look.facts[`${key}-${index}`];
      const joins = joinedInstants(labelOf(spec), reading, fact);
      const terms = { run, name: `postgresql-${at}`, holds: 'until-snapshots' } as const;
      return { ...holdOf(spec, { ...terms, joins, places: fact('places'), data: fact('data') }), at };
    }),
};

interface HoldTerms extends Pick<PlannedHold, 'holds'>, Pick<SessionTerms, 'run' | 'name'> {
  readonly joins?: JoinedInstants | undefined;
  /** What the look found of where it keeps its files. */
  readonly places?: string | undefined;
  /** By which the server is the same for all, however it is reached. */
  readonly data?: string | undefined;
}

export function holdOf(hold: PostgresqlHold, { run, name, holds, joins, places, data }: HoldTerms): PlannedHold {
  const deadlineSeconds = hold.seconds ?? SECONDS;
  const label = labelOf(hold);
  const terms: SessionTerms = {
    ...{ run, name, deadlineSeconds, client: BECOME_CLIENT, clientArgs: clientArgs(hold) },
    waitSeconds: deadlineSeconds,
    begin: [
      `SET statement_timeout = '${deadlineSeconds}s';`,
      "SET application_name = 'stillpoint';",
      UNSAFE,
      ...(places === undefined ? [] : [movedFrom(places)]),
      ...(joins === undefined ? [] : [UNSAFE_IN_PARTS]),
      ...(hold.checkpoint === true || joins !== undefined ? ['CHECKPOINT;'] : []),
    ],
    same: [
      "SELECT 'session ' || pg_backend_pid() || ' ' || extract(epoch FROM pg_postmaster_start_time());",
      "SELECT 'version ' || current_setting('server_version');",
      "SELECT 'system ' || system_identifier FROM pg_control_system();",
      "SELECT 'settings ' || current_setting('fsync') || ' ' || current_setting('full_page_writes');",
      `SELECT 'places ' || ${PLACES_SUM} FROM pg_tablespace;`,
      ...(joins === undefined ? [] : [LAST_CHECKPOINT]),
    ],
    last: [
      "SELECT 'lsn ' || CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END;",
    ],
    end: [],
    mark: (word) => `SELECT '${word}';`,
    read: readRecord,
  };
  return {
    ...{ kind: sessionsOnHost.kind, id: sessionId(terms), label, guarantees: 'recovers', holds },
    // One run's checkpoint ends what another one has to prove.
    turns: [turnOf('postgresql', data ?? clientArgs(hold).slice(0, 2).join(':'), label)],
    ...(joins === undefined ? {} : { joins, risk: checkpointRisk(label, joins) }),
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

/** @param places the sum when the plan was made: what came to be since then is not among what is saved */
const movedFrom = (places: string): string => `DO $$ BEGIN
  IF (SELECT ${PLACES_SUM} FROM pg_tablespace) <> '${places}' THEN
    RAISE EXCEPTION 'a tablespace was made or removed since the plan was made';
  END IF;
END $$;`;

const checkpointRisk = (label: string, { instants }: JoinedInstants): string =>
  `The files of ${label} lie on ${instants.length} volumes with an instant each: it is told to write a checkpoint at once, which its disks will feel, and no other one may be completed until the snapshots stand.`;

const LSNS = /^[0-9A-F]+\/[0-9A-F]+ [0-9A-F]+\/[0-9A-F]+ \d+$/;

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
    ...(lines.some((line) => line.startsWith('checkpoint '))
      ? { 'recovers from': value('checkpoint', LSNS).split(' ')[1] ?? '' }
      : {}),
    'position afterwards': value('lsn', /^[0-9A-F]+\/[0-9A-F]+$/),
  };
}
