/**
 * The folder of a mirror. In it a folder for each complete state, named after its instant; `latest`, a link to the last of
 * them; `.stillpoint-mirror`, which makes the folder ours and has what is known of each state; and while a run lasts its
 * work, `.stillpoint-incomplete-…`, which never counts.
 *
 * A state is complete where it is in the list `states` and its folder is there: the first is written before the second is
 * renamed into place, so no instant shows half of one.
 */
import { StillpointError } from '../../base/errors.ts';
import type { RemoteCommand } from '../../remote/command.ts';
import { unreadableOutput } from '../../remote/command.ts';
import { type TargetFacts, WALK } from '../restore/target.ts';

export const WORK_PREFIX = '.stillpoint-incomplete-';
export const OURS = '.stillpoint-mirror';

const STATES = [
  'ready',
  ...(['not-empty', 'not-folder', 'closed', 'not-made', 'shared-link', 'exchanged', 'repository'] as const),
  ...(['open', 'other', 'busy'] as const),
] as const;

export interface MirrorFacts extends Pick<TargetFacts, 'uid' | 'gid' | 'tar' | 'reason' | 'made' | 'target' | 'work'> {
  readonly state: (typeof STATES)[number];
  readonly isPrivate: boolean;
  /** The last complete state; empty where there is none. */
  readonly latest: string;
}

/** Names of states: by them and by nothing else are they found and removed. */
const NAME = '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]-[0-9][0-9]-[0-9][0-9]Z';

/**
 * Looks whether the folder is a mirror of this source, or may become one, removes what runs that died left of their
 * work, and makes a folder for that of this one.
 * @param source what the mirror is of, as one line
 */
export function prepareMirror(folder: string, workName: string, source: string): RemoteCommand<MirrorFacts> {
  const command: RemoteCommand<MirrorFacts> = {
    name: 'prepare-mirror',
    script: `me=$(id -u) state=ready reason='' made=0 target='' work='' private=no latest=''
printf 'uid %s %s\\n' "$me" "$(id -g)"
printf 'tar %s\\n' "$(tar --version 2>/dev/null | head -n 1)"
${WALK}claim() {
  target=$(stat -c '%d:%i' .)
  if looks_like_repository; then state=repository reason=$(pwd -P); return; fi
  if [ ! -r . ] || [ ! -x . ]; then state=closed; return; fi
  # Who may rename in it could exchange a state for a link while it is worked on.
  case $(stat -c '%u %a' .) in
    *[2367]? | *[2367]) state=open; return ;;
    "$me "* | "0 "*) ;;
    *) state=open; return ;;
  esac
  if [ -d ./${OURS} ] && [ ! -L ./${OURS} ]; then
    case $(stat -c '%u %a' ./${OURS}) in "$me 700") ;; *) state=other reason='another user'; return ;; esac
  else
    left=$(find . -mindepth 1 -maxdepth 1 ! -name lost+found 2>/dev/null | head -n 1)
    if [ -n "$left" ]; then state=not-empty; return; fi
    if ! reason=$(mkdir -m 0700 ./${OURS} 2>&1); then state=closed; return; fi
  fi
  if [ -f ./${OURS}/source ]; then
    reason=$(head -c 4096 ./${OURS}/source)
    if [ "$reason" != "$3" ]; then state=other; return; fi
    reason=''
  else
    printf '%s\\n' "$3" > ./${OURS}/source.new && mv -f ./${OURS}/source.new ./${OURS}/source || { state=closed; return; }
  fi
  if command -v flock >/dev/null; then
    exec 9>>./${OURS}/lock
    flock -n 9 || { state=busy; return; }
    for old in ./${WORK_PREFIX}*; do
      [ -d "$old" ] && [ ! -L "$old" ] || continue
      rm -rf -- "$old" 2>/dev/null || { find "$old" -type d ! -perm -700 -exec chmod u+rwx {} +; rm -rf -- "$old"; }
    done
  fi
  while read -r name; do
    case $name in ${NAME}) ! [ -d "./$name" ] || [ -L "./$name" ] || latest=$name ;; esac
  done <<STATES
$(cat ./${OURS}/states 2>/dev/null)
STATES
  if ! reason=$(mkdir -m 0700 -- "./$2" 2>&1); then state=closed; return; fi
  cd -P -- "./$2" || { state=closed; return; }
  [ "$(stat -c '%d:%i' ..)" = "$target" ] || { state=exchanged; return; }
  work=$(stat -c '%d:%i' .)
  case $(stat -c '%u %a' .) in "$me "*00) private=yes ;; esac
}
[ "$state" != ready ] || claim "$@"
printf 'state %s\\nmade %s\\ntarget %s\\nwork %s\\nprivate %s\\nlatest %s\\n' "$state" "$made" "$target" "$work" "$private" "$latest"
printf 'reason %s\\n' "$(printf '%s' "$reason" | tr '\\n' ' ')"`,
    args: [folder, workName, source],
    needs: 'user',
    budgetMs: 30 * 60_000,
    repeatable: false,
    parse(output) {
      const text = output.stdout.toString('utf8');
      const fields =
        /^uid (\d+) (\d+)\ntar ([^\n]*)\nstate ([a-z-]+)\nmade (\d+)\ntarget ([\d:]*)\nwork ([\d:]*)\nprivate (yes|no)\nlatest ([\dTZ-]*)\nreason ([^\n]*)\n$/.exec(
          text,
        );
      const state = STATES.find((known) => known === fields?.[4]);
      if (fields === null || state === undefined) throw unreadableOutput(command, 'not the nine lines', text);
      const [, uid, gid, tar = '', , made, target = '', work = '', isPrivate, latest = '', reason = ''] = fields;
      return {
        ...{ uid: Number(uid), gid: Number(gid), tar, state, made: Number(made), target, work, latest },
        ...{ reason: reason.trim(), isPrivate: isPrivate === 'yes' },
      };
    },
  };
  return command;
}

type Words = (folder: string, reason: string) => readonly [what: string, advice: string];

const because = (reason: string): string => (reason === '' ? '' : ` (${reason.split(': ').at(-1) ?? ''})`);

const REFUSALS: Readonly<Record<Exclude<MirrorFacts['state'], 'ready'>, Words>> = {
  'not-empty': (folder) => [
    `The folder "${folder}" is not empty and is no mirror of ours.`,
    'Name a folder that is empty or does not exist, or one that an export has made.',
  ],
  'not-folder': (folder) => [`"${folder}" is not a folder, or something in its path is not.`, 'Name another folder.'],
  closed: (folder, reason) => [
    `The folder "${folder}" cannot be written to${because(reason)}.`,
    'Choose another folder, or export as a user who may write there.',
  ],
  'not-made': (folder, reason) => [
    `The folder "${folder}" could not be made${because(reason)}.`,
    'Choose another place, or make the folder yourself.',
  ],
  'shared-link': (folder) => [
    `The way to "${folder}" leads through a symbolic link in a folder that other users can change, so they could redirect the mirror.`,
    'Name the folder by its own path, without that link.',
  ],
  exchanged: (folder) => [
    `Something else is now where the folder "${folder}" was.`,
    'See who moves folders there, and export again.',
  ],
  repository: (folder, inside) => [
    `"${folder}" lies inside a repository ("${inside}").`,
    'Files there would disturb the repository. Choose a folder outside of it.',
  ],
  open: (folder) => [
    `Others than the one who writes the mirror can change the folder "${folder}", so they could redirect it.`,
    'Make it the folder of that user, and close it: chmod 0700.',
  ],
  other: (folder, of) => [
    `The folder "${folder}" is a mirror of something else${of === '' ? '' : `: ${of}`}.`,
    'Each source needs a folder of its own.',
  ],
  busy: (folder) => [`Another run is writing to the mirror "${folder}".`, 'Wait for its end, and export again.'],
};

export function refusalOfMirror(folder: string, { state, reason, tar }: MirrorFacts): StillpointError | undefined {
  if (state !== 'ready') return mirrorError(...REFUSALS[state](folder, reason));
  if (tar.includes('GNU tar')) return undefined;
  return new StillpointError('remote.tool-missing', `GNU tar is needed where the mirror "${folder}" is.`, {
    advice: 'Install the package "tar" there.',
    details: { found: tar },
    cause: undefined,
  });
}

export function mirrorError(
  message: string,
  advice: string,
  details?: Readonly<Record<string, unknown>>,
): StillpointError {
  return new StillpointError('export.target', message, { advice, ...(details && { details }), cause: undefined });
}
