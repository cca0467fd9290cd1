/**
 * An archive or a mirror that lies in what it is made of: each run would read what the ones before it had written, and what is
 * read live would grow while it is read. Whether two paths are one place, names do not say: a host may be this machine, and have
 * two names. It is one where kernel, folder and its number are the same.
 */
import { dirname } from 'node:path/posix';
import { displayName } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import { compileExcludes } from '../../domain/exclude-patterns.ts';
import type { Source } from '../../domain/source.ts';
import { type ExportTarget, placeOf } from '../../domain/verbs/export.ts';
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import { isWithin } from '../../snapshot/mountinfo.ts';
import { isLeftOut, resolvePaths } from '../backup/paths.ts';

/** Where a path leads, as far as it is there. */
interface Place {
  /** Boot of the kernel, and device and inode of the last folder that is there: these say whether two places are one. */
  readonly identity: string;
  readonly folder: Buffer;
  /** What is not there yet, "" or beginning with a slash. */
  readonly rest: Buffer;
}

const FIND_PLACE: RemoteScript = {
  name: 'find-place',
  script: `
p=$1 rest=
while ! cd -P -- "$p" 2>/dev/null; do
  [ "$p" != / ] || exit 1
  p=\${p%/}
  rest=/\${p##*/}$rest
  p=\${p%/*}
  [ -n "$p" ] || p=/
done
read -r boot < /proc/sys/kernel/random/boot_id
printf '%s %s\\0' "$boot" "$(stat -c %d:%i .)"
pwd -P | tr '\\n' '\\0'
printf '%s\\0' "$rest"`,
  args: [],
  needs: 'either',
};

export function findPlace(path: string | Buffer): RemoteCommand<Place> {
  const script = { ...FIND_PLACE, args: [path] };
  return {
    ...script,
    budgetMs: 60_000,
    repeatable: true,
    leavesNoProcess: true,
    parse: ({ stdout }) => {
      const [identity = '', folder = '', rest = '', ...more] = stdout.toString('latin1').split('\0');
      if (!/^[0-9a-f-]{36} \d+:\d+$/.test(identity) || !folder.startsWith('/') || more.length !== 1)
        throw unreadableOutput(script, 'it is not three fields', stdout.toString('latin1'));
      return { identity, folder: Buffer.from(folder, 'latin1'), rest: Buffer.from(rest, 'latin1') };
    },
  };
}

/**
 * Errors: `export.target`. Changes nothing.
 *
 * @param keeper the machine on which the target is
 */
export async function refuseOwnSource(
  { paths, system = false, leaveOut, exclude, name }: Source,
  to: ExportTarget,
  { host, keeper }: { readonly host: RemoteHost; readonly keeper: RemoteHost },
  signal: AbortSignal,
): Promise<void> {
  const folder = to.kind === 'mirror' ? to.folder : dirname(to.file);
  if (!folder.startsWith('/') || /[\0\n]/.test(folder)) return;
  const [there, here] = [await keeper.run(findPlace(folder), signal), await host.run(findPlace(folder), signal)];
  if (there.identity !== here.identity) return;
  const whole = Buffer.concat([here.folder.length === 1 ? ROOT : here.folder, here.rest]);
  const roots = system ? [Buffer.from('/')] : (await host.run(resolvePaths(paths), signal)).map(({ real }) => real);
  const around = roots.find((root) => root.length > 0 && isWithin(whole, root));
  if (around === undefined || isLeftOut(whole, ROOT, compileExcludes(exclude))) return;
  // Which of the file systems below belong to a system is found out later.
  const staysOnOne = system || leaveOut?.otherFileSystems === true;
  if (staysOnOne && deviceOf(await host.run(findPlace(around), signal)) !== deviceOf(here)) return;
  throw new StillpointError(
    'export.target',
    `"${placeOf(to)}" lies in what the source "${name}" saves ("${displayName(around)}" of "${host.name}"), so each export would be of the ones before it, too.`,
    {
      advice: `Choose a place outside of it, or write "${displayName(whole)}" under "exclude" of the source.`,
      cause: undefined,
    },
  );
}

const ROOT = Buffer.alloc(0);

const deviceOf = ({ identity }: Place): string => identity.replace(/:\d+$/, '');
