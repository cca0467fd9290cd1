/** The commands that prepare the folder to restore into, fill it, and look at what is there afterwards. */
import type { CommandOutput, RemoteCommand, StreamCommand } from '../../remote/command.ts';
import { unreadableOutput } from '../../remote/command.ts';

const STATES = ['ready', 'not-empty', 'not-folder', 'closed', 'not-made'] as const;

export interface TargetFacts {
  readonly uid: number;
  readonly gid: number;
  /** First line of `tar --version`; empty where there is no tar. */
  readonly tar: string;
  readonly state: (typeof STATES)[number];
  /** What mkdir said where the folder could not be made. */
  readonly reason: string;
  /** An otherwise empty new file system has this folder; it does not count. */
  readonly hasLostAndFound: boolean;
}

/** Makes the folder (mode 0700) when there is nothing, and says why it cannot be used otherwise. Writes nothing else. */
export function prepareTarget(target: string): RemoteCommand<TargetFacts> {
  const command: RemoteCommand<TargetFacts> = {
    name: 'prepare-restore-target',
    script: `printf 'uid %s %s\\n' "$(id -u)" "$(id -g)"
printf 'tar %s\\n' "$(tar --version 2>/dev/null | head -n 1)"
state=ready
reason=
if [ -d "$1" ]; then
  if [ ! -r "$1" ] || [ ! -w "$1" ] || [ ! -x "$1" ]; then state=closed
  elif [ -n "$(find "$1/" -mindepth 1 -maxdepth 1 ! -name lost+found | head -c 1)" ]; then state=not-empty
  fi
elif [ -e "$1" ] || [ -L "$1" ]; then state=not-folder
elif ! reason=$(mkdir -p -- "$1" 2>&1); then state=not-made
fi
printf 'state %s\\n' "$state"
if [ -d "$1/lost+found" ]; then echo 'lost-found yes'; else echo 'lost-found no'; fi
printf 'reason %s\\n' "$(printf '%s' "$reason" | tr '\\n' ' ')"`,
    args: [target],
    needs: 'user',
    budgetMs: 30_000,
    repeatable: true,
    parse(output) {
      const text = output.stdout.toString('utf8');
      const fields = /^uid (\d+) (\d+)\ntar ([^\n]*)\nstate ([a-z-]+)\nlost-found (yes|no)\nreason ([^\n]*)\n$/.exec(
        text,
      );
      const state = STATES.find((known) => known === fields?.[4]);
      if (fields === null || state === undefined) throw unreadableOutput(command, 'not the five lines', text);
      const [, uid, gid, tar = '', , lostAndFound, reason = ''] = fields;
      return { uid: Number(uid), gid: Number(gid), tar, state, reason, hasLostAndFound: lostAndFound === 'yes' };
    },
  };
  return command;
}

/**
 * `--acls` beside `--xattrs`: with both forms of an ACL in the stream, what a folder would inherit to an entry without
 * one is taken off again. Whatever the stream says, tar goes through no link: without `--absolute-names` a link that
 * leads up or to the root stays an empty file until everything else is made, and with `--keep-old-files` nothing that
 * is there is written to. tar's messages are the output of this command.
 */
export function extractTar(target: string, isRoot: boolean): StreamCommand {
  return {
    name: 'extract-restore',
    script: `cd -- "$1" || exit 3
shift
exec tar --extract --file=- "$@" 2>&1`,
    args: [
      target,
      '--numeric-owner',
      '--same-permissions',
      isRoot ? '--same-owner' : '--no-same-owner',
      '--xattrs',
      '--xattrs-include=*',
      '--acls',
      '--keep-old-files',
      // Reads and writes of up to 128 KiB instead of 10.
      '--blocking-factor=256',
      '--warning=no-timestamp',
      '--quoting-style=escape',
    ],
    needs: 'user',
    accepts: [0, 1, 2],
  };
}

export interface TargetCounts {
  readonly files: number;
  readonly folders: number;
  readonly others: number;
  /** Whether all folders could be looked into. */
  readonly isWhole: boolean;
}

export function countTarget(target: string): RemoteCommand<TargetCounts> {
  const command: RemoteCommand<TargetCounts> = {
    name: 'count-restored',
    script: `cd -- "$1" || exit 3
find . -mindepth 1 -type f -print0 | tr -dc '\\000' | wc -c
find . -mindepth 1 -type d -print0 | tr -dc '\\000' | wc -c
find . -mindepth 1 ! -type f ! -type d -print0 | tr -dc '\\000' | wc -c`,
    args: [target],
    needs: 'user',
    budgetMs: 30 * 60_000,
    repeatable: true,
    parse(output: CommandOutput) {
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
export function removeBroken(target: string, paths: readonly Buffer[]): RemoteCommand<void> {
  return {
    name: 'remove-broken-files',
    script: `cd -- "$1" || exit 3
xargs -0 -n 1 sh -c 'folder=\${1%/*}
when=$(stat -c %.9Y -- "$folder") && rm -- "$1" && touch -d "@$when" -- "$folder"' sh`,
    args: [target],
    needs: 'user',
    budgetMs: 60_000,
    repeatable: false,
    input: Buffer.concat(paths.map((path) => Buffer.concat([Buffer.from('./'), path, Buffer.from([0])]))),
    parse: () => undefined,
  };
}
