/**
 * Work folders in a target that holds other things. Each says in it which process it belongs to, and no other user can
 * have written that, so the next restore takes away those of processes that are proved to be gone. What is in one is in
 * the repository as well, so nothing is lost with it.
 */
import { randomBytes } from 'node:crypto';
import { fateOf, identifyProcess, type ProcessIdentity } from '../../base/process-identity.ts';
import type { RemoteCommand } from '../../remote/command.ts';
import { unreadableOutput } from '../../remote/command.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import { GO, type KnownFolder } from './existing.ts';
import { ENTER, EXCHANGED, enterArgs, WORK_PREFIX, type WorkFolder, workPath } from './target.ts';
import { leftOver, targetExchanged } from './target-errors.ts';

interface LeftWork {
  readonly name: string;
  readonly id: string;
  /** Empty where it holds nothing at all; undefined where it is none of ours. */
  readonly mark: string | undefined;
}

/** The folder inside of `outer` in which the tree is made. */
export async function makeMarkedTree(host: RemoteHost, outer: WorkFolder, signal: AbortSignal): Promise<WorkFolder> {
  const identity = await identifyProcess();
  const mark = identity === undefined ? 'unknown' : formatMark(identity);
  const id = await host.run(makeTree(outer, mark), signal);
  return { target: workPath(outer), name: 'tree', facts: { target: outer.facts.work, work: id, made: 0 } };
}

export function makeTree(outer: WorkFolder, mark: string): RemoteCommand<string> {
  const command: RemoteCommand<string> = {
    name: 'mark-work-folder',
    script: `${ENTER}printf '%s\\n' "$1" > ./mark && mkdir -m 0700 ./tree && stat -c '%d:%i' ./tree`,
    args: [...enterArgs(outer), mark],
    needs: 'user',
    accepts: [0, EXCHANGED],
    budgetMs: 30_000,
    repeatable: false,
    parse({ stdout, exitCode }) {
      if (exitCode === EXCHANGED) throw targetExchanged(outer.target);
      const id = /^(\d+:\d+)\n$/.exec(stdout.toString('latin1'))?.[1];
      if (id === undefined) throw unreadableOutput(command, 'not device and inode', stdout.toString('latin1'));
      return id;
    },
  };
  return command;
}

/** Errors: `restore.target` where something of that name may belong to a restore that runs. */
export async function clearLeftWork(
  host: RemoteHost,
  target: KnownFolder,
  own: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const { name, id, mark } of await host.run(listLeftWork(target), signal)) {
    if (name === own) continue;
    if (mark === undefined || (mark !== '' && !(await isGone(mark)))) throw leftOver(target.path, name);
    await host.run(removeWork(target, name, id), signal);
    removed.push(name);
  }
  return removed;
}

async function isGone(mark: string): Promise<boolean> {
  const identity = parseMark(mark);
  const fate = identity === undefined ? 'unknown' : await fateOf(identity);
  return fate === 'ended' || fate === 'restarted';
}

function formatMark({ pid, start, hostname, machine, boot, namespace }: ProcessIdentity): string {
  return [String(pid), start, hostname, machine, boot, namespace].join('\t');
}

/** Undefined for anything that is not of six fields. */
function parseMark(mark: string): ProcessIdentity | undefined {
  const [pid = '', start, hostname, machine, boot, namespace, ...more] = mark.split('\t');
  if (!/^\d{1,10}$/.test(pid) || namespace === undefined || more.length > 0) return undefined;
  if (start === undefined || hostname === undefined || machine === undefined || boot === undefined) return undefined;
  return { pid: Number(pid), start, hostname, machine, boot, namespace };
}

export function listLeftWork({ path, id }: KnownFolder): RemoteCommand<readonly LeftWork[]> {
  const command: RemoteCommand<readonly LeftWork[]> = {
    name: 'list-left-work',
    script: `${GO}me=$(id -u)
for folder in ./${WORK_PREFIX}*; do
  [ -e "$folder" ] || [ -L "$folder" ] || continue
  kind=foreign mark=
  if [ ! -L "$folder" ] && [ -d "$folder" ] && [ "$(stat -c '%u %a' -- "$folder")" = "$me 700" ]; then
    if [ -z "$(ls -A -- "$folder")" ]; then kind=empty
    elif [ -f "$folder/mark" ] && [ ! -L "$folder/mark" ]; then
      kind=marked mark=$(head -c 4000 -- "$folder/mark" | tr -d '\\n')
    fi
  fi
  printf '%s %s %s %s\\n' "$kind" "$(stat -c '%d:%i' -- "$folder")" "$(printf %s "\${folder#./}" | tr ' \\n' '__')" "$mark"
done`,
    args: [path, id],
    needs: 'user',
    accepts: [0, EXCHANGED],
    budgetMs: 30_000,
    repeatable: true,
    parse({ stdout, exitCode }) {
      if (exitCode === EXCHANGED) throw targetExchanged(path);
      const text = stdout.toString('utf8');
      return text
        .split('\n')
        .filter(Boolean)
        .map((line) => {
          const [, kind, folderId, name, mark = ''] = /^(foreign|empty|marked) (\d+:\d+) (\S+) (.*)$/.exec(line) ?? [];
          if (folderId === undefined || name === undefined)
            throw unreadableOutput(command, 'not what a folder is', line);
          return {
            name,
            id: folderId,
            mark: kind === 'foreign' || (kind === 'marked' && mark === '') ? undefined : mark,
          };
        });
    },
  };
  return command;
}

/** Removes a work folder of ours with all that is in it: it is closed to all others, and known by device and inode. */
export function removeWork(target: KnownFolder, name: string, workId: string): RemoteCommand<void> {
  return {
    name: 'remove-left-work',
    script: `${GO}before=$(stat -c '%d:%i' .)
cd -P -- "./$1" 2>/dev/null && [ "$(stat -c '%d:%i' .)" = "$2" ] && [ "$(stat -c '%d:%i' ..)" = "$before" ] || exit ${EXCHANGED}
[ "$(id -u)" = 0 ] || find . -type d ! -perm -u=rwx -exec chmod u+rwx {} \\;
rm -rf -- ./tree && rm -f -- ./mark && cd -P .. && rmdir -- "./$1"`,
    args: [target.path, target.id, name, workId],
    needs: 'user',
    accepts: [0, EXCHANGED],
    budgetMs: 30 * 60_000,
    repeatable: false,
    parse({ exitCode }) {
      if (exitCode === EXCHANGED) throw targetExchanged(target.path);
    },
  };
}

export function newWorkName(): string {
  return `${WORK_PREFIX}${randomBytes(6).toString('hex')}`;
}
