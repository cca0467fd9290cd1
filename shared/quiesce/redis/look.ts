/** What a server of Redis is, where it keeps its files, and what a copy of them takes. */
import type { RedisHold } from '../../domain/quiesce.ts';
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';
import { adviceOn, lastWords } from '../client-words.ts';
import type { HoldLack, HoldLook } from '../hook.ts';
import { ASK, argsOf, labelOf, wayOf } from './client.ts';

/** What is said of each. */
const FIELDS = 4;

export function lookAtServers(wanted: readonly RedisHold[]): RemoteCommand<HoldLook> {
  const script: RemoteScript = {
    name: 'look-at-redis',
    script: `${ASK}
while [ $# -gt 0 ]; do
  folder='' way='' may=''
  said=$(sp_redis_fact "$1" "$2" "$3" redis_version run_id 2>&1) && folder=$(sp_redis "$1" "$2" "$3" CONFIG GET dir 2>&1) &&
    way=$(sp_redis_way "$1" "$2" "$3" 2>&1)
  case $way in
    # For no time at all, to see whether it may be asked for: another one that lasts goes on.
    held) may=$(sp_redis "$1" "$2" "$3" CLIENT PAUSE 0 WRITE 2>&1) ;;
    # Whether it may be asked for is looked at before its words, of which this is none.
    file) may=$(sp_redis "$1" "$2" "$3" BGSAVE MAY-I 2>&1) ;;
  esac
  printf '%s\\0' "$(printf '%s' "$said" | head -c 4000)" "$folder" "$way" "$may"
  shift 3
done`,
    args: wanted.flatMap(argsOf),
    needs: 'root',
  };
  return {
    ...script,
    budgetMs: 270_000 * wanted.length,
    repeatable: true,
    parse: ({ stdout }) => {
      const fields = stdout.toString('latin1').split('\0');
      if (fields.pop() !== '' || fields.length !== wanted.length * FIELDS)
        throw unreadableOutput(script, 'it says another number of things', stdout.toString('latin1').slice(0, 500));
      const looks = wanted.map((hold, index) => readServer(hold, fields.slice(index * FIELDS)));
      return {
        lacks: looks.flatMap(({ lacks }) => lacks),
        places: looks.flatMap(({ places }) => places),
        facts: Object.fromEntries(looks.flatMap(({ facts: { way } }, index) => (way ? [[`way-${index}`, way]] : []))),
      };
    },
  };
}

/** Strict: an answer in another form is a lack, and never a guess. */
function readServer(hold: RedisHold, [said = '', folder = '', word = '', may = '']: readonly string[]): HoldLook {
  const label = labelOf(hold);
  const [key, path = ''] = folder.split('\n');
  const way = wayOf(word);
  if (!/^redis_version:\d.*\nrun_id:[0-9a-f]+$/.test(said)) return lacking(unreached(label, said));
  if (key !== 'dir' || !path.startsWith('/')) return lacking(unreached(label, folder));
  if (way === undefined) return lacking(unreached(label, word));
  if (way === 'held' && may !== 'OK')
    return lacking({
      message: `${label} cannot have its writers wait, and it synchronises its log later than it answers: ${lastWords(may)}.`,
      advice:
        'It takes Redis 6.2 and an account that may use CLIENT PAUSE and CLIENT UNPAUSE, as by "ACL SETUSER default +info +config|get +client|pause +client|unpause"; or set "appendfsync" to "always", with which nobody has to wait.',
    });
  if (way === 'file' && !/syntax error|wrong number of arguments/.test(may))
    return lacking({
      message: `${label} may not be asked to write out its data, and it keeps no append-only file: ${lastWords(may)}.`,
      advice:
        'Give the account what it needs: "ACL SETUSER default +info +config|get +bgsave"; or have the server keep an append-only file.',
    });
  return { lacks: [], places: [{ what: `the data of ${label}`, path: Buffer.from(path, 'latin1') }], facts: { way } };
}

const lacking = (lack: HoldLack): HoldLook => ({ lacks: [lack], places: [], facts: {} });

const unreached = (label: string, said: string): HoldLack => ({
  message: `${label} cannot be asked: ${lastWords(said)}.`,
  advice: adviceOn(
    said,
    'Name its "socket" or "port", and where it wants a password a file of the host that root alone can read as "passwordFileOnHost"; it has to allow INFO and CONFIG GET, as by "ACL SETUSER default +info +config|get", and BGSAVE, or CLIENT PAUSE and CLIENT UNPAUSE.',
  ),
});
