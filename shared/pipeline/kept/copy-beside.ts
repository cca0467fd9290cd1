/** A tree of a snapshot copied to a place of the host where nothing is. */
import { displayName } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import type { RunId } from '../../domain/names.ts';
import type { RemoteCommand } from '../../remote/command.ts';
import { lastLines } from '../../remote/host-errors.ts';
import { scriptAt } from '../backup/reading-place.ts';

export interface CopyOrder {
  readonly run: RunId;
  /** In the namespace of the run. */
  readonly from: Buffer;
  readonly to: Buffer;
}

/** What a snapshot has at a path; a link on the way there, or at its end, is no way that is gone. */
export function lookInSnapshot(run: RunId, path: Buffer): RemoteCommand<'entry' | 'link' | 'absent'> {
  const script = scriptAt(
    { kind: 'snapshot', run, top: '' },
    {
      name: 'look-in-snapshot',
      script: `
if [ "$(readlink -fn -- "$1"; echo x)" = "$1x" ]; then [ ! -e "$1" ] || exit 0; exit ${ABSENT}; fi
[ -e "$1" ] || [ -L "$1" ] || exit ${ABSENT}
exit ${LINK}`,
      args: [path],
    },
  );
  return {
    ...script,
    accepts: [0, ABSENT, LINK],
    budgetMs: 60_000,
    repeatable: true,
    parse: ({ exitCode }) => (exitCode === 0 ? 'entry' : exitCode === LINK ? 'link' : 'absent'),
  };
}

const ABSENT = 84;
const LINK = 85;
const TAKEN = 81;
const NO_FOLDER = 82;
const NOT_COPIED = 83;
const HOURS = 24 * 3600_000;

/**
 * The folder in which it comes to be is entered, and has to be the one of this path without any link, before anything is made:
 * nobody who exchanges a folder on the way leads it elsewhere. Nothing is replaced: what has taken the name meanwhile stays.
 */
export function copyBeside({ run, from, to }: CopyOrder, host: string): RemoteCommand<void> {
  const at = to.lastIndexOf(0x2f);
  const [folder, name] = [at === 0 ? Buffer.from('/') : to.subarray(0, at), to.subarray(at + 1)];
  const script = scriptAt(
    { kind: 'snapshot', run, top: '' },
    {
      name: 'copy-from-snapshot',
      script: `
trap "" HUP PIPE
cd -P -- "$2" 2>/dev/null && [ "$(pwd -P; echo x)" = "$(printf "%s\\nx" "$2")" ] || exit ${NO_FOLDER}
[ ! -e "./$3" ] && [ ! -L "./$3" ] || exit ${TAKEN}
work=.stillpoint-take-$4
umask 077
mkdir -- "./$work" || exit ${NO_FOLDER}
if cp -a --reflink=auto -- "$1" "./$work/copy" >&2; then
  mv -n -T -- "./$work/copy" "./$3" >&2
  [ -e "./$work/copy" ] || [ -L "./$work/copy" ] || { rmdir -- "./$work"; exit 0; }
  rm -rf -- "./$work"
  exit ${TAKEN}
fi
rm -rf -- "./$work"
exit ${NOT_COPIED}`,
      args: [from, folder, name, run],
    },
  );
  return {
    ...script,
    accepts: [0, TAKEN, NO_FOLDER, NOT_COPIED],
    budgetMs: HOURS,
    repeatable: false,
    parse: ({ exitCode, stderr }) => {
      if (exitCode === 0) return;
      const [shown, shownFolder] = [displayName(to), displayName(folder)];
      const [message, advice] =
        exitCode === TAKEN
          ? [`There is something at "${shown}" on "${host}" already.`, 'Name a place with --to at which nothing is.']
          : exitCode === NO_FOLDER
            ? [
                `Nothing can be made in "${shownFolder}" on "${host}".`,
                'Name a place in a folder that is there, by its path without symbolic links.',
              ]
            : [
                `It could not be copied to "${shown}" on "${host}".`,
                'See what cp says, and name another place with --to.',
              ];
      throw new StillpointError('restore.target', `${message}${lastLines(stderr)}`, {
        advice,
        details: { host, to: shown },
        cause: undefined,
      });
    },
  };
}
