/**
 * The commands by which content comes: one tar(1) for a whole tree, and what is left of a file that was on its way when a
 * connection was lost.
 */
import type { StreamCommand } from '../../remote/command.ts';
import { type SaidId, saidFile } from '../../snapshot/host/run-folder.ts';
import { MOST_COMPLAINTS_BYTES } from './listing.ts';
import { type ReadingPlace, scriptAt } from './reading-place.ts';

/** 64 KiB records: fewer system calls on the host than tar's 10 KiB. */
const BLOCKING_FACTOR = 128;

/** ulimit(1) counts blocks of 512 bytes. */
const BLOCK_BYTES = 512;
/** Of what tar says on the host. */
export const MOST_SAID_BYTES = 2 * MOST_COMPLAINTS_BYTES;

/**
 * Some versions of ZFS told of holes in files that had just been written, which tar would take for zeros. In a snapshot
 * nothing has just been written; where it is read live, tar looks for zeros itself. Before 1.29 it always did.
 */
const LOOK_FOR_HOLES = `
holes=
if [ "$(stat -f -c %T -- "$1" 2>/dev/null </dev/null)" = zfs ]; then
  case $(tar --help 2>/dev/null </dev/null) in *--hole-detection*) holes=--hole-detection=raw ;; esac
fi`;

/** Times are known from the listing: records of them would be a thousand bytes before each file, small ones too. */
const tar = (
  more = '',
): string => `tar --create --file=- --blocking-factor=${BLOCKING_FACTOR} --format=posix --numeric-owner \\
  --quoting-style=escape --xattrs --xattrs-include="*" --pax-option=delete=atime,delete=ctime,delete=mtime \\
  --sparse ${more}--no-recursion --directory="$1" --null --verbatim-files-from --files-from=-`;

/** Reads names from standard input, each ended by NUL, seen from the folder "$1". */
export const TAR = tar();

/**
 * tar where the tree is read; reads names, each ended by NUL, from standard input. Of a snapshot, what tar says is kept in
 * the folder of the run until that ends: where a connection is lost, it tells of all that had come by then.
 */
export function packFiles(place: ReadingPlace, base: Buffer, said: SaidId): StreamCommand {
  const order =
    place.kind === 'live'
      ? { script: `${LOOK_FOR_HOLES}\nexec ${tar('$holes ')}`, args: [base] }
      : { script: keepingWhatIsSaid, args: [base, saidFile(place.run, said)] };
  return {
    ...scriptAt(place, { name: 'pack-files', ...order }),
    // 1 and 2: some of it could not be read.
    accepts: [0, 1, 2],
    stderrBytes: MOST_COMPLAINTS_BYTES,
  };
}

/** The folder is in memory, and a disk that is dying has much to say: tar is ended before it fills that. */
const keepingWhatIsSaid = `
( ulimit -f ${MOST_SAID_BYTES / BLOCK_BYTES} 2>/dev/null
exec ${TAR} ) 2>"$2"
code=$?
cat "$2" >&2
[ "$(wc -c < "$2")" -lt ${MOST_SAID_BYTES} ] || exit 2
exit "$code"`;

/** A part of a file. Bytes. */
export interface Range {
  readonly offset: number;
  readonly length: number;
}

/** Parts of one file, one after the other. Where one cannot be read to its end, less comes. @param name as tar was given it */
export function readRanges(place: ReadingPlace, base: Buffer, name: Buffer, ranges: readonly Range[]): StreamCommand {
  return scriptAt(place, {
    name: 'read-ranges',
    script: `
cd "$1" || exit 1
file=$2
shift 2
while [ $# -gt 1 ]; do
  tail -c +$(($1 + 1)) -- "$file" 2>/dev/null | head -c "$2"
  shift 2
done`,
    args: [base, name, ...ranges.flatMap(({ offset, length }) => [String(offset), String(length)])],
  });
}
