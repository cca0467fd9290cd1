/** The remote commands of a lease: arm, renew, release, and the sweep of what earlier runs left. None knows a storage. */
import type { OwnerId, RunId } from '../../domain/names.ts';
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';
import { RUN_ROOT } from '../../remote/run-root.ts';
import { CLEAN_ENVIRONMENT } from '../../remote/wire.ts';
import { dispatch } from './functions.ts';
import { type LeaseState, parseLeaseState } from './lease-state.ts';
import { ALIVE, FORMAT, PLACE, WATCHED } from './run-folder.ts';
import type { HostScripts } from './scripts.ts';

export interface ArmRequest {
  readonly run: RunId;
  readonly owner: OwnerId;
  readonly leaseSeconds: number;
  /** How many snapshots are going to be mounted. */
  readonly mounts: number;
  /** How many applications are going to be held still. */
  readonly holds: number;
  /** Who we are, for people who find that we have what they wait for. */
  readonly who?: string;
}

/** What the host was at the time of arming. */
export interface ArmedHost {
  readonly bootId: string;
  readonly keeperPid: number;
}

/**
 * Makes the run's folder, which appears whole so that no sweep takes half of it for an abandoned one, and starts the
 * watchman: as a transient systemd unit where there is systemd (it survives the end of our session), else in a session
 * of its own. Succeeds when the keeper's namespace is ready.
 * Exit 71: nothing can be written under /run. Exit 72: the watchman did not come up. Exit 73: others than root can write
 * where our folders are to be, or it is no folder.
 */
export function armLease({ watch }: HostScripts, request: ArmRequest): RemoteCommand<ArmedHost> {
  const interval = request.leaseSeconds <= 20 ? 1 : 2;
  const script: RemoteScript = {
    name: 'arm-lease',
    script: `${PLACE}
run=$1 owner=$2 lease=$3 mounts=$4 interval=$5 holds=$6
dir=${RUN_ROOT}/$run
new=${RUN_ROOT}/.$run
umask 077
sp_place || exit 73
# Again and again, because runs that end may remove the empty folder above in between.
n=0
until { mkdir -p ${RUN_ROOT} && mkdir "$new"; } 2>/dev/null; do
  n=$((n + 1))
  [ "$n" -lt 20 ] || { mkdir -p ${RUN_ROOT} && mkdir "$new" || exit 71; break; }
done
read -r up idle < /proc/uptime
read -r boot < /proc/sys/kernel/random/boot_id
echo ${FORMAT} > "$new/format" && echo "$owner" > "$new/owner" && echo "$boot" > "$new/boot" && : > "$new/planned" && : > "$new/snapshots" && head -c 100 > "$new/who" || exit 71
echo $((\${up%%.*} + lease)) > "$new/expires" || exit 71
mkdir "$new/mnt" || exit 71
n=0
while [ "$n" -lt "$mounts" ]; do mkdir "$new/mnt/$n" && : > "$new/mnt/$n/not-mounted" || exit 71; n=$((n + 1)); done
cat > "$new/watch.sh" <<'STILLPOINT_WATCH' || exit 71
${watch}STILLPOINT_WATCH
[ ! -e "$dir" ] && mv "$new" "$dir" || exit 71
set -- env -i ${CLEAN_ENVIRONMENT} /bin/sh "$dir/watch.sh" watch "$run" "$owner" "$interval" "$holds"
if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null 2>&1; then
  systemd-run --quiet --collect --unit="stillpoint-$run" --description="Stillpoint watchman of run $run" "$@" >/dev/null 2>&1 </dev/null ||
    systemd-run --quiet --unit="stillpoint-$run" "$@" >/dev/null </dev/null || exit 72
else
  setsid "$@" >/dev/null 2>&1 </dev/null &
fi
n=0
while [ ! -e "$dir/keeper" ]; do
  n=$((n + 1)); [ "$n" -lt 600 ] || exit 72
  sleep 0.05 2>/dev/null || sleep 1
done
read -r keeper ns < "$dir/keeper"
printf '%s\\0%s\\0' "$boot" "$keeper"`,
    args: [request.run, request.owner, ...[request.leaseSeconds, request.mounts, interval, request.holds].map(String)],
    needs: 'root',
  };
  return {
    ...script,
    budgetMs: 60_000,
    repeatable: false,
    // No argument: a plan is the same by whatever name this machine goes.
    input: Buffer.from(request.who ?? '', 'utf8'),
    parse: (output) => {
      const [bootId, keeper, rest] = output.stdout.toString('latin1').split('\0');
      if (bootId === undefined || !/^\d+$/.test(keeper ?? '') || rest !== '') {
        throw unreadableOutput(script, 'it is not two fields', output.stdout.toString('latin1'));
      }
      return { bootId, keeperPid: Number(keeper) };
    },
  };
}

/**
 * Moves the expiry to now + lease, never to an earlier time, and reads the guard's notes. A lease that is gone stays
 * gone. Several may run at the same time, as where a connection was lost and the command is made again. Exit 71: no room
 * under /run to write the new expiry; the lease lives on until the old one.
 */
export function renewLease(run: RunId, leaseSeconds: number): RemoteCommand<LeaseState> {
  const script: RemoteScript = {
    name: 'renew-lease',
    script: `${ALIVE}
${WATCHED}
dir=${RUN_ROOT}/$1
tell_threat() { [ ! -r "$dir/given-up" ] || { read -r id where what used total < "$dir/given-up"; printf 'threat %s %s %s %s %s\\0' "$id" "$where" "$what" "$used" "$total"; }; }
sp_alive "$1" || { printf 'gone\\0'; tell_threat; exit 0; }
until=$((\${sp_up%%.*} + $2))
written=yes
if [ "$until" -gt "$sp_expires" ]; then
  { echo "$until" > "$dir/expires.$$.new" && mv -f "$dir/expires.$$.new" "$dir/expires"; } 2>/dev/null || { written=no; rm -f "$dir/expires.$$.new"; }
fi
# Who has begun to remove the run in between has the last word.
sp_alive "$1" || { printf 'gone\\0'; tell_threat; exit 0; }
[ "$written" = yes ] || exit 71
if sp_watched "$1"; then printf 'alive\\0'; else printf 'unwatched\\0'; fi
printf 'uptime %s\\0' "$sp_up"
for f in "$dir"/peak.*; do
  case $f in *.new) continue ;; esac
  [ -r "$f" ] && read -r used total id < "$f" && printf 'peak %s %s %s\\0' "$id" "$used" "$total"
done
for f in "$dir"/share.*; do
  case $f in *.new) continue ;; esac
  [ -r "$f" ] && read -r where what used limit id < "$f" && printf 'share %s %s %s %s %s\\0' "$id" "$where" "$what" "$used" "$limit"
done
tell_threat
for f in "$dir"/invalid.*; do [ ! -e "$f" ] || { read -r id why < "$f"; printf '%s %s\\0' "$why" "$id"; }; done
exit 0`,
    args: [run, String(leaseSeconds)],
    needs: 'root',
  };
  return {
    ...script,
    budgetMs: 30_000,
    repeatable: true,
    leavesNoProcess: true,
    parse: (output) => parseLeaseState(output.stdout, script),
  };
}

/** What was removed, and what looks like ours and was left alone or could not be removed. */
export interface ReapResult {
  readonly removed: readonly string[];
  readonly kept: readonly { readonly object: string; readonly reason: string }[];
}

/** Removes everything of one run and ends its watchman last, so that a release that is cut is finished by him. */
export function releaseLease(scripts: HostScripts, run: RunId, owner: OwnerId): RemoteCommand<ReapResult> {
  const script: RemoteScript = {
    name: 'release-lease',
    script: `${scripts.reap}
trap '' PIPE
unit=stillpoint-$1
sp_reap "$1" "$2" || { echo "unfinished ${RUN_ROOT}/$1"; exit 0; }
if [ -d /run/systemd/system ]; then systemctl stop "$unit.service" >/dev/null 2>&1 </dev/null; systemctl reset-failed "$unit.service" >/dev/null 2>&1 </dev/null; fi
exit 0`,
    args: [run, owner],
    needs: 'root',
  };
  return { ...script, budgetMs: 90_000, repeatable: true, parse: (output) => parseReap(output.stdout, script) };
}

/**
 * Reaps every run of this owner whose lease has ended or whose host was restarted, then every
 * snapshot with the owner's tag that has no run folder any more. Runs of others and living runs are left alone.
 * @param dead runs of this owner whose process is known to be gone for good: reaped although their lease still runs
 */
export function sweepHost(
  scripts: HostScripts,
  owner: OwnerId,
  dead: readonly RunId[] = [],
): RemoteCommand<ReapResult> {
  const script = sweepScript('sweep-host', scripts, owner, dead, {
    run: 'if sp_reap "$run" "$owner"; then echo "removed $dir"; else echo "unfinished $dir"; fi',
    half: 'sp_clear "$new" && echo "removed $new"',
    object: '( sp_remove "$2" "$3" "$owner" "$5" </dev/null )',
  });
  return { ...script, budgetMs: 180_000, repeatable: true, parse: (output) => parseReap(output.stdout, script) };
}

/** What a sweep would do now; its answer is that of a sweep in which nothing is in use, and nothing is removed. */
export function lookForTraces(
  scripts: HostScripts,
  owner: OwnerId,
  dead: readonly RunId[] = [],
): RemoteCommand<ReapResult> {
  const { storages } = scripts.functions;
  const looking = `${[...new Set(storages.map(({ foresee }) => foresee))].join('\n')}
sp_foresee() {
  ${dispatch('foresee', storages, 'echo "removed $4"')}
}
# What a storage does not remove without a doubt makes a sweep leave the run's folder, too.
sp_foresee_run() {
  sp_of_run "$1" | sort -u | {
    sp_dir_is=removed
    while read -r sp_kind sp_id; do
      sp_proofs "$1" "$sp_kind" "$sp_id"
      sp_line=$( ( sp_foresee "$sp_kind" "$1" "$2" "$sp_id" $sp_proof </dev/null ) )
      case $sp_line in '') continue ;; busy*|unread*) sp_dir_is=unfinished ;; esac
      printf '%s\\n' "$sp_line"
    done
    echo "$sp_dir_is ${RUN_ROOT}/$1"
  }
}`;
  const script = sweepScript('look-for-traces', { ...scripts, reap: `${scripts.reap}\n${looking}` }, owner, dead, {
    run: 'sp_foresee_run "$run" "$owner"',
    half: 'echo "removed $new"',
    object: '( sp_foresee "$2" "$3" "$owner" "$5" </dev/null )',
  });
  return { ...script, budgetMs: 180_000, repeatable: true, parse: (output) => parseReap(output.stdout, script) };
}

/** What is done, in sh, with a run that is over ($run in $dir), with half an arming ($new), and with what has no folder ($2 to $5). */
interface SweepActs {
  readonly run: string;
  readonly half: string;
  readonly object: string;
}

function sweepScript(
  name: string,
  scripts: HostScripts,
  owner: OwnerId,
  dead: readonly RunId[],
  acts: SweepActs,
): RemoteScript {
  return {
    name,
    script: `${scripts.reap}
${PLACE}
trap '' PIPE
owner=$1; shift
dead=" $* "
read -r boot < /proc/sys/kernel/random/boot_id
sp_safe=yes; sp_place || { sp_safe=no; echo "unsafe ${RUN_ROOT}"; }
for dir in ${RUN_ROOT}/*; do
  [ "$sp_safe" = yes ] && [ -d "$dir" ] || continue
  run=\${dir##*/}
  case $run in *[!0-9a-f]*) echo "foreign $dir"; continue ;; ????????) ;; *) echo "foreign $dir"; continue ;; esac
  whose=; [ ! -r "$dir/owner" ] || read -r whose < "$dir/owner"
  if [ -n "$whose" ] && [ "$whose" != "$owner" ]; then echo "other $dir"; continue; fi
  armed=; [ ! -r "$dir/boot" ] || read -r armed < "$dir/boot"
  case $dead in
    *" $run "*) ;;
    # Where /run outlives a restart, an old expiry says nothing.
    *) if [ "$armed" = "$boot" ] && sp_alive "$run"; then echo "living $dir"; continue; fi ;;
  esac
  ${acts.run}
done
# What an arming left that was ended half-way.
for new in ${RUN_ROOT}/.????????; do
  [ "$sp_safe" = yes ] && [ -r "$new/owner" ] && read -r whose < "$new/owner" && [ "$whose" = "$owner" ] || continue
  run=\${new##*/.}
  case $dead in *" $run "*) ;; *) if sp_alive ".$run"; then continue; fi ;; esac
  ${acts.half}
done
sp_list | while read -r sp_line; do
  case $sp_line in 'object '*) set -- $sp_line ;; *) printf '%s\\n' "$sp_line"; continue ;; esac
  case $4 in
    # Asked again after the list was made: a run that was just armed has its folder before its snapshots.
    "$owner") [ -d "${RUN_ROOT}/$3" ] || ${acts.object} ;;
    -) echo "foreign $5" ;;
    *) echo "other $5" ;;
  esac
done
exit 0`,
    args: [owner, ...dead],
    needs: 'root',
  };
}

export const REASONS: Readonly<Record<string, string>> = {
  busy: 'it is in use',
  unfinished: 'not everything of this run could be removed',
  foreign: 'it does not bear our mark',
  unsafe: 'it is not a folder in which root alone can write, and a sweep looks into no other',
  other: 'it belongs to another Stillpoint',
  living: 'a run is using it now',
  merging: 'an administrator is merging it into its origin',
  alone: 'its origin is gone, so it may be all that is left of that',
  needed: 'something was made of it that needs it',
  unread: 'its report cannot be read, so what is there is unknown',
  unknown: 'this version knows no such storage',
  held: 'it could not be let go, and may still be held, or stopped',
};

function parseReap(stdout: Buffer, script: RemoteScript): ReapResult {
  const removed: string[] = [];
  // Both ways of looking for traces meet the same object; that it is no one's says least.
  const kept = new Map<string, string>();
  for (const line of stdout.toString('utf8').split('\n')) {
    if (line === '') continue;
    const space = line.indexOf(' ');
    const word = line.slice(0, space);
    const [object = '', said = ''] = line.slice(space + 1).split('\t');
    const reason = REASONS[word];
    if (word === 'removed') removed.push(object);
    else if (reason === undefined) throw unreadableOutput(script, 'a line is unknown', line);
    else if (word !== 'foreign' || !kept.has(object)) {
      kept.set(object, said.trim() === '' ? reason : `${reason}; the host said: "${said.trim()}"`);
    }
  }
  return { removed, kept: [...kept].map(([object, reason]) => ({ object, reason })) };
}
