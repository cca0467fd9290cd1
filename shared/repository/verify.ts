/**
 * Verify: prove by reading. Every pack is read whole: its SHA-256 against its name, its header against the index, and
 * every blob's seal, size and SHA-256. Afterwards each fault is traced to the restore points and files that it hits.
 * Memory is bounded by one stretch of a pack; findings are values, and reading goes on after each.
 */
import { createHash } from 'node:crypto';
import { isStillpointError } from '../base/errors.ts';
import { describeFile } from './backend/backend.ts';
import { openBlob } from './blob-reader.ts';
import { inspectStructure } from './check.ts';
import { type Damage, Survey } from './damage.ts';
import type { BlobId, BlobType, PackId } from './format/ids.ts';
import type { IndexedPack } from './format/index-file.ts';
import { decodePackHeader, headerRange, type PackedBlob } from './format/pack.ts';
import type { OpenedRepository } from './opened-repository.ts';
import type { CheckResult, VerifyProgress } from './repository.ts';

export interface VerifyOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: VerifyProgress) => void;
}

const STRETCH_BYTES = 8 * 1024 * 1024;

export async function verifyRepository(repository: OpenedRepository, options: VerifyOptions): Promise<CheckResult> {
  const { signal, onProgress } = options;
  const structure = await inspectStructure(repository, signal);
  const { damage, points, packSizes } = structure;
  const badPlaces = new Set<string>();
  const packs = repository.index.packIds.filter((id) => packSizes.has(id));
  const bytesTotal = packs.reduce((sum, id) => sum + (packSizes.get(id) ?? 0), 0);
  let bytesDone = 0;
  let packsDone = 0;
  for (const pack of repository.index.packs()) {
    const size = packSizes.get(pack.id);
    if (size === undefined) continue;
    await new PackProof(repository, damage, badPlaces, pack).prove(size, signal);
    bytesDone += size;
    packsDone += 1;
    onProgress?.({ packsDone, packsTotal: packs.length, bytesDone, bytesTotal });
  }

  const causeOf = (type: BlobType, id: BlobId): string | undefined => {
    const places = repository.index.findAll(type, id);
    const isReadable = places.some((place) => packSizes.has(place.pack) && !badPlaces.has(placeKey(place.pack, place)));
    if (isReadable) return undefined;
    const [first] = places;
    const isMissing = first === undefined || !packSizes.has(first.pack);
    return isMissing ? structure.causeOf(type, id) : `blob:${placeKey(first.pack, first)}`;
  };
  await new Survey({ repository, damage, causeOf, signal }).examine(points);
  return {
    findings: damage.findings,
    packs: packsDone,
    blobs: repository.index.blobCount,
    restorePoints: points.map(({ id }) => id),
    bytesRead: bytesDone,
  };
}

function placeKey(pack: PackId, blob: PackedBlob): string {
  return `${pack}:${blob.offset}`;
}

/** One pack. */
class PackProof {
  readonly #repository: OpenedRepository;
  readonly #damage: Damage;
  readonly #badPlaces: Set<string>;
  readonly #pack: IndexedPack;
  readonly #name: string;
  readonly #digest = createHash('sha256');

  constructor(repository: OpenedRepository, damage: Damage, badPlaces: Set<string>, pack: IndexedPack) {
    this.#repository = repository;
    this.#damage = damage;
    this.#badPlaces = badPlaces;
    this.#pack = pack;
    this.#name = describeFile({ type: 'data', name: pack.id });
  }

  async prove(size: number, signal: AbortSignal): Promise<void> {
    const file = { type: 'data', name: this.#pack.id } as const;
    try {
      for (const { start, end, blobs } of portions(this.#pack.blobs, size)) {
        const bytes = await this.#repository.files.backend.load(file, { offset: start, length: end - start }, signal);
        this.#digest.update(bytes);
        for (const blob of blobs)
          this.#proveBlob(blob, bytes.subarray(blob.offset - start, blob.offset - start + blob.length));
      }
      if (this.#digest.digest('hex') !== this.#pack.id) this.#note('hash', 'does not match its name');
      await this.#proveHeader(size, signal);
    } catch (error) {
      signal.throwIfAborted();
      const isDamage = isStillpointError(error, 'repository.damaged') || isStillpointError(error, 'backend.not-found');
      // A bad sector ends the reading of this pack, and of no other.
      if (!isDamage && !isStillpointError(error, 'backend.failed')) throw error;
      this.#note('read', `could not be read to its end: ${error.message}`);
      for (const blob of this.#pack.blobs) this.#spoil(blob, 'its pack could not be read');
    }
  }

  #proveBlob(blob: PackedBlob, envelope: Uint8Array): void {
    const { fault } = openBlob(this.#repository.parts.sealer, blob, envelope);
    if (fault !== undefined) this.#spoil(blob, fault);
  }

  #spoil(blob: PackedBlob, fault: string): void {
    const key = placeKey(this.#pack.id, blob);
    this.#badPlaces.add(key);
    this.#damage.add(
      `blob:${key}`,
      `The ${blob.type} blob ${blob.id.slice(0, 8)} in ${this.#name} is damaged: ${fault}.`,
    );
  }

  async #proveHeader(size: number, signal: AbortSignal): Promise<void> {
    const { backend } = this.#repository.files;
    const file = { type: 'data', name: this.#pack.id } as const;
    const tail = await backend.load(file, { offset: Math.max(0, size - 4), length: Math.min(4, size) }, signal);
    const header = this.#repository.parts.sealer.open(
      await backend.load(file, headerRange(tail, size, this.#name), signal),
    );
    if (header === undefined) return this.#note('header', 'has a header whose seal is broken');
    const listed = decodePackHeader(header, this.#name);
    const isSame =
      listed.length === this.#pack.blobs.length &&
      listed.every((blob, index) => sameBlob(blob, this.#pack.blobs[index]));
    if (!isSame) this.#note('header', 'has a header that does not say what the index says');
  }

  #note(kind: string, fault: string): void {
    this.#damage.add(`pack-${kind}:${this.#pack.id}`, `The file of ${this.#name} ${fault}.`);
  }
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

interface Portion {
  readonly start: number;
  readonly end: number;
  readonly blobs: readonly PackedBlob[];
}

/** Cuts a file into stretches at the borders of blobs; together they are the whole file, header and gaps included. */
function* portions(blobs: readonly PackedBlob[], size: number): Generator<Portion> {
  let start = 0;
  let gathered: PackedBlob[] = [];
  let end = 0;
  for (const blob of blobs) {
    const blobEnd = blob.offset + blob.length;
    if (gathered.length > 0 && blobEnd - start > STRETCH_BYTES) {
      yield { start, end, blobs: gathered };
      start = end;
      gathered = [];
    }
    gathered.push(blob);
    end = Math.max(end, blobEnd);
  }
  yield { start, end: Math.max(size, end), blobs: gathered };
}
