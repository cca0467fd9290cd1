/** What a server of PostgreSQL is, whether a copy of it would start, and where it keeps its files. */
import type { PostgresqlHold } from '../../domain/quiesce.ts';
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';
import { adviceOn, lastWords } from '../client-words.ts';
import type { HeldPlace, HoldLack, HoldLook } from '../hook.ts';
import { BECOME_CLIENT, clientArgs, labelOf, logOf } from './client.ts';

/** Of all rows of pg_tablespace: changes with every place in which the server keeps something. */
export const PLACES_SUM = `md5(coalesce(string_agg(oid || ':' || pg_tablespace_location(oid), ',' ORDER BY oid), ''))`;

const hex = (expression: string): string => `encode(convert_to(coalesce(${expression}, ''), 'UTF8'), 'hex')`;

/** Values are in hexadecimal digits, so that no path can look like something else. */
const ASK = `
SET statement_timeout = '30s';
SELECT 'version ' || current_setting('server_version_num');
SELECT 'data ' || ${hex("(SELECT setting FROM pg_settings WHERE name = 'data_directory')")};
SELECT 'space ' || ${hex('pg_tablespace_location(oid)')} FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global');
SELECT 'safe ' || ${hex("current_setting('fsync') || ' ' || current_setting('full_page_writes')")};
SELECT 'places ' || ${PLACES_SUM} FROM pg_tablespace;
SELECT 'standby ' || CASE WHEN pg_is_in_recovery() THEN 1 ELSE 0 END;
SELECT 'log ' || ${hex("current_setting('wal_level')")};
SELECT 'flush ' || CASE WHEN (SELECT usesuper FROM pg_user WHERE usename = current_user)
  OR EXISTS (SELECT FROM pg_roles WHERE rolname = 'pg_checkpoint' AND pg_has_role(current_user, oid, 'USAGE')) THEN 1 ELSE 0 END;
SELECT 'end ' || pg_backend_pid();`;

export function lookAtServers(wanted: readonly PostgresqlHold[]): RemoteCommand<HoldLook> {
  const script: RemoteScript = {
    name: 'look-at-postgresql',
    script: `
ask=$1 become=$2
shift 2
while [ $# -gt 0 ]; do
  said=$(printf '%s\\n' "$ask" | timeout 60 /bin/sh -c "$become" sh "$1" "$2" "$3" 2>&1)
  code=$?
  printf '%s\\0%s\\0' "$code" "$(printf '%s' "$said" | head -c 200000)"
  shift 3
done`,
    args: [ASK, BECOME_CLIENT, ...wanted.flatMap(clientArgs)],
    needs: 'root',
  };
  return {
    ...script,
    budgetMs: 90_000 * wanted.length,
    repeatable: true,
    parse: ({ stdout }) => {
      const fields = stdout.toString('latin1').split('\0');
      if (fields.length !== wanted.length * 2 + 1)
        throw unreadableOutput(script, 'it says another number of things', stdout.toString('latin1').slice(0, 500));
      const looks = wanted.map((hold, index) => readServer(hold, fields[2 * index] ?? '', fields[2 * index + 1] ?? ''));
      return {
        lacks: looks.flatMap(({ lacks }) => lacks),
        places: looks.flatMap(({ places }) => places),
        facts: Object.fromEntries(
          looks.flatMap(({ facts }, index) => Object.entries(facts).map(([key, value]) => [`${key}-${index}`, value])),
        ),
      };
    },
  };
}

function unreached(hold: PostgresqlHold, said: string): HoldLack {
  return {
    message: `${labelOf(hold)} cannot be asked: ${lastWords(said)}.`,
    advice: adviceOn(
      said,
      'Stillpoint logs in by the socket, as the account that owns the server: name another one with "hostUser", another place with "socket" and "port".',
    ),
  };
}

/** Strict: an answer in another form is a lack, and never a guess. */
function readServer(hold: PostgresqlHold, code: string, said: string): HoldLook {
  const label = labelOf(hold);
  const lines = said.split('\n').filter((line) => line !== '');
  const odd = lines.find((line) => !/^(version|data|space|safe|places|standby|log|flush|end) [0-9a-f]*$/.test(line));
  if (code !== '0' || odd !== undefined || lines.at(-1)?.startsWith('end ') !== true)
    return {
      lacks: [unreached(hold, code === '0' ? `it answers in another form: ${odd ?? ''}` : said)],
      places: [],
      facts: {},
    };
  const values = (key: string): string[] =>
    lines.filter((line) => line.startsWith(`${key} `)).map((line) => line.slice(key.length + 1));
  const bytes = (text = ''): Buffer => Buffer.from(text, 'hex');
  const [folder = Buffer.alloc(0)] = values('data').map(bytes);
  const lacks: HoldLack[] = [];
  if (folder.length === 0) {
    lacks.push({
      message: `The account that is used on ${label} may not see where its data is.`,
      advice: 'Give it what it needs: GRANT pg_read_all_settings TO …',
    });
  }
  if (bytes(values('safe')[0]).toString('latin1') !== 'on on') {
    lacks.push({
      message: `${label} runs with "fsync" or "full_page_writes" off, and a copy of one instant of it may be damaged.`,
      advice: 'Switch both on, or have the service stopped for the snapshots: "stop".',
    });
  }
  const mayFlush = values('flush')[0] === '1';
  if (hold.checkpoint === true && !mayFlush) {
    lacks.push({
      message: `The account that is used on ${label} may not write a checkpoint.`,
      advice: `${MAY_FLUSH}; leave "checkpoint" out, or name another account with "hostUser".`,
    });
  }
  const below = (name: string): Buffer => Buffer.concat([folder, Buffer.from(name)]);
  const places: HeldPlace[] = [
    { what: `the data of ${label}`, path: folder },
    { what: logOf(label), path: below('/pg_wal') },
    ...values('space').map((space) => ({ what: `a tablespace of ${label}`, path: bytes(space) })),
  ];
  return {
    ...{ lacks, places: places.filter(({ path }) => path.length > 0) },
    facts: {
      data: folder.toString('latin1'),
      places: values('places')[0] ?? '',
      standby: values('standby')[0] === '0' ? 'no' : 'yes',
      log: bytes(values('log')[0]).toString('latin1'),
      flush: mayFlush ? 'may' : 'may not',
    },
  };
}

export const MAY_FLUSH = 'GRANT pg_checkpoint TO …, from version 15 on; before that only a superuser may';
