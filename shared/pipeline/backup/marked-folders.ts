/**
 * Folders that say of themselves that what is in them need not be saved: by a CACHEDIR.TAG
 * (https://bford.info/cachedir/), or by an entry of a name that the source gives. Both are restic's: the folder and the
 * entry that marks it are saved. They are looked for before the listing is read, because an entry that marks a folder
 * may be listed after the others in it.
 */
import { displayName } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import type { LeaveOut } from '../../domain/source.ts';
import type { StreamCommand } from '../../remote/command.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import { MOST_COMPLAINTS_BYTES } from './listing.ts';
import { type ReadingPlace, scriptAt } from './reading-place.ts';
import type { MarkedFolders } from './select.ts';

const TAG = 'CACHEDIR.TAG';
const SIGNATURE = 'Signature: 8a477f597d28d172789f06886806bc55';

const IS_CACHE = String.raw`for f do
  [ "$(head -c ${SIGNATURE.length} -- "$f" | tr -d "\000")" = "${SIGNATURE}" ] && printf "%s\0" "$f"
done
:`;
const PRINT = String.raw`printf "%s\0" "$@"`;

export function findMarks(
  place: ReadingPlace,
  root: Buffer,
  { caches, ifPresent }: Pick<LeaveOut, 'caches' | 'ifPresent'>,
): StreamCommand {
  // By programs, one after the other: what find itself prints may come in between.
  const run = (script: string): readonly string[] => ['-exec', '/bin/sh', '-c', script, 'sh', '{}', '+'];
  const names = ifPresent.flatMap((name, at) => [...(at === 0 ? [] : ['-o']), '-name', literal(name)]);
  const expression = [
    ...(caches ? ['(', '-type', 'f', '-name', TAG, ...run(IS_CACHE), ')'] : []),
    ...(caches && names.length > 0 ? [','] : []),
    ...(names.length > 0 ? ['(', '(', ...names, ')', ...run(PRINT), ')'] : []),
  ];
  return {
    ...scriptAt(place, {
      name: 'find-marks',
      script: `
top=$1
shift
exec find "$top" -xdev -mindepth 1 "$@"`,
      args: [root, ...expression],
    }),
    // 1: what find cannot look into is named by the listing.
    accepts: [0, 1],
    stderrBytes: MOST_COMPLAINTS_BYTES,
  };
}

/** For fnmatch(3). */
const literal = (name: string): string => name.replaceAll(/[*?[\]\\]/g, String.raw`\$&`);

/** Errors: `config.invalid` where a path of the source is marked itself, so that nothing of it would be saved. */
export async function markedFolders(
  host: RemoteHost,
  { place, root, path }: { readonly place: ReadingPlace; readonly root: Buffer; readonly path: Buffer },
  leaveOut: LeaveOut | undefined,
  signal: AbortSignal,
): Promise<MarkedFolders> {
  const marked = new Map<string, string[]>();
  if (leaveOut === undefined || (!leaveOut.caches && leaveOut.ifPresent.length === 0)) return marked;
  await using stream = await host.stream(findMarks(place, root, leaveOut), undefined, signal);
  const start = root.length === 1 ? 1 : root.length + 1;
  for await (const mark of fieldsOf(stream.output)) {
    const below = mark.toString('latin1', start);
    const slash = below.lastIndexOf('/');
    const name = below.slice(slash + 1);
    if (slash < 0) throw markedWhole(path, Buffer.from(name, 'latin1'), host.name);
    const folder = below.slice(0, slash);
    const others = marked.get(folder);
    if (others === undefined) marked.set(folder, [name]);
    else others.push(name);
  }
  await stream.finished;
  return marked;
}

/** What ends with NUL; chunks may be cut anywhere. */
async function* fieldsOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const data = Buffer.concat([rest, chunk]);
    let from = 0;
    for (let end = data.indexOf(0); end >= 0; end = data.indexOf(0, from)) {
      yield Buffer.from(data.subarray(from, end));
      from = end + 1;
    }
    rest = data.subarray(from);
  }
}

function markedWhole(path: Buffer, mark: Buffer, host: string): StillpointError {
  return new StillpointError(
    'config.invalid',
    `"${displayName(path)}" on "${host}" is a path of the source, and "${displayName(mark)}" in it says that it is to be left out.`,
    {
      advice: 'Remove that file on the host, or take the path out of "paths".',
      details: { host, path: displayName(path) },
      cause: undefined,
    },
  );
}
