/**
 * The sh that runs on the host to keep the promise "what we made there goes away, whatever happens to us". It is
 * composed of the functions of all storages and of all holds, and knows none of them by name.
 *
 * Invariants. What is going to be made or held is recorded before it is, so it is removed or let go also where nothing
 * else can be asked; and it is born with our marks, so it can be found without a run's folder. Applications are let go
 * first, whatever else fails. Everything here may run twice and at the same time as itself: "already gone" is success.
 * Whoever removes a run first makes `ended` and then looks for snapshots; whoever makes a snapshot looks for `ended`
 * afterwards: one of the two sees the other, so no snapshot is made behind a remover's back; likewise with `given-up`. A run
 * is removed by scripts that know its layout, all of its storages and all of its holds: where ours do not, by its own.
 *
 * Crash story. The watchman dies with the host, then the mounts and the folder are gone too and the snapshots wait for
 * the next sweep. The watchman is killed alone: the client's next renewal says so and the run ends; without a client,
 * the sweep finds an expired folder. The client dies: the watchman reaps at `expires`.
 */

import { RUN_ROOT } from '../../remote/run-root.ts';
import { CLEAN_ENVIRONMENT } from '../../remote/wire.ts';
import { definitions, dispatch, functionName, type HostFunctions } from './functions.ts';
import { READERS } from './readers.ts';
import { ALIVE, FORMAT, GOES_ON } from './run-folder.ts';

export interface HostScripts {
  readonly functions: HostFunctions;
  /** Definitions: those of all storages and holds, and `sp_reap` with what it needs. */
  readonly reap: string;
  /** The watchman's program. */
  readonly watch: string;
}

export function hostScripts(functions: HostFunctions): HostScripts {
  const reap = [definitions(functions), ALIVE, GOES_ON, READERS, dispatchers(functions), THAW, REMOVE, REAP].join('\n');
  return { functions, reap, watch: [reap, GUARD, WATCH].join('\n') };
}

/**
 * sp_knows storage|hold KIND: whether it is one of these scripts.
 *
 * sp_list, sp_remove, sp_guard, sp_let_go: the function of a storage or of a hold, called by its kind.
 */
function dispatchers({ storages, holds }: HostFunctions): string {
  // Never a kind: it stands where there is none.
  const known = [
    'storage:-',
    ...storages.map(({ kind }) => `storage:${kind}`),
    ...holds.map(({ kind }) => `hold:${kind}`),
  ];
  return `
sp_knows() { case $1:$2 in ${known.join('|')}) return 0 ;; *) return 1 ;; esac; }
sp_list() {
  ${storages.map(({ kind }) => functionName(kind, 'list')).join('\n  ')}
  return 0
}
sp_remove() {
  ${dispatch('remove', storages, 'echo "unknown $4"; return 1')}
}
sp_guard() {
  ${dispatch('guard', storages, 'echo "of an unknown kind"')}
}
sp_let_go() {
  ${dispatch('thaw', holds, 'return 1')}
}`;
}

/**
 * sp_thaw RUN WHICH: lets go what is held, the last one first: "all", "section" for what is held until the snapshots
 * stand, or "due" for what was held too long. Prints what could not be let go, and fails then.
 */
const THAW = `
sp_thaw() {
  [ -r "${RUN_ROOT}/$1/holds" ] || return 0
  sp_stuck=0
  sp_held=$(sed '1!G;h;$!d' "${RUN_ROOT}/$1/holds")
  while read -r sp_hook sp_what sp_due; do
    [ -n "$sp_due" ] || continue
    # Only the clock takes a mark for an end: a freeze that was slow may hold what was let go before.
    [ "$2" != due ] || ! grep -qxF "$sp_hook $sp_what" "${RUN_ROOT}/$1/thawed" 2>/dev/null || continue
    case $2:$sp_due in
      all:*) ;;
      *:-) continue ;;
      due:*) read -r sp_up sp_idle < /proc/uptime; [ "\${sp_up%%.*}" -ge "$sp_due" ] 2>/dev/null || continue ;;
    esac
    # In a subshell: the hooks have variables of their own.
    if ( sp_let_go "$sp_hook" "$sp_what" "$1" ) >/dev/null 2>&1 </dev/null; then
      echo "$sp_hook $sp_what" >> "${RUN_ROOT}/$1/thawed"
    else
      sp_stuck=1
      echo "held $sp_hook:$sp_what"
    fi
  done <<SP_HELD
$sp_held
SP_HELD
  return "$sp_stuck"
}`;

/**
 * sp_remove_all RUN OWNER: removes all snapshots of a run, those that were recorded and those that are found by their
 * names. Prints what each storage says of each; fails if something stays.
 */
const REMOVE = `
sp_proofs() {
  sp_proof=
  [ -r "${RUN_ROOT}/$1/snapshots" ] || return 0
  while read -r sp_a sp_b sp_c; do
    [ "$sp_a $sp_b" != "$2 $3" ] || sp_proof=$sp_c
  done < "${RUN_ROOT}/$1/snapshots"
}
sp_of_run() {
  [ ! -r "${RUN_ROOT}/$1/planned" ] || cat "${RUN_ROOT}/$1/planned"
  sp_list 2>/dev/null | while read -r sp_word sp_kind sp_run sp_whose sp_id; do
    [ "$sp_word $sp_run" != "object $1" ] || echo "$sp_kind $sp_id"
  done
}
sp_remove_all() {
  sp_left=0
  sp_todo=$(sp_of_run "$1")
  while read -r sp_kind sp_id; do
    [ -n "$sp_id" ] || continue
    sp_proofs "$1" "$sp_kind" "$sp_id"
    # In a subshell: the storages have variables of their own.
    ( sp_remove "$sp_kind" "$1" "$2" "$sp_id" $sp_proof </dev/null ) || sp_left=1
  done <<SP_TODO
$sp_todo
SP_TODO
  return "$sp_left"
}`;

/**
 * sp_reap RUN OWNER: holds, readers, mounts, snapshots, then the folder. Prints what it removed; fails if something
 * stays, and then the watchman, if there is one, keeps trying.
 */
const REAP = `
sp_clear() {
  [ -d "$1" ] || return 0
  rm -f -- "$1"/mnt/*/not-mounted "$1"/peak.* "$1"/share.* "$1"/invalid.* "$1"/said.* "$1"/*.new
  rmdir -- "$1"/mnt/* 2>/dev/null
  rm -f -- "$1/planned" "$1/snapshots" "$1/holds" "$1/thawed" "$1/given-up" "$1/keeper" "$1/boot" "$1/watch" "$1/watch.sh"
  rm -f -- "$1/turns" "$1/who"
  rm -f -- "$1/format" "$1/expires" "$1/ended" "$1/owner"
  rmdir -- "$1/mnt" "$1" 2>/dev/null
  rmdir -- "${RUN_ROOT}" 2>/dev/null
  [ ! -d "$1" ]
}
sp_is_ours() {
  sp_format=
  [ ! -r "${RUN_ROOT}/$1/format" ] || read -r sp_format < "${RUN_ROOT}/$1/format"
  [ "$sp_format" = ${FORMAT} ] || return 1
  if [ -r "${RUN_ROOT}/$1/planned" ]; then
    while read -r sp_kind sp_id; do sp_knows storage "$sp_kind" || return 1; done < "${RUN_ROOT}/$1/planned"
  fi
  if [ -r "${RUN_ROOT}/$1/holds" ]; then
    while read -r sp_kind sp_id; do sp_knows hold "$sp_kind" || return 1; done < "${RUN_ROOT}/$1/holds"
  fi
}
sp_reap() {
  sp_dir="${RUN_ROOT}/$1"
  if [ -d "$sp_dir" ] && [ -r "$sp_dir/watch.sh" ] && [ "\${sp_own:-}" != yes ] && ! sp_is_ours "$1"; then
    env -i ${CLEAN_ENVIRONMENT} /bin/sh "$sp_dir/watch.sh" reap "$1" "$2" </dev/null
    return
  fi
  [ ! -d "$sp_dir" ] || : 2>/dev/null > "$sp_dir/ended"
  sp_kept=0
  sp_thaw "$1" all || sp_kept=1
  sp_kill_readers "$1" || { echo "busy the processes that read its snapshots"; return 1; }
  sp_remove_all "$1" "$2" || sp_kept=1
  [ "$sp_kept" = 0 ] || return 1
  sp_clear "${RUN_ROOT}/.$1"
  sp_clear "$sp_dir" || { sleep 1; sp_clear "$sp_dir"; }
}`;

/**
 * sp_look_after RUN OWNER: has each storage look at its snapshots, notes the peaks, and stops the readers of one that may
 * no longer be believed: an overflowed snapshot answers with errors or with old cached pages. Gives the run up where
 * one of its snapshots is a threat.
 *
 * sp_says WORD WORD…: whether these are the word, a place, what it is about, and two numbers.
 *
 * sp_give_up_run RUN OWNER: lets go what is held, stops the readers, with whom the mounts go, and removes the snapshots; at
 * once, and every half a minute for what stayed: what is in trouble is not troubled without a pause.
 */
const GUARD = `
sp_says() {
  [ "$#" = 6 ] && [ "$1" = "$2" ] || return 1
  case $5$6 in *[!0-9]*) return 1 ;; esac
}
sp_give_up_run() {
  sp_given=$((\${sp_given:-0} + 1))
  [ $((sp_given % 15)) = 1 ] || return 0
  sp_thaw "$1" all >/dev/null 2>&1
  sp_kill_readers "$1"
  sp_remove_all "$1" "$2" >/dev/null 2>&1
}
sp_look_after() {
  if [ -e "${RUN_ROOT}/$1/given-up" ]; then sp_give_up_run "$1" "$2"; return 0; fi
  [ -r "${RUN_ROOT}/$1/snapshots" ] || return 0
  sp_n=0 sp_threat=no
  while read -r sp_kind sp_id sp_proof; do
    sp_n=$((sp_n + 1))
    sp_seen=$(sp_guard "$sp_kind" "$sp_id" $sp_proof 2>/dev/null </dev/null)
    sp_notes="${RUN_ROOT}/$1/peak.$sp_n"
    sp_amounts=\${sp_seen#fill }
    case $sp_seen in
      fine) ;;
      'fill '*[0-9]' '[0-9]*)
        sp_used=\${sp_amounts%% *} sp_total=\${sp_amounts##* } sp_peak=0
        [ ! -r "$sp_notes" ] || read -r sp_peak sp_old < "$sp_notes"
        if [ "$sp_used" -ge "\${sp_peak:-0}" ]; then
          echo "$sp_used $sp_total $sp_id" > "$sp_notes.new" && mv -f "$sp_notes.new" "$sp_notes"
        fi ;;
      *)
        if sp_says fine $sp_seen; then
          sp_notes="${RUN_ROOT}/$1/share.$sp_n"
          echo "\${sp_seen#fine } $sp_id" > "$sp_notes.new" && mv -f "$sp_notes.new" "$sp_notes"
        elif sp_says threat $sp_seen; then
          echo "$sp_id \${sp_seen#threat }" > "${RUN_ROOT}/$1/given-up.new" && mv -f "${RUN_ROOT}/$1/given-up.new" "${RUN_ROOT}/$1/given-up"
          sp_threat=yes sp_given=0
          break
        # While the run is being removed, a snapshot that is gone is as it should be.
        elif sp_alive "$1" && [ ! -e "${RUN_ROOT}/$1/invalid.$sp_n" ]; then
          [ "$sp_seen" = full ] || sp_seen=gone
          echo "$sp_id $sp_seen" > "${RUN_ROOT}/$1/invalid.$sp_n"
          sp_kill_readers "$1"
        fi ;;
    esac
  done < "${RUN_ROOT}/$1/snapshots"
  [ "$sp_threat" = no ] || sp_give_up_run "$1" "$2"
}`;

/**
 * The watchman: dead-man and guard in one. Arguments: "watch" RUN OWNER INTERVAL HOLDS, or "reap" RUN OWNER for who
 * cannot reap this run with scripts of his own. He is started in an environment of ours, not in that of systemd or of a
 * login. What is held too long is let go by a process of its own, because looking after snapshots may hang for a minute
 * on a lock. The keeper's namespace is a slave of the host's, so that what is unmounted on the host is unmounted in it
 * too; a private one would hold every mount of the host busy for the length of the run.
 */
const WATCH = `
sp_let_go_in_time() {
  while [ -d "${RUN_ROOT}/$1" ]; do
    sp_thaw "$1" due >/dev/null 2>&1
    sleep 1
  done
}
sp_watch() {
  cd /
  umask 077
  trap '' HUP PIPE
  echo "$$" > "${RUN_ROOT}/$1/watch"
  sp_slave='--propagation slave'
  unshare --help 2>&1 </dev/null | grep -q -e --propagation || sp_slave=
  unshare -m $sp_slave /bin/sh -c 'mount --make-rslave / && echo "$$ $(readlink "/proc/$$/ns/mnt")" > "$1.new" && mv -f "$1.new" "$1" && exec sleep 2147483' sh "${RUN_ROOT}/$1/keeper" </dev/null &
  sp_job=$!
  [ "$4" = 0 ] || sp_let_go_in_time "$1" </dev/null &
  sp_ticks=0
  while [ -d "${RUN_ROOT}/$1" ]; do
    sleep "$3"
    if sp_alive "$1"; then
      sp_look_after "$1" "$2"
    elif [ -e "${RUN_ROOT}/$1/ended" ] && [ "$sp_ticks" -lt 5 ]; then
      # Somebody is removing the run and will report what he removed; he gets a little time.
      sp_ticks=$((sp_ticks + 1))
    else
      sp_ticks=5
      if sp_reap "$1" "$2" >/dev/null 2>&1; then break; fi
    fi
  done
  # A keeper that nobody knew of, because it came up while the run was being removed. Only a child of ours is killed:
  # the number of one that has ended may be somebody else's by now.
  case $(sed 's/.*) . //' "/proc/$sp_job/stat" 2>/dev/null) in "$$ "*) kill -KILL "$sp_job" ;; esac
}
# These are the scripts that made the run: they know all that is in it.
sp_own=yes
sp_verb=$1
shift
case $sp_verb in
  watch) sp_watch "$@" ;;
  reap) sp_reap "$@" ;;
esac
`;
