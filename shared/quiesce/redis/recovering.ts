/**
 * Redis of which nothing is held: everything that it answers is synchronised in its log before (appendfsync "always"), or it has
 * no log, and writes its data into a file before the instant.
 */
import type { RedisHold } from '../../domain/quiesce.ts';
import type { Fragment } from '../../remote/fragment.ts';
import type { HoldRecord } from '../hook.ts';
import { ASK, argsOf, type RedisWay } from './client.ts';

interface Terms {
  readonly way: RedisWay;
  readonly deadlineSeconds: number;
}

export function writeOut(id: string, hold: RedisHold, { way, deadlineSeconds }: Terms): Fragment<void> {
  return {
    name: 'write-out',
    script: `${ASK}
name=\${1##*/} limit=$2 way=$3
shift 3
facts=$(sp_redis_fact "$@" run_id) || exit 84
[ "$(sp_redis_way "$@")" = "$way" ] || { echo 'it keeps what it has in another way than when the plan was made' >&2; exit 87; }
[ "$way" = file ] || { printf '%s\\n' "$facts" > "$dir/$name.new" || exit 86; exit 0; }
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
    args: [id, String(deadlineSeconds), way, ...argsOf(hold)],
    fields: 0,
    parse: () => undefined,
  };
}

export function proveSame(id: string, hold: RedisHold, { way }: Terms): Fragment<HoldRecord> {
  return {
    name: 'prove-same',
    script: `${ASK}
name=\${1##*/} way=$2
shift 2
[ "$(sp_redis_fact "$@" run_id)" = "$(cat "$dir/$name.new")" ] && [ "$(sp_redis_way "$@")" = "$way" ] || exit 1
said=$(sp_redis_fact "$@" redis_version aof_enabled rdb_last_bgsave_status rdb_last_save_time aof_last_write_status 2>/dev/null) || exit 1
case $said in *aof_enabled:1*aof_last_write_status:ok|*aof_enabled:0*rdb_last_bgsave_status:ok*) ;; *) exit 1 ;; esac
printf '%s\\0' "$said"`,
    args: [id, way, ...argsOf(hold)],
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
