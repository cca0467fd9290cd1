/**
 * From the work folder to the places that the plan named: each entry by one renaming, so that whoever looks sees the old
 * one or the new one. What was changed since the plan was made is left alone.
 *
 * Invariant: each folder on the way is entered from the one before and seen to be in it, so no link is gone through, and
 * from there on both ends of a renaming are named through descriptors, which nobody can exchange.
 */
import { displayText } from '../../base/bytes.ts';
import type { RemoteCommand } from '../../remote/command.ts';
import { unreadableOutput } from '../../remote/command.ts';
import { FINGERPRINT } from './existing.ts';
import { ENTER, EXCHANGED, enterArgs, type WorkFolder } from './target.ts';
import { notOnTheDisk, targetExchanged, withoutProc } from './target-errors.ts';

export interface Move {
  /** Below the target, and the same below the work folder. */
  readonly path: Buffer;
  /** A pattern for what is there, as it was seen; undefined where nothing was. */
  readonly expected: string | undefined;
  /** Content in it. */
  bytes: number;
}

export interface NotMoved {
  readonly move: Move;
  readonly reason: string;
}

const NO_PROC = 7;
const NOT_WRITTEN = 6;
/** Fields of a move; 16 of the longest fit into one command line of xargs, which must not divide one. */
const FIELDS = 4;
const MOVES_AT_ONCE = 16;

const REASONS: Readonly<Record<string, string>> = {
  changed: 'what is there changed since the plan was made',
  appeared: 'something appeared there since the plan was made',
  way: 'its folder is no longer there, or closed to this user',
};

/** What is to replace files is on the disk before the first of them goes: else a power cut could leave an empty one. */
export function flushWork(folder: WorkFolder): RemoteCommand<void> {
  return {
    name: 'flush-work-folder',
    // Not every one can be asked for a file system alone. One that can and fails is believed: the plain one never fails.
    script: `${ENTER}case $(sync --help 2>&1) in *-f*) said=$(sync -f . 2>&1) ;; *) said=$(sync 2>&1) ;; esac || {
  printf '%s' "\${said##*: }"
  exit ${NOT_WRITTEN}
}`,
    args: enterArgs(folder),
    needs: 'user',
    accepts: [0, EXCHANGED, NOT_WRITTEN],
    budgetMs: 60 * 60_000,
    // The kernel says it once.
    repeatable: false,
    parse({ stdout, exitCode }) {
      if (exitCode === EXCHANGED) throw targetExchanged(folder.target);
      if (exitCode === NOT_WRITTEN) throw notOnTheDisk(folder.target, displayText(stdout.toString('utf8').trim()));
    },
  };
}

/** Moves a part of the plan; the answer is what stayed in the work folder. */
export function placeRestored(
  folder: WorkFolder,
  targetId: string,
  moves: readonly Move[],
): RemoteCommand<readonly NotMoved[]> {
  const command: RemoteCommand<readonly NotMoved[]> = {
    name: 'place-restored',
    script: `${ENTER}exec 8<. && [ -d /proc/self/fd/8/. ] || exit ${NO_PROC}
cd -P ../.. && [ "$(stat -c '%d:%i' .)" = "$1" ] || exit ${EXCHANGED}
exec 9<.
me=$(id -u)
export me
xargs -0 -n ${FIELDS * MOVES_AT_ONCE} sh -c '
is_repository() { [ -f ./config ] && [ -d ./data ] && [ -d ./index ] && [ -d ./keys ] && [ -d ./snapshots ]; }
go_to() {
  cd -P /proc/self/fd/9/. || return 1
  device=$(stat -c %d .) rest=$1
  while [ -n "$rest" ]; do
    part=\${rest%%/*}
    case $rest in */*) rest=\${rest#*/} ;; *) rest= ;; esac
    before=$(stat -c %d:%i .)
    [ ! -L "./$part" ] && cd -P -- "./$part" 2>/dev/null && [ "$(stat -c %d:%i ..)" = "$before" ] || return 1
    [ "$(stat -c %d .)" = "$device" ] || return 1
    if is_repository; then return 1; fi
  done
}
move() {
  from=/proc/self/fd/8/$1 to=/proc/self/fd/7/$2
  if [ "$me" != 0 ] && [ -d "$from" ] && [ ! -L "$from" ]; then
    mode=$(stat -c %a -- "$from") && chmod u+rwx -- "$from" &&
      (cd -P -- "$from" && mv -nT -- "$from" "$to" && chmod "$mode" .)
  elif [ -n "$3" ]; then mv -fT -- "$from" "$to"
  else mv -nT -- "$from" "$to"; fi
}
here=/
while [ "$#" -gt 0 ]; do
  number=$1 folder=$2 name=$3 expected=$4
  shift 4
  if [ "$folder" != "$here" ]; then
    here=/
    if go_to "$folder"; then here=$folder; exec 7<.; fi
  fi
  if [ "$here" = / ]; then echo "$number way"; continue; fi
  if [ -n "$expected" ]; then
    case $(stat -c "${FINGERPRINT}" -- "./$name" 2>/dev/null) in
      $expected) ;;
      *) echo "$number changed"; continue ;;
    esac
  elif [ -e "./$name" ] || [ -L "./$name" ]; then echo "$number appeared"; continue; fi
  path=$folder/$name
  if ! said=$(move "\${path#/}" "$name" "$expected" 2>&1) && [ -n "$said" ]; then
    echo "$number failed $(printf %s "\${said##*: }" | tr "\\n" " ")"
  # Where something is there by now, some mv say nothing and some fail without a word.
  elif [ -e "/proc/self/fd/8/\${path#/}" ] || [ -L "/proc/self/fd/8/\${path#/}" ]; then echo "$number appeared"; fi
done' sh`,
    args: [...enterArgs(folder), targetId],
    needs: 'user',
    accepts: [0, NO_PROC, EXCHANGED],
    budgetMs: 30 * 60_000,
    repeatable: false,
    input: Buffer.concat(moves.flatMap(fieldsOf)),
    parse({ stdout, exitCode }) {
      if (exitCode === EXCHANGED) throw targetExchanged(folder.target);
      if (exitCode === NO_PROC) throw withoutProc();
      const text = stdout.toString('utf8');
      return text
        .split('\n')
        .filter(Boolean)
        .map((line) => {
          const [, number, word = '', said = ''] = /^(\d+) (changed|appeared|way|failed ?)(.*)$/.exec(line) ?? [];
          const move = moves[Number(number)];
          if (move === undefined) throw unreadableOutput(command, 'not the number of a move', line);
          return { move, reason: REASONS[word] ?? (said.trim() || 'it could not be moved') };
        });
    },
  };
  return command;
}

const NUL = Buffer.alloc(1);

/** Its number, folder (empty for the target itself), name and what is to be there. */
function fieldsOf({ path, expected = '' }: Move, number: number): readonly Buffer[] {
  const slash = path.lastIndexOf(0x2f);
  const fields = [Buffer.from(String(number)), path.subarray(0, Math.max(slash, 0)), path.subarray(slash + 1)];
  return [...fields, Buffer.from(expected)].flatMap((field) => [field, NUL]);
}
