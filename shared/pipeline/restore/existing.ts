/** What is at the places where a restore would write, asked of the target without changing anything there. */
import type { RemoteCommand } from '../../remote/command.ts';
import { unreadableOutput } from '../../remote/command.ts';
import { EXCHANGED, WALK, WORK_PREFIX } from './target.ts';
import { targetExchanged, targetRestless } from './target-errors.ts';

/** A folder that is known by device and inode. */
export interface KnownFolder {
  readonly path: string;
  /** "device:inode" */
  readonly id: string;
}

/** Begins a script that works in a folder of which path and id are its first two arguments. */
export const GO = `cd -P -- "$1" 2>/dev/null && [ "$(stat -c '%d:%i' .)" = "$2" ] || exit ${EXCHANGED}
shift 2
`;

const STATES = ['ready', 'missing', 'not-folder', 'closed', 'shared-link', 'repository'] as const;

export interface Look {
  /** `missing`: it would be made. */
  readonly state: (typeof STATES)[number];
  readonly reason: string;
  /** Of the target, where it is there. */
  readonly id: string;
  /** Something that is in it; what a restore of ours left comes first. Empty for an empty folder. */
  readonly holds: string;
  /** Free bytes there, or where it would be made. */
  readonly room: number | undefined;
}

/** Goes to the target as a restore does, and makes nothing. */
export function lookAtTarget(target: string): RemoteCommand<Look> {
  const command: RemoteCommand<Look> = {
    name: 'look-at-restore-target',
    script: `me=$(id -u) state=ready make=no reason='' made=0 id='' holds=''
${WALK}if [ "$state" = ready ]; then
  id=$(stat -c '%d:%i' .)
  holds=$(find . -mindepth 1 -maxdepth 1 -name '${WORK_PREFIX}*' 2>/dev/null | head -n 1)
  [ -n "$holds" ] || holds=$(find . -mindepth 1 -maxdepth 1 ! -name lost+found 2>/dev/null | head -n 1)
  if looks_like_repository; then state=repository reason=$(pwd -P)
  elif [ ! -r . ] || [ ! -x . ]; then state=closed; fi
fi
printf 'state %s\\nid %s\\nroom %s\\n' "$state" "$id" "$(stat -f -c '%S %b %a %f' . 2>/dev/null)"
printf 'holds %s\\n' "$(printf '%s' "\${holds#./}" | tr '\\n' ' ')"
printf 'reason %s\\n' "$(printf '%s' "$reason" | tr '\\n' ' ')"
printf 'uid %s\\n' "$me"`,
    args: [target],
    needs: 'user',
    budgetMs: 30_000,
    repeatable: true,
    parse({ stdout }) {
      const text = stdout.toString('utf8');
      const fields =
        /^state ([a-z-]+)\nid ([\d:]*)\nroom ((\d+) (\d+) (\d+) (\d+))?\nholds ([^\n]*)\nreason ([^\n]*)\nuid (\d+)\n$/.exec(
          text,
        );
      const state = STATES.find((known) => known === fields?.[1]);
      if (fields === null || state === undefined) throw unreadableOutput(command, 'not the six lines', text);
      const [, , id = '', roomLine, size, blocks, available, free, holds = '', reason = '', uid] = fields;
      const isUnknown = roomLine === undefined || blocks === '0';
      const room = isUnknown ? undefined : Number(uid === '0' ? free : available) * Number(size);
      return { state, reason: reason.trim(), id, holds, room };
    },
  };
  return command;
}

/** One that is there. */
export interface Existing {
  readonly isFolder: boolean;
  readonly isSymlink: boolean;
  readonly isRepository: boolean;
  readonly modifiedNs: bigint;
  readonly device: string;
  /**
   * A pattern of the shell that fits `FINGERPRINT` as long as nothing has changed. Of several names of one file it says
   * nothing of links and of the time of attributes, which change when another of the names is replaced.
   */
  readonly unchanged: string;
}

/** Type and mode, size, time of content, device and inode, links, time of attributes. */
export const FINGERPRINT = '%f %s %.9Y %d:%i %h %.9Z';
/** So many paths of the longest kind fit into one command line of xargs. */
const PATHS_AT_ONCE = 24;

/** The same for every path below the target, in that order; undefined where nothing is. Links are not followed at the end. */
export function lookAtPaths(
  { path: target, id }: KnownFolder,
  paths: readonly Buffer[],
): RemoteCommand<readonly (Existing | undefined)[]> {
  const command: RemoteCommand<readonly (Existing | undefined)[]> = {
    name: 'look-at-restored-paths',
    script: `${GO}xargs -0 -n ${PATHS_AT_ONCE} sh -c '
is_repository() { [ ! -L "$1" ] && [ -d "$1" ] && [ -f "$1/config" ] && [ -d "$1/data" ] && [ -d "$1/index" ] && [ -d "$1/keys" ] && [ -d "$1/snapshots" ]; }
plain=yes
for path; do
  if [ ! -e "$path" ] && [ ! -L "$path" ] || is_repository "$path"; then plain=no; fi
done
if [ "$plain" = yes ] && facts=$(stat -c ". ${FINGERPRINT}" -- "$@" 2>/dev/null); then
  printf "%s\\n" "$facts"
  exit
fi
for path; do
  mark=.
  if is_repository "$path"; then mark=r; fi
  stat -c "$mark ${FINGERPRINT}" -- "$path" 2>/dev/null || echo -
done' sh`,
    args: [target, id],
    needs: 'user',
    accepts: [0, EXCHANGED],
    budgetMs: 10 * 60_000,
    repeatable: true,
    input: Buffer.concat(paths.flatMap((path) => [Buffer.from('./'), path, Buffer.alloc(1)])),
    parse({ stdout, exitCode }) {
      if (exitCode === EXCHANGED) throw targetExchanged(target);
      const lines = stdout.toString('latin1').split('\n').slice(0, -1);
      if (lines.length !== paths.length) throw targetRestless(target);
      return lines.map((line) => parseLine(line, (text) => unreadableOutput(command, 'not what stat prints', text)));
    },
  };
  return command;
}

const LINE = /^([.r]) (([\da-f]+) \d+ (-?\d+)\.(\d{9}) (\d+):\d+) (\d+) (-?\d+\.\d{9})$/;
const TYPE = 0o170000;

function parseLine(line: string, unreadable: (text: string) => Error): Existing | undefined {
  if (line === '-') return undefined;
  const [, mark, facts, mode, seconds, nanoseconds, device, links, changed] = LINE.exec(line) ?? [];
  if (facts === undefined || device === undefined) throw unreadable(line);
  const type = Number.parseInt(mode ?? '', 16) & TYPE;
  return {
    isFolder: type === 0o040000,
    isSymlink: type === 0o120000,
    isRepository: mark === 'r',
    // stat rounds down, also before 1970.
    modifiedNs: BigInt(seconds ?? 0) * 1_000_000_000n + BigInt(nanoseconds ?? 0),
    device,
    unchanged: links === '1' ? `${facts} 1 ${changed}` : `${facts} *`,
  };
}
