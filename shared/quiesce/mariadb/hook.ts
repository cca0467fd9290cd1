/**
 * MariaDB and MySQL, held by a lock of the server while the snapshots are made. All writes that it has told anybody of are
 * in its logs then, and nobody's transaction ends in between, also where other files that belong to it are on other volumes;
 * starting on the copy is a recovery like after a crash, with a position in the log that a replica or a replay can start from.
 * The lock does not stop the server from writing pages, so its own files have to be of one instant.
 *
 * MariaDB from 10.4.1 is held by its own stages for backups, MySQL from 8.0 by the lock of the instance where all tables are
 * of InnoDB, everything else by the lock of all tables, which is never waited for behind a long query.
 */
import { type MariadbHold, wantedOf } from '../../domain/quiesce.ts';
import type { HoldRecord, Hook, PlannedHold } from '../hook.ts';
import { requireOneInstant } from '../one-instant.ts';
import { beginSession, proveSession, SESSION_PROGRAMS, type SessionTerms, sessionId } from '../session/hold.ts';
import { sessionsOnHost } from '../session/on-host.ts';
import { BECOME_CLIENT, clientArgs, labelOf } from './client.ts';
import { type LockWay, lookAtServers } from './look.ts';

/** So long at the most a server stands still, and so long it is waited for. */
const SECONDS = 20;
const WAIT_SECONDS = 10;

export const mariadb: Hook = {
  onHost: sessionsOnHost,
  programs: SESSION_PROGRAMS,
  look: (source) => {
    const wanted = wantedOf(source, 'mariadb', 'mysql');
    return wanted.length === 0 ? undefined : lookAtServers(wanted.map(({ spec }) => spec));
  },
  plan: (source, run, reading) =>
    wantedOf(source, 'mariadb', 'mysql').map(({ spec, at }, index) => {
      requireOneInstant(labelOf(spec), reading);
      const { facts } = reading.look;
      const hold = holdOf(spec, {
        ...{ run, name: `mariadb-${at}`, holds: 'until-snapshots' },
        way: (facts[`way-${index}`] ?? 'stages') as LockWay,
        hasLog: facts[`binlog-${index}`] === 'yes',
      });
      return { ...hold, at };
    }),
};

interface HoldTerms extends Pick<PlannedHold, 'holds'>, Pick<SessionTerms, 'run' | 'name'> {
  readonly way: LockWay;
  readonly hasLog: boolean;
}

/** Of a server that is known already. */
export function holdOf(hold: MariadbHold, { run, name, holds, way, hasLog }: HoldTerms): PlannedHold {
  const deadlineSeconds = hold.seconds ?? SECONDS;
  const terms: SessionTerms = {
    ...{ run, name, deadlineSeconds, client: BECOME_CLIENT, clientArgs: clientArgs(hold) },
    waitSeconds: WAIT_SECONDS + 5,
    begin: [
      // The server lets go by itself where nothing is heard of us, and does not have others wait behind us.
      `SET SESSION wait_timeout = ${deadlineSeconds + 5};`,
      `SET SESSION lock_wait_timeout = ${WAIT_SECONDS};`,
      ...LOCKS[way],
    ],
    same: [
      "SELECT CONCAT('session ', CONNECTION_ID());",
      "SELECT CONCAT('version ', VERSION());",
      // The lock of an instance lets transactions go on, and the position with them.
      ...(hasLog && way !== 'instance' ? ['SHOW MASTER STATUS;'] : []),
      ...(hasLog && way === 'stages' ? ["SELECT CONCAT('gtid ', @@GLOBAL.gtid_binlog_pos);"] : []),
    ],
    end: UNLOCKS[way],
    mark: (word) => `SELECT '${word}';`,
    read: readRecord,
  };
  return {
    ...{ kind: sessionsOnHost.kind, id: sessionId(terms), label: labelOf(hold), holds },
    ...{ guarantees: way === 'instance' ? 'recovers' : 'application', deadlineSeconds },
    freeze: beginSession(terms),
    prove: proveSession(terms),
  };
}

/**
 * Nobody waits behind a lock of tables that itself waits for a query: where one has run for long, this fails. It is the one
 * way to fail with words of one's own outside of a procedure that all of these servers know.
 */
const NOT_BEHIND = `SELECT IF(COUNT(*) = 0, 1, EXTRACTVALUE(1, '~a query has run for over 5 s')) FROM information_schema.PROCESSLIST WHERE COMMAND IN ('Query', 'Execute') AND TIME > 5 AND ID <> CONNECTION_ID();`;

const LOCKS: Readonly<Record<LockWay, readonly string[]>> = {
  stages: ['BACKUP STAGE START;', 'BACKUP STAGE BLOCK_COMMIT;'],
  instance: ['LOCK INSTANCE FOR BACKUP;'],
  tables: [NOT_BEHIND, 'FLUSH TABLES WITH READ LOCK;'],
};

const UNLOCKS: Readonly<Record<LockWay, readonly string[]>> = {
  stages: ['BACKUP STAGE END;'],
  instance: ['UNLOCK INSTANCE;'],
  tables: ['UNLOCK TABLES;'],
};

function readRecord(lines: readonly string[]): HoldRecord {
  const [session, version, ...rest] = lines;
  if (!/^session \d+$/.test(session ?? '') || version?.startsWith('version ') !== true)
    throw new Error('the server describes its session in another form');
  const gtid = rest.find((line) => line.startsWith('gtid '))?.slice('gtid '.length);
  const [, file, position] = /^([^\t]+)\t(\d+)(?:\t|$)/.exec(rest[0] ?? '') ?? [];
  return {
    server: version.slice('version '.length),
    ...(file === undefined ? {} : { binlog: `${file}:${position}` }),
    ...(gtid === undefined || gtid === '' ? {} : { gtid }),
  };
}
