/**
 * The folder to restore into, and the folder inside it in which the work is done.
 *
 * Everything is made in a new folder of mode 0700 that belongs to the restoring user, below the target, and moved to its
 * place at the end; so nobody but root can exchange a folder that was made for a link while tar writes into it, whoever
 * the target belongs to. Both folders are known by device and inode, and each command sees that it is in the right
 * one before it does anything: what a path leads to can change, these cannot.
 *
 * Crash story. A restore that dies leaves the work folder and nothing under the names of what it restored.
 */
import type { RemoteCommand } from '../../remote/command.ts';
import { unreadableOutput } from '../../remote/command.ts';

const STATES = [
  'ready',
  'not-empty',
  'left-over',
  'not-folder',
  'closed',
  'not-made',
  'shared-link',
  'exchanged',
  'repository',
] as const;

export const WORK_PREFIX = '.stillpoint-restore-';

export interface TargetFacts {
  readonly uid: number;
  readonly gid: number;
  /** First line of `tar --version`; empty where there is no tar. */
  readonly tar: string;
  readonly state: (typeof STATES)[number];
  /** What the system said, or which folder is meant. */
  readonly reason: string;
  /** How many folders were made on the way to the target and as the target. */
  readonly made: number;
  /** Device and inode of the target and of the work folder. */
  readonly target: string;
  readonly work: string;
  /** Whether the work folder is closed to everybody else: some file systems keep neither owners nor modes. */
  readonly isPrivate: boolean;
}

/**
 * Goes to the folder "$1" step by step and makes what is missing, mode 0700, unless `make` is "no"; for a script that has set `me` to its uid and
 * `state` to "ready". A link is followed only where no other user can have put it there; `state` and `reason` say why it went
 * no further.
 */
export const WALK = `looks_like_repository() { [ -f ./config ] && [ -d ./data ] && [ -d ./index ] && [ -d ./keys ] && [ -d ./snapshots ]; }
go_to() {
  if [ ! -e "./$1" ] && [ ! -L "./$1" ]; then
    if [ "\${make:-yes}" = no ]; then state=missing; return; fi
    if reason=$(mkdir -m 0700 -- "./$1" 2>&1); then made=$((made + 1)); else state=not-made; return; fi
  fi
  if [ ! -d "./$1" ]; then state=not-folder; return; fi
  before=$(stat -c '%d:%i' .)
  holder=$(stat -c '%u %a' .)
  if ! reason=$(cd -P -- "./$1" 2>&1); then state=closed; return; fi
  cd -P -- "./$1" || { state=closed; return; }
  [ "$1" = .. ] || [ "$(stat -c '%d:%i' ..)" = "$before" ] && return
  # A link was followed. It may stand where only root and we can change it.
  case $holder in *[2367]? | *[2367]) state=shared-link ;; "0 "* | "$me "*) ;; *) state=shared-link ;; esac
}
cd /
rest=$1
while [ -n "$rest" ] && [ "$state" = ready ]; do
  part=\${rest%%/*}
  case $rest in */*) rest=\${rest#*/} ;; *) rest= ;; esac
  case $part in '' | .) continue ;; esac
  if looks_like_repository; then state=repository reason=$(pwd -P); else go_to "$part"; fi
done
`;

/**
 * Goes to the target folder by folder, makes what is missing (mode 0700) and the work folder in it, and says why it
 * cannot be used otherwise. A link is followed only where no other user can have put it there.
 * @param workName begins with `WORK_PREFIX`
 * @param mayHoldMore whether the folder may hold other things
 */
export function prepareTarget(
  target: string,
  workName: string,
  { mayHoldMore = false } = {},
): RemoteCommand<TargetFacts> {
  const command: RemoteCommand<TargetFacts> = {
    name: 'prepare-restore-target',
    script: `me=$(id -u) state=ready reason='' made=0 target='' work='' private=no
printf 'uid %s %s\\n' "$me" "$(id -g)"
printf 'tar %s\\n' "$(tar --version 2>/dev/null | head -n 1)"
${WALK}if [ "$state" = ready ]; then
  target=$(stat -c '%d:%i' .)
  # What a restore of ours left is told before what else is there: a folder has no order.
  left=$(find . -mindepth 1 -maxdepth 1 -name '${WORK_PREFIX}*' 2>/dev/null | head -n 1)
  [ "$3" = yes ] && left=
  [ "$3" = yes ] || [ -n "$left" ] || left=$(find . -mindepth 1 -maxdepth 1 ! -name lost+found 2>/dev/null | head -n 1)
  if looks_like_repository; then state=repository reason=$(pwd -P)
  elif [ ! -r . ] || [ ! -x . ]; then state=closed
  elif case $left in ./${WORK_PREFIX}*) true ;; *) false ;; esac; then state=left-over reason=\${left#./}
  elif [ -n "$left" ]; then state=not-empty
  elif ! reason=$(mkdir -m 0700 -- "./$2" 2>&1); then state=closed
  # From here on whoever may rename in the target can have put something else in its place.
  elif ! cd -P -- "./$2" 2>/dev/null || [ "$(stat -c '%d:%i' ..)" != "$target" ]; then state=exchanged
  else
    work=$(stat -c '%d:%i' .)
    case $(stat -c '%u %a' .) in "$me "*00) private=yes ;; esac
  fi
fi
printf 'state %s\\nmade %s\\ntarget %s\\nwork %s\\nprivate %s\\n' "$state" "$made" "$target" "$work" "$private"
printf 'reason %s\\n' "$(printf '%s' "$reason" | tr '\\n' ' ')"`,
    args: [target, workName, mayHoldMore ? 'yes' : 'no'],
    needs: 'user',
    budgetMs: 30_000,
    repeatable: false,
    parse(output) {
      const text = output.stdout.toString('utf8');
      const fields =
        /^uid (\d+) (\d+)\ntar ([^\n]*)\nstate ([a-z-]+)\nmade (\d+)\ntarget ([\d:]*)\nwork ([\d:]*)\nprivate (yes|no)\nreason ([^\n]*)\n$/.exec(
          text,
        );
      const state = STATES.find((known) => known === fields?.[4]);
      if (fields === null || state === undefined) throw unreadableOutput(command, 'not the eight lines', text);
      const [, uid, gid, tar = '', , made, targetId = '', work = '', isPrivate, reason = ''] = fields;
      return {
        uid: Number(uid),
        gid: Number(gid),
        tar,
        state,
        reason: (state === 'not-made' || state === 'closed' ? reason.split(': ').at(-1) : reason)?.trim() ?? '',
        made: Number(made),
        target: targetId,
        work,
        isPrivate: isPrivate === 'yes',
      };
    },
  };
  return command;
}

/** Where the work folder is, for the commands that work in it. */
export interface WorkFolder {
  readonly target: string;
  readonly name: string;
  readonly facts: Pick<TargetFacts, 'target' | 'work' | 'made'>;
}

export function workPath({ target, name }: Pick<WorkFolder, 'target' | 'name'>): string {
  return target === '/' ? `/${name}` : `${target}/${name}`;
}

/** The exit code of a command that found another folder where the work folder was. */
export const EXCHANGED = 9;

/** Begins every script that works in the work folder; `enterArgs` begins its arguments. */
export const ENTER = `cd -P -- "$1" 2>/dev/null && [ "$(stat -c '%d:%i' .)" = "$2" ] && [ "$(stat -c '%d:%i' ..)" = "$3" ] || exit ${EXCHANGED}
shift 3
`;

export function enterArgs(folder: WorkFolder): readonly string[] {
  return [workPath(folder), folder.facts.work, folder.facts.target];
}
