/** The end of what is held until the last read: proved once more, and let go. */
import type { PlannedHold } from '../quiesce/hook.ts';
import type { RemoteCommand, RemoteScript } from '../remote/command.ts';
import { FieldReader, joinParts } from '../remote/fragment.ts';
import { RUN_ROOT } from '../remote/run-root.ts';
import { type HeldSpan, readProof } from './critical-section.ts';
import type { HostScripts } from './host/scripts.ts';
import { LEAVE_TURNS } from './host/turns.ts';
import type { RunIdentity } from './provider.ts';

type HoldEnd = Pick<HeldSpan, 'provedUptime' | 'untilUptime' | 'record'>;

/** One answer for each hold of the run; undefined for one that was let go when the snapshots stood. */
export function endHolds(
  { run, holds }: RunIdentity & { readonly holds: readonly PlannedHold[] },
  scripts: HostScripts,
): RemoteCommand<readonly (HoldEnd | undefined)[]> {
  const lasting = holds.filter((hold) => hold.holds === 'until-read');
  const parts = joinParts(
    lasting.map(({ prove }) => prove),
    1,
  );
  const script: RemoteScript = {
    name: 'end-holds',
    script: [
      ...[scripts.reap, LEAVE_TURNS, parts.functions],
      `trap '' PIPE
trap : HUP INT TERM
run=$1
dir=${RUN_ROOT}/$run
sp_uptime() { read -r sp_now sp_idle < /proc/uptime; printf '%s\\0' "$sp_now"; }`,
      ...lasting.map(
        (_, index) =>
          `if ${parts.call(index)} </dev/null > "$dir/part.new"; then sp_uptime; cat "$dir/part.new"; else printf '\\0'; fi`,
      ),
      `if sp_thaw "$run" all >&2; then sp_leave_turns "$run" all; sp_uptime; else printf '\\0'; fi
exit 0`,
    ].join('\n'),
    args: [run, ...parts.args],
    needs: 'root',
  };
  return {
    ...script,
    budgetMs: lasting.reduce((sum, { deadlineSeconds }) => sum + deadlineSeconds * 1000, 60_000),
    // A second proof would find what the first run let go.
    repeatable: false,
    parse: ({ stdout, stderr }) => {
      const reader = new FieldReader(stdout, stderr, script);
      const proved = new Map(lasting.map((hold) => [hold, readProof(reader, hold)]));
      const untilUptime = reader.moment();
      reader.end();
      return holds.map((hold) => {
        const proof = proved.get(hold);
        return proof && { ...proof, untilUptime };
      });
    },
  };
}
