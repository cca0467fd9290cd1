/** What is done in the folder of a mirror: filled, looked at, and published. Each command first sees that it is in it. */
import type { RemoteCommand, StreamCommand } from '../../remote/command.ts';
import { unreadableOutput } from '../../remote/command.ts';
import { PRINT } from '../backup/listing.ts';
import type { TargetTraits } from '../restore/fit-node.ts';
import { ENTER, EXCHANGED, enterArgs, type WorkFolder } from '../restore/target.ts';
import { targetExchanged } from '../restore/target-errors.ts';
import { tarOptions } from '../restore/work-commands.ts';
import { OURS } from './mirror-place.ts';

/** In the work folder. */
export const FILES = 'files';
export const LOCKED = 75;

/** From the work folder to the folder of the mirror, by which an unchanged file is linked to in the state before. */
const UP = `cd -P .. && [ "$(stat -c '%d:%i' .)" = "$1" ] || exit ${EXCHANGED}
shift
if command -v flock >/dev/null; then exec 9>>./${OURS}/lock; flock -n 9 || exit ${LOCKED}; fi
`;

const upArgs = (folder: WorkFolder): readonly string[] => [...enterArgs(folder), folder.facts.target];

/** Times of folders are set at the end, since entries come late. */
export function fillMirror(folder: WorkFolder, traits: TargetTraits): StreamCommand {
  return {
    name: 'fill-mirror',
    script: `${ENTER}${UP}exec tar --extract --file=- --delay-directory-restore "$@" 2>&1`,
    args: [...upArgs(folder), ...tarOptions(traits)],
    needs: 'user',
    accepts: [0, 1, 2, LOCKED, EXCHANGED],
  };
}

/** Of the work, or of a complete state. */
export function listMirror(folder: WorkFolder, state: string | undefined): StreamCommand {
  const where = state === undefined ? `./${FILES}` : `../${state}`;
  return {
    name: 'list-mirror',
    script: `${ENTER}exec find "$@"`,
    args: [...enterArgs(folder), where, ...PRINT],
    needs: 'user',
    accepts: [0, EXCHANGED],
  };
}

/** Reads names, each ended by NUL, from standard input, and prints the sums of these files in that order. */
export function sumFiles(folder: WorkFolder): StreamCommand {
  return {
    name: 'sum-mirrored-files',
    script: `${ENTER}cd ./${FILES} || exit ${EXCHANGED}
sync -f . 2>/dev/null || sync
exec xargs -0 -r -n 500 sha256sum -z --`,
    args: enterArgs(folder),
    needs: 'user',
    accepts: [0, EXCHANGED],
  };
}

/** Reads names, each ended by NUL, from standard input, and removes them; their folders keep their times. */
export function dropEntries(folder: WorkFolder, names: readonly Buffer[]): RemoteCommand<void> {
  return {
    name: 'drop-mirrored-entries',
    script: `${ENTER}cd ./${FILES} || exit ${EXCHANGED}
xargs -0 -r -n 1 sh -c 'holder=./\${1%/*}
[ -e "./$1" ] || [ -L "./$1" ] || exit 0
when=$(stat -c %.9Y -- "$holder") && rm -rf -- "./$1" && touch -d "@$when" -- "$holder"' sh`,
    args: enterArgs(folder),
    needs: 'user',
    accepts: [0, EXCHANGED],
    budgetMs: 10 * 60_000,
    repeatable: false,
    input: Buffer.concat(names.flatMap((name) => [name, NUL])),
    parse: ({ exitCode }) => {
      if (exitCode === EXCHANGED) throw targetExchanged(folder.target);
    },
  };
}

const NUL = Buffer.from([0]);

/** Writes standard input to a file beside the tree. */
export function storeBeside(folder: WorkFolder, name: string): StreamCommand {
  return {
    name: 'store-mirror-record',
    script: `${ENTER}cat > "./$1" && { sync "./$1" 2>/dev/null || sync; }`,
    args: [...enterArgs(folder), name],
    needs: 'user',
    accepts: [0, EXCHANGED],
  };
}

/** What is known of a complete state. */
export function loadRecord(folder: WorkFolder, name: string): StreamCommand {
  return {
    name: 'load-mirror-record',
    script: `${ENTER}exec cat "../${OURS}/$1"`,
    args: [...enterArgs(folder), name],
    needs: 'user',
    accepts: [0, 1, EXCHANGED],
  };
}

const RECORDS = ['json', 'folders', 'manifest.jsonl'] as const;

export interface PublishedState {
  readonly state: 'published' | 'exists' | 'locked';
  readonly removed: readonly string[];
}

/**
 * Gives the work its name as the state \`name\`, makes it the latest, and removes older states than the last \`keep\`. Each
 * step is a rename, and no state is removed before the new one is complete.
 */
export function publishState(
  folder: WorkFolder,
  name: string,
  keep: number | undefined,
): RemoteCommand<PublishedState> {
  const command: RemoteCommand<PublishedState> = {
    name: 'publish-mirror',
    script: `${ENTER}${UP}work=$1 name=$2 keep=$3
if [ -e "./$name" ] || [ -L "./$name" ]; then echo exists; exit; fi
for record in ${RECORDS.join(' ')}; do mv -f -- "./$work/$record" "./${OURS}/$name.$record" || exit; done
{ cat ./${OURS}/states 2>/dev/null; printf '%s\\n' "$name"; } > ./${OURS}/states.new || exit
sync ./${OURS}/states.new 2>/dev/null || sync
mv -f ./${OURS}/states.new ./${OURS}/states || exit
mv -n -T -- "./$work/${FILES}" "./$name" && [ ! -e "./$work/${FILES}" ] || exit
ln -s -- "$name" "./$work/latest" && mv -f -T -- "./$work/latest" ./latest || exit
sync -f . 2>/dev/null || sync
echo published
rmdir -- "./$work"
[ "$keep" != all ] || exit 0
is_state() { case $1 in *[!0-9TZ-]* | *..*) return 1 ;; ????-??-??T??-??-??Z) [ -d "./$1" ] && [ ! -L "./$1" ] ;; *) return 1 ;; esac; }
complete=$(while read -r old; do ! is_state "$old" || printf '%s\\n' "$old"; done < ./${OURS}/states)
goes=$(printf '%s\\n' "$complete" | head -n -"$keep")
[ -n "$goes" ] || exit 0
printf '%s\\n' "$complete" | tail -n "$keep" > ./${OURS}/states.new && mv -f ./${OURS}/states.new ./${OURS}/states || exit
for old in $goes; do
  [ "$old" != "$name" ] || continue
  rm -rf -- "./$old" 2>/dev/null || { find "./$old" -type d ! -perm -700 -exec chmod u+rwx {} +; rm -rf -- "./$old"; }
  for record in ${RECORDS.join(' ')}; do rm -f -- "./${OURS}/$old.$record"; done
  [ -d "./$old" ] || printf 'removed %s\\n' "$old"
done`,
    args: [...upArgs(folder), folder.name, name, keep === undefined ? 'all' : String(keep)],
    needs: 'user',
    accepts: [0, LOCKED, EXCHANGED],
    budgetMs: 60 * 60_000,
    repeatable: false,
    parse({ exitCode, stdout }) {
      if (exitCode === EXCHANGED) throw targetExchanged(folder.target);
      if (exitCode === LOCKED) return { state: 'locked', removed: [] };
      const text = stdout.toString('latin1');
      const [, state, removed = ''] = /^(published|exists)\n((?:removed [\dTZ-]+\n)*)$/.exec(text) ?? [];
      if (state === undefined) throw unreadableOutput(command, 'neither a state nor why there is none', text);
      return {
        state: state as 'published' | 'exists',
        removed: removed.split('\n').flatMap((line) => (line === '' ? [] : [line.slice('removed '.length)])),
      };
    },
  };
  return command;
}

/** Nothing stays of a run that did not come to its end. */
export function dropWork(folder: WorkFolder): RemoteCommand<void> {
  return {
    name: 'drop-mirror-work',
    script: `${ENTER}cd -P .. || exit
rm -rf -- "./$1" 2>/dev/null || { find "./$1" -type d ! -perm -700 -exec chmod u+rwx {} +; rm -rf -- "./$1"; }
[ ! -d "./$1" ]`,
    args: [...enterArgs(folder), folder.name],
    needs: 'user',
    accepts: [0, EXCHANGED],
    budgetMs: 10 * 60_000,
    repeatable: false,
    parse: () => undefined,
  };
}
