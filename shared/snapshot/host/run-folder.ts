/**
 * The folder of a run on a host, /run/stillpoint/<run>/ (mode 0700, on a tmpfs, gone after a reboot). It appears whole:
 * it is filled as .<run> and then renamed.
 *   format     the version of this layout, first of all read by whoever finds it
 *   owner      whose run this is            boot      the boot id at the time of arming
 *   who        what that one calls himself, for people: "ada@laptop"
 *   expires    uptime in whole seconds: not the clock, which jumps
 *   ended      there once a removal of the run has begun; nothing revives it
 *   keeper     "<pid> <mount namespace>" of the process that holds the mounts
 *   watch      pid of the watchman          watch.sh  its text, with which also a stranger to this version can reap the run
 *   holds      "<kind> <id> <due>" a line, written before an application is held; due is an uptime, or "-" for the end
 *   thawed     "<kind> <id>" a line, written when it was let go
 *   turns      "<until> <since> <name>" a line, of what no other run may have meanwhile (`turns.ts`); uptimes in whole seconds,
 *              the first one "-" for as long as the run holds to the last read
 *   planned    "<storage> <id>" a line, written before a snapshot is made
 *   snapshots  "<storage> <id> <proof…>" a line, written as soon as a snapshot exists
 *   peak.<n>   "<used> <total> <id>" in bytes, of line n of `snapshots`
 *   share.<n>  "<where> <what> <used> <limit> <id>" in bytes, of what line n shares with its origin, as it was seen last
 *   invalid.<n> "<id> full", or "<id> gone": why the guard stopped the readers
 *   given-up   "<id> <where> <what> <used> <total>": the threat for which the watchman removes all snapshots of the run; the
 *              rest of the run stays until its end, so that whoever renews it learns why
 *   said.<id>  what the program said that packs content; there before what follows in the content leaves the host
 *   mnt/<n>/   where snapshot n is mounted, seen in the keeper's namespace only; in it, hidden by the mount, a sentinel
 */
import { randomBytes } from 'node:crypto';
import type { RunId } from '../../domain/names.ts';
import { RUN_ROOT } from '../../remote/run-root.ts';

/** Changes with the meaning of any of these files, and with what `watch.sh` is called with. */
export const FORMAT = '4';

/** Of one stream of content of a run. */
export type SaidId = string & { readonly brand: 'SaidId' };

export const newSaidId = (): SaidId => randomBytes(4).toString('hex') as SaidId;

export const saidFile = (run: RunId, said: SaidId): string => `${RUN_ROOT}/${run}/said.${said}`;

/**
 * sp_place: whether nothing is there, or a folder in which root alone can put anything. In any other, what we write
 * through a link and run as root would be somebody else's choice.
 */
export const PLACE = `
sp_place() {
  [ -e ${RUN_ROOT} ] || [ -L ${RUN_ROOT} ] || return 0
  case $(stat -c '%u %a %F' ${RUN_ROOT} 2>/dev/null) in '0 7'[0145][0145]' directory') return 0 ;; *) return 1 ;; esac
}`;

/** sp_alive RUN: whether the lease of the run has not ended; leaves the uptime in sp_up. */
export const ALIVE = `
sp_alive() {
  [ ! -e "${RUN_ROOT}/$1/ended" ] || return 1
  sp_expires=
  [ ! -r "${RUN_ROOT}/$1/expires" ] || read -r sp_expires 2>/dev/null < "${RUN_ROOT}/$1/expires"
  case $sp_expires in ''|*[!0-9]*) return 1 ;; esac
  read -r sp_up sp_idle < /proc/uptime
  [ "\${sp_up%%.*}" -lt "$sp_expires" ] 2>/dev/null
}`;

/**
 * sp_goes_on RUN: whether snapshots of the run may be made: its lease has not ended, and it was not given up. As with an
 * end, whoever gives a run up notes that first and then looks for snapshots; who makes one looks for the note afterwards.
 */
export const GOES_ON = `
sp_goes_on() { [ ! -e "${RUN_ROOT}/$1/given-up" ] && sp_alive "$1"; }`;

/** sp_watched RUN: whether its watchman lives. */
export const WATCHED = `
sp_watched() {
  sp_watch=
  [ ! -r "${RUN_ROOT}/$1/watch" ] || read -r sp_watch < "${RUN_ROOT}/$1/watch"
  tr '\\0' ' ' 2>/dev/null < "/proc/$sp_watch/cmdline" | grep -qF " ${RUN_ROOT}/$1/watch.sh watch "
}`;
