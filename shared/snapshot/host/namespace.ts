/**
 * The private mount namespace of a run, held by its keeper: what is mounted there nothing else on the host sees, and it
 * goes with the keeper.
 */
import type { RunId } from '../../domain/names.ts';
import { RUN_ROOT } from '../../remote/run-root.ts';

/** Where the run's snapshot number `index` is mounted, as seen in the namespace. */
export const mountPath = (run: RunId, index: number): string => `${RUN_ROOT}/${run}/mnt/${index}`;

/** Enters the run's namespace; the keeper's pid is only used while its namespace is the one that it wrote down. */
export const ENTER = `
sp_enter() {
  read -r sp_keeper sp_ns < "${RUN_ROOT}/$1/keeper" || exit 74
  [ "$(readlink "/proc/$sp_keeper/ns/mnt")" = "$sp_ns" ] || exit 74
  shift
  nsenter --mount="/proc/$sp_keeper/ns/mnt" -- "$@"
}`;
