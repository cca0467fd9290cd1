/**
 * The packs by their names and sizes, against what the index says of them. A pack whose size or places do not fit is a
 * suspect: it is read and proved even by `check`, so that its victims are known and not guessed.
 */
import { hash } from 'node:crypto';
import { formatBytes } from '../../base/bytes.ts';
import type { IndexedPack } from '../format/index-file.ts';
import { type PackedBlob, packSizeOf } from '../format/pack.ts';
import type { BlobId, BlobType, PackId } from '../ids.ts';
import type { BlobPlace } from '../index/blob-index.ts';
import type { OpenedRepository } from '../opened-repository.ts';
import { listPacks, type PackListing } from '../read/pack-listing.ts';
import type { Damage } from './damage.ts';
import type { ForeignFiles } from './files.ts';
import type { PackVerdict } from './pack-proof.ts';
import { packName } from './pack-proof.ts';

/** What the look at the packs found. */
export interface PackSurvey extends PackListing {
  /** Packs that do not fit the index; a look at the headers may add some. */
  readonly suspects: Set<PackId>;
  /** Packs that are in no index. */
  readonly unnamed: readonly { readonly id: PackId; readonly size: number }[];
}

export async function surveyPacks(
  repository: OpenedRepository,
  foreignFiles: ForeignFiles,
  signal: AbortSignal,
): Promise<PackSurvey> {
  const { index } = repository;
  const listing = await listPacks(repository, signal, (file) => foreignFiles.sort('data', file));
  const { sizes } = listing;
  const unnamed = [...sizes].filter(([id]) => !index.hasPack(id)).map(([id, size]) => ({ id, size }));
  const suspects = new Set<PackId>();
  for (const pack of index.packs()) {
    const size = sizes.get(pack.id);
    if (size !== undefined && !fits(pack, size)) suspects.add(pack.id);
  }
  return { ...listing, suspects, unnamed };
}

/** Blobs follow each other from the first byte, and the header follows them. */
function fits({ blobs }: IndexedPack, size: number): boolean {
  let end = 0;
  for (const { offset, length } of blobs) {
    if (offset !== end) return false;
    end += length;
  }
  return packSizeOf(blobs) === size;
}

const REPAIR_INDEX = 'Run "stillpoint repair index": it reads the headers of the packs and writes a new index.';
const REPAIR_PACKS =
  'If you have a copy of the files of the repository, bring this one back from there. Otherwise run "stillpoint repair packs": it saves every blob that is good.';
const GONE_FOLDER =
  'The whole folder is missing. Look first whether it was moved, or whether its disk is not mounted; a link to where it is now will do. No repair gives it up by itself.';
const MISSING_PACK =
  'If you have a copy of the files of the repository, bring this one back from there. Otherwise run "stillpoint repair index", then "stillpoint repair points".';

const FEW_PLACES = 8;

/** Gathers what is wrong with packs, and knows why a blob cannot be read. */
export class PackFaults {
  readonly #repository: OpenedRepository;
  readonly #damage: Damage;
  readonly #survey: PackSurvey;
  readonly #lostIndex: string | undefined;
  /** Where a blob is not good → the cause. */
  readonly #badPlaces = new Map<string, string>();
  /** Blobs that only the header of a pack knows → the cause. */
  readonly #unlisted = new Map<string, string>();
  /** Digests, to count without holding millions of names. */
  readonly #unindexed = new Set<string>();
  readonly #missing = new Set<PackId>();
  /** Blobs of so many places that they are not gone through for each question → the cause. */
  readonly #judged = new Map<string, string | undefined>();
  #isHealthy = true;

  /** @param lostIndex the cause that stands for index files that cannot be read */
  constructor(repository: OpenedRepository, damage: Damage, survey: PackSurvey, lostIndex: string | undefined) {
    this.#repository = repository;
    this.#damage = damage;
    this.#survey = survey;
    this.#lostIndex = lostIndex;
    for (const id of repository.index.packIds) {
      if (survey.sizes.has(id)) continue;
      this.#isHealthy = false;
      this.#missing.add(id);
      const isWithFolder = survey.goneFolders.has(`data/${id.slice(0, 2)}`);
      damage.add(`pack:${id}`, `The file of ${packName(id)} is not there.`, isWithFolder ? GONE_FOLDER : MISSING_PACK);
    }
    this.#tellUnlisted(survey.unlisted);
  }

  #tellUnlisted(unlisted: readonly PackId[]): void {
    if (unlisted.length === 0) return;
    const named = unlisted.slice(0, 4).map((id) => id.slice(0, 8));
    const others = unlisted.length > named.length ? ' and others' : '';
    this.#damage.add(
      'unlisted',
      `Packs that are there but missing from the listing: ${unlisted.length} (${named.join(', ')}${others}).`,
      'They are read as usual. Other programs may call them lost: look at what lists the files, such as a server that does not follow links.',
      'warning',
    );
  }

  add(verdict: PackVerdict): void {
    const { pack, header, badBlobs, hashFits } = verdict;
    if (hashFits === true && header.kind === 'same' && badBlobs.length === 0) return;
    this.#isHealthy = false;
    const cause = `pack:${pack.id}`;
    this.#judged.clear();
    const isIndexWrong = header.kind === 'differs';
    this.#damage.add(cause, describeVerdict(verdict), isIndexWrong ? this.#indexAdvice(verdict) : REPAIR_PACKS);
    for (const { blob } of badBlobs) this.#badPlaces.set(placeKey(pack.id, blob), cause);
    if (!isIndexWrong) return;
    for (const { type, id } of header.blobs) {
      if (!this.#repository.hasBlob(type, id)) this.#unlisted.set(type + id, cause);
    }
  }

  /** Where the sizes fit, a repair of the index looks at the header only when asked to. */
  #indexAdvice({ pack, size }: PackVerdict): string {
    return fits(pack, size) ? REPAIR_INDEX.replace('index"', 'index --read-all"') : REPAIR_INDEX;
  }

  readonly causeOf = (type: BlobType, id: BlobId): string | undefined => {
    const { index } = this.#repository;
    if (this.#isHealthy && index.has(type, id)) return undefined;
    const places = index.findAll(type, id);
    if (places.length <= FEW_PLACES) return this.#judge(type, id, places);
    const key = type + id;
    if (!this.#judged.has(key)) this.#judged.set(key, this.#judge(type, id, places));
    return this.#judged.get(key);
  };

  #judge(type: BlobType, id: BlobId, places: readonly BlobPlace[]): string | undefined {
    let cause: string | undefined;
    for (const place of places) {
      // A pack that was written since the survey is in neither.
      const bad = this.#missing.has(place.pack)
        ? `pack:${place.pack}`
        : this.#badPlaces.get(placeKey(place.pack, place));
      if (bad === undefined) return undefined;
      cause ??= bad;
    }
    return cause ?? this.#unlisted.get(type + id) ?? this.#causeOfUnindexed(type, id);
  }

  #causeOfUnindexed(type: BlobType, id: BlobId): string {
    if (this.#lostIndex !== undefined) return this.#lostIndex;
    const count = this.#survey.unnamed.length;
    const advice =
      count > 0
        ? `Packs that are in no index, and may hold them: ${count}. ${REPAIR_INDEX}`
        : 'No pack that is there holds them. "stillpoint repair points" writes restore points without the files that are lost; with --forget it removes the damaged ones too.';
    this.#damage.add('unindexed', 'Blobs that restore points need are in no index.', advice);
    this.#unindexed.add(hash('sha256', type + id, 'base64').slice(0, 12));
    return 'unindexed';
  }

  /** After the last question for a cause. */
  tellUnreferenced(): void {
    const { unnamed } = this.#survey;
    if (unnamed.length === 0 || this.#lostIndex !== undefined || this.#unindexed.size > 0) return;
    const bytes = unnamed.reduce((sum, { size }) => sum + size, 0);
    const message = `Packs that are in no index: ${unnamed.length} (${formatBytes(bytes)}). They harm nothing.`;
    this.#damage.add('unreferenced', message, 'An interrupted job left them; prune removes them.', 'warning');
  }
}

function describeVerdict({ pack, size, hashFits, readFault, header, badBlobs, overlapping }: PackVerdict): string {
  const faults: string[] = [];
  const expected = packSizeOf(pack.blobs);
  if (header.kind === 'differs') faults.push('has a header that does not say what the index says');
  else if (size !== expected) faults.push(`has ${size} bytes; the index says ${expected}`);
  if (readFault !== undefined) faults.push(`could not be read to its end (${readFault})`);
  if (hashFits === false && (header.kind !== 'differs' || badBlobs.length === 0))
    faults.push('does not match its name');
  if (header.kind === 'broken') faults.push(header.fault);
  if (faults.length === 0) faults.push('is as it was written');
  const [first] = badBlobs;
  const of = `${badBlobs.length} of its ${pack.blobs.length} blobs`;
  const example = first && `${first.blob.type} blob ${first.blob.id.slice(0, 8)}: ${first.fault}`;
  const state =
    example === undefined
      ? 'all blobs that the index names are good'
      : `${of} cannot be read where the index says (${example})`;
  const lies = overlapping === 0 ? '' : ` Blobs that overlap with others by the index: ${overlapping}.`;
  return `The file of ${packName(pack.id)} ${faults.join(', ')}; ${state}.${lies}`;
}

function placeKey(pack: PackId, { offset, id }: PackedBlob): string {
  return `${pack}:${offset}:${id}`;
}
