/**
 * Redis and Valkey. Nothing is held: what it has answered is in its append-only file, where it has one, and a snapshot of one
 * instant has that. Without one, it writes its data into a file before the instant (BGSAVE), which then has all up to that
 * moment. What has to be proved is that it was the same server, and that its last writing did not fail.
 */
import { type RedisHold, wantedOf } from '../../domain/quiesce.ts';
import { turnOf } from '../../domain/turn.ts';
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';
import type { Fragment } from '../../remote/fragment.ts';
import { lastWords } from '../client-words.ts';
import type { HoldFunctions, HoldLook, HoldRecord, Hook, PlannedHold } from '../hook.ts';
import { requireOneInstant } from '../one-instant.ts';

/** A large one takes its time to be written, and nobody waits for it meanwhile. */
const SECONDS = 600;

const redisOnHost: HoldFunctions = {
  kind: 'redis',
  script: `
sp_redis_thaw() { return 0; }`,
};

/**
 * sp_redis SOCKET PORT PASSWORD-FILE COMMAND…: prints the answer. The password goes in by standard input, and is no argument of
 * anything.
 *
 * sp_redis_fact SOCKET PORT PASSWORD-FILE FIELD…: prints these fields of INFO, a line each, "field:value".
 */
const ASK = `
sp_redis() {
  sp_socket=$1 sp_port=$2 sp_secret=$3
  shift 3
  sp_cli=$(command -v redis-cli || command -v valkey-cli) || { echo 'there is neither "redis-cli" nor "valkey-cli" on it' >&2; return 127; }
  {
    # In hexadecimal digits, because its client has quotes of its own.
    [ -z "$sp_secret" ] || printf 'AUTH "%s"\\n' "$(head -n 1 "$sp_secret" | tr -d '\\n' | od -An -v -tx1 | tr -d ' \\n' | sed 's/../\\\\x&/g')"
    printf '%s\\n' "$*"
  } | if [ -n "$sp_socket" ]; then timeout 60 "$sp_cli" -s "$sp_socket"; else timeout 60 "$sp_cli" -h 127.0.0.1 -p "$sp_port"; fi |
    if [ -n "$sp_secret" ]; then sed '1{/^OK/d;}'; else cat; fi | tr -d '\\r'
}
sp_redis_fact() {
  sp_all=$(sp_redis "$1" "$2" "$3" INFO) || return 1
  shift 3
  for sp_field do printf '%s\\n' "$sp_all" | grep "^$sp_field:" || { printf '%s\\n' "$sp_all" | head -n 1 >&2; return 1; }; done
}`;

const argsOf = ({ socket = '', port = 6379, passwordFileOnHost = '' }: RedisHold): readonly string[] => [
  socket,
  String(port),
  passwordFileOnHost,
];

const labelOf = ({ socket, port = 6379 }: RedisHold): string => {
  if (socket !== undefined) return `Redis at ${socket}`;
  return port === 6379 ? 'Redis' : `Redis at port ${port}`;
};

export const redis: Hook = {
  onHost: redisOnHost,
  programs: { coreutils: 'head tr' },
  look: (source) => {
    const wanted = wantedOf(source, 'redis');
    return wanted.length === 0 ? undefined : lookAtServers(wanted.map(({ spec }) => spec));
  },
  plan: (source, run, reading) =>
    wantedOf(source, 'redis').map(({ spec, at }) => {
      requireOneInstant(labelOf(spec), reading);
      return { ...holdOf(spec, `${run}/redis-${at}`), at };
    }),
};

export function holdOf(hold: RedisHold, id: string): PlannedHold {
  const deadlineSeconds = hold.seconds ?? SECONDS;
  return {
    ...{ kind: redisOnHost.kind, id, label: labelOf(hold), guarantees: 'recovers', holds: 'until-snapshots' },
    // It writes out for one at a time.
    turns: [turnOf('redis', hold.socket ?? String(hold.port ?? 6379), labelOf(hold))],
    deadlineSeconds,
    freeze: writeOut(id, hold, deadlineSeconds),
    prove: proveSame(id, hold),
  };
}

export function lookAtServers(wanted: readonly RedisHold[]): RemoteCommand<HoldLook> {
  const script: RemoteScript = {
    name: 'look-at-redis',
    script: `${ASK}
while [ $# -gt 0 ]; do
  folder= saving=
  said=$(sp_redis_fact "$1" "$2" "$3" redis_version run_id aof_enabled 2>&1) && folder=$(sp_redis "$1" "$2" "$3" CONFIG GET dir 2>&1)
  # Whether it may be asked is looked at before the words of the question, of which this is none.
  case $said in *aof_enabled:0) saving=$(sp_redis "$1" "$2" "$3" BGSAVE MAY-I 2>&1) ;; esac
  printf '%s\\0%s\\0%s\\0' "$(printf '%s' "$said" | head -c 4000)" "$folder" "$saving"
  shift 3
done`,
    args: wanted.flatMap(argsOf),
    needs: 'root',
  };
  return {
    ...script,
    budgetMs: 150_000 * wanted.length,
    repeatable: true,
    parse: ({ stdout }) => {
      const fields = stdout.toString('latin1').split('\0');
      if (fields.length !== wanted.length * 3 + 1)
        throw unreadableOutput(script, 'it says another number of things', stdout.toString('latin1').slice(0, 500));
      const looks = wanted.map((hold, index): HoldLook => {
        const [said = '', folder = '', saving = ''] = fields.slice(index * 3);
        const [key, path = ''] = folder.split('\n');
        const label = labelOf(hold);
        if (
          !/^redis_version:\d.*\nrun_id:[0-9a-f]+\naof_enabled:[01]$/.test(said) ||
          key !== 'dir' ||
          !path.startsWith('/')
        )
          return {
            lacks: [
              {
                message: `${label} cannot be asked: ${lastWords(said.startsWith('redis_version') ? folder : said)}.`,
                advice: ADVICE,
              },
            ],
            places: [],
            facts: {},
          };
        if (/NOPERM|unknown command/.test(saving))
          return {
            lacks: [
              { message: `${label} may not be asked to write out its data: ${lastWords(saving)}.`, advice: ADVICE },
            ],
            places: [],
            facts: {},
          };
        return { lacks: [], places: [{ what: `the data of ${label}`, path: Buffer.from(path, 'latin1') }], facts: {} };
      });
      return { lacks: looks.flatMap(({ lacks }) => lacks), places: looks.flatMap(({ places }) => places), facts: {} };
    },
  };
}

const ADVICE =
  'Name its "socket" or "port", and where it wants a password a file of the host that root alone can read as "passwordFileOnHost"; it has to allow INFO, CONFIG GET and BGSAVE, as by "ACL SETUSER default +info +config|get +bgsave".';

function writeOut(id: string, hold: RedisHold, deadlineSeconds: number): Fragment<void> {
  return {
    name: 'write-out',
    script: `${ASK}
name=\${1##*/} limit=$2
shift 2
facts=$(sp_redis_fact "$@" run_id aof_enabled) || exit 84
case $facts in
  *aof_enabled:1) printf '%s\\n' "$facts" > "$dir/$name.new" || exit 86; exit 0 ;;
esac
read -r up idle < /proc/uptime
due=$((\${up%%.*} + limit))
# One that is under way began before us.
while :; do
  said=$(sp_redis "$@" BGSAVE)
  case $said in *'started'*) break ;; *'in progress'*) ;; *) printf '%s\\n' "$said" >&2; exit 83 ;; esac
  read -r up idle < /proc/uptime
  [ "\${up%%.*}" -lt "$due" ] || { echo 'another saving of it does not end' >&2; exit 82; }
  sleep 1
done
while :; do
  said=$(sp_redis_fact "$@" rdb_bgsave_in_progress rdb_last_bgsave_status) || exit 84
  case $said in
    *'_in_progress:0'*:ok) break ;;
    *'_in_progress:0'*) echo 'its saving failed; its log on the host says why' >&2; exit 81 ;;
  esac
  read -r up idle < /proc/uptime
  [ "\${up%%.*}" -lt "$due" ] || { echo 'its saving does not end' >&2; exit 82; }
  sleep 0.2 2>/dev/null || sleep 1
done
printf '%s\\n' "$facts" > "$dir/$name.new" || exit 86`,
    args: [id, String(deadlineSeconds), ...argsOf(hold)],
    fields: 0,
    parse: () => undefined,
  };
}

function proveSame(id: string, hold: RedisHold): Fragment<HoldRecord> {
  return {
    name: 'prove-same',
    script: `${ASK}
name=\${1##*/}
shift
[ "$(sp_redis_fact "$@" run_id aof_enabled)" = "$(cat "$dir/$name.new")" ] || exit 1
said=$(sp_redis_fact "$@" redis_version aof_enabled rdb_last_bgsave_status rdb_last_save_time aof_last_write_status 2>/dev/null) || exit 1
case $said in *aof_enabled:1*aof_last_write_status:ok|*aof_enabled:0*rdb_last_bgsave_status:ok*) ;; *) exit 1 ;; esac
printf '%s\\0' "$said"`,
    args: [id, ...argsOf(hold)],
    fields: 1,
    parse: ([said = '']) => {
      const facts = Object.fromEntries(said.split('\n').map((line) => line.split(':', 2) as [string, string]));
      const savedAt = Number(facts['rdb_last_save_time']);
      if (facts['redis_version'] === undefined || !Number.isSafeInteger(savedAt))
        throw new Error('the server describes itself in another form');
      return {
        server: `Redis ${facts['redis_version']}`,
        ...(facts['aof_enabled'] === '1'
          ? { 'kept in': 'its append-only file' }
          : { 'kept in': `its file of ${new Date(savedAt * 1000).toISOString()}, by the host's clock` }),
      };
    },
  };
}
