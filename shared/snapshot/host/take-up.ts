/**
 * Takes up a reading whose connection was lost: what still reads for it on the host is ended, so that nothing more is said,
 * and what was said until then is given.
 */
import type { RunId } from '../../domain/names.ts';
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';
import { RUN_ROOT } from '../../remote/run-root.ts';
import { READERS } from './readers.ts';
import { ALIVE, type SaidId, saidFile } from './run-folder.ts';

/**
 * What the program said; undefined where it was never begun. Exit 74: the run is over on the host, or its mounts are gone.
 * Exit 75: a process that reads does not end.
 */
export function takeUpReading(run: RunId, said: SaidId): RemoteCommand<string | undefined> {
  const script: RemoteScript = {
    name: 'take-up-reading',
    script: `${ALIVE}
${READERS}
sp_alive "$1" || exit 74
read -r keeper ns < "${RUN_ROOT}/$1/keeper" || exit 74
[ "$(readlink "/proc/$keeper/ns/mnt")" = "$ns" ] || exit 74
n=0
while :; do
  pids=
  for pid in $(sp_readers "$1"); do [ "$pid" = "$keeper" ] || pids="$pids $pid"; done
  [ -n "$pids" ] || break
  kill -KILL $pids 2>/dev/null
  n=$((n + 1))
  [ "$n" -lt 20 ] || exit 75
  [ "$n" -lt 3 ] || sleep 1
done
[ -e "$2" ] || { printf 'never\\n'; exit 0; }
printf 'said\\n'
cat "$2"`,
    args: [run, saidFile(run, said)],
    needs: 'root',
  };
  return {
    ...script,
    budgetMs: 60_000,
    repeatable: true,
    parse: ({ stdout }) => {
      const text = stdout.toString('utf8');
      if (text === 'never\n') return undefined;
      if (!text.startsWith('said\n')) throw unreadableOutput(script, 'it does not begin with what came', text);
      return text.slice('said\n'.length);
    },
  };
}
