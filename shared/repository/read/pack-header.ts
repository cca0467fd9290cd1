/** Reading the header of a pack and comparing it with what the index says. */
import { isStillpointError } from '../../base/errors.ts';
import { describeFile, type ReadableBackend } from '../backend/backend.ts';
import type { Sealer } from '../crypto/aes-poly1305.ts';
import type { IndexedPack } from '../format/index-file.ts';
import { decodePackHeader, headerRange, type PackedBlob, packSizeOf } from '../format/pack.ts';
import type { PackId } from '../ids.ts';

export type HeaderVerdict =
  | { readonly kind: 'same' }
  /** It is whole, it fits the size of the file, and it says something else than the index. */
  | { readonly kind: 'differs'; readonly blobs: readonly PackedBlob[] }
  | { readonly kind: 'broken'; readonly fault: string };

/** Undefined where it cannot be read. */
type LoadRange = (offset: number, length: number) => Promise<Buffer | undefined>;

export async function judgeHeader(
  sealer: Sealer,
  load: LoadRange,
  pack: IndexedPack,
  size: number,
): Promise<HeaderVerdict> {
  const blobs = await readHeader(sealer, load, pack.id, size);
  if (typeof blobs === 'string') return { kind: 'broken', fault: blobs };
  const isSame = blobs.length === pack.blobs.length && blobs.every((blob, index) => sameBlob(blob, pack.blobs[index]));
  return isSame ? { kind: 'same' } : { kind: 'differs', blobs };
}

/** The blobs that the header lists, or what is wrong with it: a sentence without its subject. */
export async function readHeader(
  sealer: Sealer,
  load: LoadRange,
  name: string,
  size: number,
): Promise<readonly PackedBlob[] | string> {
  const what = describeFile({ type: 'data', name });
  try {
    const tail = await load(Math.max(0, size - 4), Math.min(4, size));
    if (tail === undefined) return 'could not be read';
    const { offset, length } = headerRange(tail, size, what);
    const sealed = await load(offset, length);
    if (sealed === undefined) return 'could not be read';
    const header = sealer.open(sealed);
    if (header === undefined) return 'has a header whose seal is broken';
    const blobs = decodePackHeader(header, what);
    return packSizeOf(blobs) === size ? blobs : 'has a header that does not fit its size';
  } catch (error) {
    if (isStillpointError(error, 'repository.damaged')) return 'has no header where one must be';
    throw error;
  }
}

interface Stored {
  readonly files: { readonly backend: ReadableBackend };
  readonly parts: { readonly sealer: Sealer };
}

/** The header of a stored pack by itself: its blobs, or what is wrong with it. */
export function readPackHeader(
  { files, parts }: Stored,
  id: PackId,
  size: number,
  signal: AbortSignal,
): Promise<readonly PackedBlob[] | string> {
  return readHeader(parts.sealer, headerLoader(files.backend, id, signal), id, size);
}

export function headerLoader(backend: ReadableBackend, id: PackId, signal: AbortSignal): LoadRange {
  return (offset, length) =>
    backend.load({ type: 'data', name: id }, { offset, length }, signal).catch((error: unknown) => {
      if (isStillpointError(error, 'repository.damaged') || isStillpointError(error, 'backend.not-found'))
        return undefined;
      throw error;
    });
}

function sameBlob(left: PackedBlob, right: PackedBlob | undefined): boolean {
  return (
    right !== undefined &&
    left.type === right.type &&
    left.id === right.id &&
    left.offset === right.offset &&
    left.length === right.length &&
    left.uncompressedLength === right.uncompressedLength
  );
}
