/** The commands that fill the work folder, look at what is there afterwards, and move it to its place. */
import { displayName } from '../../base/bytes.ts';
import type { CommandOutput, RemoteCommand, StreamCommand } from '../../remote/command.ts';
import { unreadableOutput } from '../../remote/command.ts';
import type { TargetTraits } from './fit-node.ts';
import { ENTER, EXCHANGED, enterArgs, type WorkFolder } from './target.ts';
import { targetExchanged } from './target-errors.ts';

/**
 * `--acls` beside `--xattrs`: with both forms of an ACL in the stream, what a folder would inherit to an entry without
 * one is taken off again. Whatever the stream says, tar goes through no link: without `--absolute-names` a link that
 * leads up or to the root stays an empty file until everything else is made, and with `--keep-old-files` nothing that
 * is there is written to. tar's messages are the output of this command.
 */
export function extractTar(folder: WorkFolder, way: readonly Buffer[], traits: TargetTraits): StreamCommand {
  return {
    name: 'extract-restore',
    script: `${ENTER}${FOLLOW}exec tar --extract --file=- "$@" 2>&1`,
    // A deep folder was made before, and its own entry sets what belongs to it.
    args: [
      ...enterArgs(folder),
      ...followArgs(way),
      ...(way.length > 0 ? [] : ['--keep-old-files']),
      ...tarOptions(traits),
    ],
    needs: 'user',
    accepts: [0, 1, 2, NO_WAY, EXCHANGED],
  };
}

/** The exit code of a command that could not get to a folder deep below the work folder. */
export const NO_WAY = 8;

/** Goes on from the work folder step by step, each short enough for the kernel. */
const FOLLOW = `while [ "$1" != / ]; do cd -P -- "./$1" 2>/dev/null || exit ${NO_WAY}; shift; done
shift
`;

function followArgs(way: readonly Buffer[]): readonly (string | Buffer)[] {
  return [...way, '/'];
}

/** Of tar where it makes what such a target can hold. */
export function tarOptions(traits: TargetTraits): readonly string[] {
  return [
    '--numeric-owner',
    '--same-permissions',
    traits.owners === 'kept' ? '--same-owner' : '--no-same-owner',
    ...(traits.attributes || traits.acls ? ['--xattrs', '--xattrs-include=*'] : []),
    ...(traits.acls ? ['--acls'] : []),
    // Reads and writes of up to 128 KiB instead of 10.
    '--blocking-factor=256',
    '--warning=no-timestamp',
    '--quoting-style=escape',
  ];
}

export interface TargetCounts {
  readonly files: number;
  readonly folders: number;
  readonly others: number;
  /** Whether all folders could be looked into. */
  readonly isWhole: boolean;
}

export function countRestored(folder: WorkFolder): RemoteCommand<TargetCounts> {
  const command: RemoteCommand<TargetCounts> = {
    name: 'count-restored',
    script: `${ENTER}find . -mindepth 1 -type f -print0 | tr -dc '\\000' | wc -c
find . -mindepth 1 -type d -print0 | tr -dc '\\000' | wc -c
find . -mindepth 1 ! -type f ! -type d -print0 | tr -dc '\\000' | wc -c`,
    args: enterArgs(folder),
    needs: 'user',
    accepts: [0, EXCHANGED],
    budgetMs: 30 * 60_000,
    repeatable: true,
    parse(output: CommandOutput) {
      assertNotExchanged(folder, output);
      const text = output.stdout.toString('utf8');
      const [, files, folders, others] = /^\s*(\d+)\n\s*(\d+)\n\s*(\d+)\n$/.exec(text) ?? [];
      if (others === undefined) throw unreadableOutput(command, 'not three numbers', text);
      const isWhole = output.stderr.trim() === '';
      return { files: Number(files), folders: Number(folders), others: Number(others), isWhole };
    },
  };
  return command;
}

/** Removes single files by name, those that we made and whose content broke off; their folders keep their times. */
export function removeBroken(
  folder: WorkFolder,
  way: readonly Buffer[],
  paths: readonly Buffer[],
): RemoteCommand<void> {
  return {
    name: 'remove-broken-files',
    script: `${ENTER}${FOLLOW}xargs -0 -n 1 sh -c 'folder=\${1%/*}
when=$(stat -c %.9Y -- "$folder") && rm -- "$1" && touch -d "@$when" -- "$folder"' sh`,
    args: [...enterArgs(folder), ...followArgs(way)],
    needs: 'user',
    accepts: [0, EXCHANGED],
    budgetMs: 60_000,
    repeatable: false,
    input: Buffer.concat(paths.map((path) => Buffer.concat([Buffer.from('./'), path, Buffer.from([0])]))),
    parse: (output) => assertNotExchanged(folder, output),
  };
}

/** The last act: what the work folder holds goes to the target, which then holds nothing else of ours. */
export interface Published {
  /** Names of what could not be moved, because something of that name is there now. */
  readonly left: readonly string[];
}

/**
 * `mv` into a folder that is named ".." renames and never goes through a link of the same name; `-n` replaces nothing.
 * A folder that its owner may not write to cannot be moved by him, so it may be for that moment; that is set and taken
 * back from inside of it, where no path can be exchanged.
 */
export function publish(folder: WorkFolder): RemoteCommand<Published> {
  return {
    name: 'publish-restored',
    script: `${ENTER}if [ "$(id -u)" != 0 ]; then
  find . -mindepth 1 -maxdepth 1 -type d ! -perm -u=rwx -exec sh -c 'for folder; do
    mode=$(stat -c %a -- "$folder") && chmod u+rwx -- "$folder" && (
      cd -P -- "$folder" && mv -n -- "../\${folder#./}" ../.. && chmod "$mode" .
    )
  done' sh {} +
fi
find . -mindepth 1 -maxdepth 1 -exec sh -c 'mv -n -- "$@" ..' sh {} +
cd -P .. && rmdir -- "./$1" 2>/dev/null || {
  cd -P -- "./$1" && find . -mindepth 1 -maxdepth 1 | head -n 10
}`,
    args: [...enterArgs(folder), folder.name],
    needs: 'user',
    accepts: [0, 1, EXCHANGED],
    budgetMs: 10 * 60_000,
    repeatable: true,
    parse(output) {
      assertNotExchanged(folder, output);
      const lines = output.stdout.toString('latin1').split('\n');
      return {
        left: lines
          .filter((line) => line !== '')
          .map((line) => displayName(Buffer.from(line.slice('./'.length), 'latin1'))),
      };
    },
  };
}

/** For a restore that is refused before anything was restored: nothing stays of what was made for it. */
export function dropWorkFolder(folder: WorkFolder): RemoteCommand<void> {
  return {
    name: 'drop-work-folder',
    script: `${ENTER}rm -rf -- ./* ./.[!.]* ./..?*
cd -P .. && rmdir -- "./$2" || exit 0
path=$1 left=$3
while [ "$left" -gt 0 ]; do
  case $path in */) path=\${path%/}; continue ;; */.) path=\${path%/.}; continue ;; esac
  cd -P .. && rmdir -- "./\${path##*/}" || exit 0
  path=\${path%/*} left=$((left - 1))
done`,
    args: [...enterArgs(folder), folder.target, folder.name, String(folder.facts.made)],
    needs: 'user',
    accepts: [0, EXCHANGED],
    budgetMs: 60_000,
    repeatable: false,
    parse: () => undefined,
  };
}

function assertNotExchanged({ target }: WorkFolder, { exitCode }: CommandOutput): void {
  if (exitCode === EXCHANGED) throw targetExchanged(target);
}
