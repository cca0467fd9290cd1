/** Makes an entry of a header and of what the extension headers before it say. */
import type { ByteSource } from './byte-source.ts';
import type { SparseMap, TarEntry, TarEntryType } from './entry.ts';
import { malformed } from './errors.ts';
import type { Extensions } from './extensions.ts';
import type { RawHeader } from './header.ts';
import { storedBytes } from './sparse.ts';
import { readGnuSparseMap, readSparseMap10 } from './sparse-maps.ts';

const GNU_SPARSE = 0x53;

const TYPES = new Map<number, TarEntryType>([
  [0x00, 'file'],
  [0x30, 'file'],
  [0x31, 'hardlink'],
  [0x32, 'symlink'],
  [0x33, 'chardev'],
  [0x34, 'blockdev'],
  [0x35, 'dir'],
  [0x36, 'fifo'],
  // A "contiguous" file is a file to every system that there is.
  [0x37, 'file'],
  [GNU_SPARSE, 'file'],
]);

export interface FoundMap {
  readonly map: SparseMap;
  /** Where its last part ends, also an empty one. */
  readonly mapEnd: number;
  readonly realSize: number;
  /** How many bytes of the content the map itself takes. */
  readonly inContent: number;
}

/** The sparse map of the entry whose header is `block`, wherever it is; undefined when all is stored. */
export async function readMap(
  source: ByteSource,
  block: Buffer,
  header: RawHeader,
  known: Extensions,
  position: number,
): Promise<FoundMap | undefined> {
  if (header.flag === GNU_SPARSE) return { ...(await readGnuSparseMap(source, block, position)), inContent: 0 };
  if (known.sparseMajor !== undefined) {
    if (known.sparseMajor !== 1 || known.sparseMinor !== 0) {
      throw malformed(position, `sparse files of version ${known.sparseMajor}.${known.sparseMinor ?? 0} are unknown`);
    }
    const realSize = known.sparseRealSize;
    if (realSize === undefined) throw malformed(position, 'a sparse file has no real size');
    const inArchive = known.size ?? header.size;
    return { ...(await readSparseMap10(source, inArchive + UNCOUNTED_BYTES, realSize)), realSize };
  }
  if (known.sparseParts === undefined) return undefined;
  const realSize = known.sparseRealSize;
  if (realSize === undefined) throw malformed(position, 'a sparse file has no real size');
  return { ...known.sparseParts.finish(realSize, position), realSize, inContent: 0 };
}

/** Puts header, extension records and map together; `position` is where the entry began. */
export function buildEntry(
  header: RawHeader,
  known: Extensions,
  found: FoundMap | undefined,
  position: number,
): Omit<TarEntry, 'content'> {
  const rawName = known.sparseName ?? known.path ?? header.name;
  if (rawName.length === 0) throw malformed(position, 'an entry has no name');
  let type = TYPES.get(header.flag);
  if (type === undefined) throw malformed(position, `it has an entry of the unknown type ${header.flag}`);
  if (type === 'file' && endsWithSlash(rawName)) type = 'dir';
  // A hard link's header may repeat the size of the file, but no content follows it.
  const inArchive = type === 'hardlink' ? 0 : (known.size ?? header.size);
  const named = inArchive - (found?.inContent ?? 0);
  const storedSize = found === undefined ? named : storedBytes(found.map);
  if (storedSize !== named && !(found && isUncounted(found, storedSize, named))) {
    throw malformed(position, 'the map of a sparse file does not fit what is stored');
  }
  return {
    name: type === 'dir' ? withoutSlashes(rawName) : rawName,
    type,
    mode: header.mode & 0o7777,
    uid: known.uid ?? header.uid,
    gid: known.gid ?? header.gid,
    size: type === 'file' ? (found?.realSize ?? storedSize) : 0,
    storedSize,
    mtime: known.mtime ?? { seconds: header.mtime, nanoseconds: 0 },
    atime: known.atime,
    ctime: known.ctime,
    linkName: type === 'hardlink' || type === 'symlink' ? (known.linkPath ?? header.linkName) : NO_BYTES,
    devMajor: known.devMajor ?? header.devMajor,
    devMinor: known.devMinor ?? header.devMinor,
    xattrs: known.xattrs,
    aclAccess: known.aclAccess,
    aclDefault: known.aclDefault,
    sparse: found?.map,
    sparseEnd: found?.mapEnd,
    position,
  };
}

/**
 * GNU tar (1.29 to 1.35) adds what read(2) returned to the size of a sparse file, also where that is the -1 of an error.
 * The content itself is laid out as its map says.
 */
const UNCOUNTED_BYTES = 1;

const isUncounted = ({ mapEnd, realSize }: FoundMap, stored: number, named: number): boolean =>
  mapEnd < realSize && stored === named + UNCOUNTED_BYTES;

const SLASH = 0x2f;
const NO_BYTES = Buffer.alloc(0);

function endsWithSlash(name: Buffer): boolean {
  return name[name.length - 1] === SLASH;
}

function withoutSlashes(name: Buffer): Buffer {
  let end = name.length;
  while (end > 1 && name[end - 1] === SLASH) end -= 1;
  return name.subarray(0, end);
}
