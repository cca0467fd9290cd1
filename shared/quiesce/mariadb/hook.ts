/**
 * MariaDB and MySQL, held by a lock of the server while the snapshots are made. All writes that it has told anybody of are
 * in the log of InnoDB then, which is written out for that, and nobody's transaction ends in between, also where other files that belong to it are on other volumes;
 * starting on the copy is a recovery like after a crash, with a position in the log that a replica or a replay can start from.
 * The lock does not stop the server from writing pages, so its own files have to be of one instant.
 *
 * MariaDB from 10.4.1 is held by its own stages for backups, MySQL from 8.0 by the lock of the instance where all tables are
 * of InnoDB, everything else by the lock of all tables, which is never waited for behind a long query.
 */
import { type MariadbHold, wantedOf } from '../../domain/quiesce.ts';
import { turnOf } from '../../domain/turn.ts';
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
        data: facts[`data-${index}`],
      });
      return { ...hold, at };
    }),
};

interface HoldTerms extends Pick<PlannedHold, 'holds'>, Pick<SessionTerms, 'run' | 'name'> {
  readonly way: LockWay;
  readonly hasLog: boolean;
  /** By which the server is the same for all, however it is reached. */
  readonly data?: string | undefined;
}

/** Of a server that is known already. */
export function holdOf(
  hold: MariadbHold,
  { run, name, holds, way, hasLog, data = hold.socket ?? 'default' }: HoldTerms,
): PlannedHold {
  const deadlineSeconds = hold.seconds ?? SECONDS;
  const terms: SessionTerms = {
    ...{ run, name, deadlineSeconds, client: BECOME_CLIENT, clientArgs: clientArgs(hold) },
    waitSeconds: WAIT_SECONDS + 10,
    begin: [
      // Statements mean the same on each server.
      "SET SESSION sql_mode = '';",
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
    turns: [turnOf('mariadb', data, labelOf(hold))],
    ...{ guarantees: way === 'instance' ? 'recovers' : 'application', deadlineSeconds },
    freeze: beginSession(terms),
    prove: proveSession(terms),
  };
}

/**
 * Nobody waits behind a lock of tables that itself waits for a query: where one has run for long, this fails. It is the one
 * way to fail with words of one's own outside of a procedure that all of these servers know; the path is looked at where the
 * statement is prepared, whether it is used or not.
 */
const NOT_BEHIND = [
  `SET @sp_check = (SELECT IF(COUNT(*) = 0, 'DO 0', 'SELECT EXTRACTVALUE(1, ''~a query has run for over 5 s'')') FROM information_schema.PROCESSLIST WHERE COMMAND IN ('Query', 'Execute') AND TIME > 5 AND ID <> CONNECTION_ID());`,
  'PREPARE sp_check FROM @sp_check;',
];

/**
 * Under a lock a commit that was answered may still be in memory alone: it is in the binary log, and by that log a server that starts
 * brings it back. A copy without that log could not start, or would lack what is before its recorded position. A server
 * that writes its log once a second and not with each commit does not do so here either, and is waited for.
 */
const WRITE_OUT = 'FLUSH NO_WRITE_TO_BINLOG ENGINE LOGS;';

/** How far the log of InnoDB is, and how far it is on the disk. */
const lsn = (what: 'CURRENT' | 'FLUSHED'): string =>
  `(SELECT CAST(VARIABLE_VALUE AS UNSIGNED) FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'INNODB_LSN_${what}')`;

/** MariaDB's stages are later than its statements in a row. Of a setting of 2 all is with the file system already, and so in a snapshot. */
const WAIT_FOR_LOG = [
  'DELIMITER //',
  `BEGIN NOT ATOMIC
  DECLARE tries INT DEFAULT 0;
  WHILE @@GLOBAL.innodb_flush_log_at_trx_commit <> 2 AND ${lsn('FLUSHED')} < @sp_lsn DO
    IF tries >= 100 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'InnoDB did not write its log within 5 s'; END IF;
    DO SLEEP(0.05);
    SET tries = tries + 1;
  END WHILE;
END //`,
  'DELIMITER ;',
];

const LOCKS: Readonly<Record<LockWay, readonly string[]>> = {
  stages: [
    ...['BACKUP STAGE START;', 'BACKUP STAGE BLOCK_COMMIT;', `SET @sp_lsn = ${lsn('CURRENT')};`],
    ...[WRITE_OUT, ...WAIT_FOR_LOG],
  ],
  instance: ['LOCK INSTANCE FOR BACKUP;'],
  tables: [...NOT_BEHIND, 'FLUSH TABLES WITH READ LOCK;', WRITE_OUT],
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
