/** Finding the packs that are damaged, and in each what is good: by reading those that were named, or all. */
import { StillpointError } from '../../base/errors.ts';
import type { RepairLoss, RepairStep } from '../../domain/repair-plan.ts';
import { type PackVerdict, provePacks } from '../check/pack-proof.ts';
import { proveChosen } from '../check/prove-chosen.ts';
import { conclude, inspectStructure, type Structure } from '../check/structure.ts';
import type { IndexedPack } from '../format/index-file.ts';
import type { PackedBlob } from '../format/pack.ts';
import type { PackId } from '../ids.ts';
import type { BlobPlace } from '../index/blob-index.ts';
import type { OpenedRepository } from '../opened-repository.ts';
import { readPackHeader } from '../read/pack-header.ts';
import { openReading } from '../workers/reader-pool.ts';
import { assertPacksThere, indexComesFirst, step } from './make-plan.ts';

export interface DamagedPack {
  readonly id: PackId;
  /** What is wrong with it, without a subject. */
  readonly message: string;
  /** Whether the index names it. */
  readonly isIndexed: boolean;
  /** Blobs that proved good, with their places in it. */
  readonly good: readonly PackedBlob[];
  /** Reads it once more: whether the very same is wrong with it. */
  isStill(signal: AbortSignal): Promise<boolean>;
}

export interface DamagedPacks {
  readonly damaged: readonly DamagedPack[];
  readonly lost: readonly RepairLoss[];
  readonly notes: readonly RepairStep[];
}

interface FindOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

const WRONG_INDEX = 'is whole, but the index says something else of it; run "stillpoint repair index --read-all"';

/** @param wanted ids or starts of ids; none means all */
export async function findDamagedPacks(
  repository: OpenedRepository,
  wanted: readonly string[],
  { signal, onProgress }: FindOptions,
): Promise<DamagedPacks> {
  const structure = await inspectStructure(repository, signal);
  if (structure.damagedIndexes.length > 0) throw indexComesFirst('Index files of the repository cannot be read.');
  assertPacksThere(repository, structure, { part: 'packs' });
  const chosen = chooseNamed(repository, structure, wanted);
  const { faulty } = await proveChosen(repository, structure, {
    signal,
    choose: (id) => chosen.has(id),
    onProgress: ({ packsDone, packsTotal }) => onProgress(packsDone, packsTotal),
  });
  const damaged: DamagedPack[] = [];
  const notes: RepairStep[] = [];
  for (const verdict of faulty) {
    const { pack, header, hashFits, readFault } = verdict;
    // What cannot be read now may be whole: neither the pack nor what the index says of it is given up.
    if (readFault !== undefined)
      notes.push(step('data', pack.id, `could not be read (${readFault}); it is left alone`));
    // The pack is as it was written; what is wrong is the index.
    else if (header.kind === 'differs' && hashFits === true) notes.push(step('data', pack.id, WRONG_INDEX));
    else damaged.push({ ...(await judge(repository, verdict, signal)), isIndexed: true });
  }
  const isProved = provedPlaces(structure, chosen, faulty);
  const look: Look = { damaged, notes, isProved };
  for (const id of chosen) {
    const size = structure.packs.sizes.get(id);
    if (size === undefined) notes.push(step('data', id, 'is not there; run "stillpoint repair index"'));
    else if (!repository.index.hasPack(id)) await judgeUnreferenced(repository, { id, size }, look, signal);
  }
  await conclude(repository, structure, signal);
  const lost = damaged
    .map(({ id }) => structure.damage.findingOf(`pack:${id}`))
    .filter((finding) => finding !== undefined)
    .filter(({ affects }) => affects.length > 0)
    .map(({ message, affects }): RepairLoss => ({ object: 'content of restore points', reason: message, affects }));
  return { damaged, lost, notes };
}

function chooseNamed(
  { index }: OpenedRepository,
  { packs }: Structure,
  wanted: readonly string[],
): ReadonlySet<PackId> {
  const known = new Set<PackId>([...index.packIds, ...packs.sizes.keys()]);
  if (wanted.length === 0) return known;
  const chosen = new Set<PackId>();
  for (const start of wanted) {
    const matches = /^[0-9a-f]{4,64}$/.test(start) ? [...known].filter((id) => id.startsWith(start)) : [];
    const [only] = matches;
    if (only === undefined || matches.length > 1) {
      const fault = only === undefined ? 'no pack' : `${matches.length} packs`;
      throw new StillpointError('usage.invalid', `"${start}" fits ${fault} of the repository.`, {
        advice: 'Give the id of a pack, or at least four and enough of its digits, as check and verify print it.',
        cause: undefined,
      });
    }
    chosen.add(only);
  }
  return chosen;
}

async function judge(
  repository: OpenedRepository,
  verdict: PackVerdict,
  signal: AbortSignal,
): Promise<Omit<DamagedPack, 'isIndexed'>> {
  const { pack, size } = verdict;
  const good = await goodBlobs(repository, verdict, signal);
  const signature = signatureOf(verdict);
  const isStill = async (now: AbortSignal): Promise<boolean> =>
    signatureOf(await proveOne(repository, pack, size, now)) === signature;
  return { id: pack.id, message: faultOf(verdict), good, isStill };
}

function signatureOf({ hashFits, readFault, header, badBlobs }: PackVerdict): string {
  return JSON.stringify([hashFits, readFault, header.kind, badBlobs.map(({ blob, fault }) => [blob.offset, fault])]);
}

/** What the index says good of it, and what only its header knows. */
async function goodBlobs(
  repository: OpenedRepository,
  verdict: PackVerdict,
  signal: AbortSignal,
): Promise<readonly PackedBlob[]> {
  const { pack, size, header, badBlobs } = verdict;
  const bad = new Set(badBlobs.map(({ blob }) => blob));
  const good = pack.blobs.filter((blob) => !bad.has(blob));
  if (header.kind !== 'differs') return good;
  const known = new Set(good.map(({ type, id }) => type + id));
  const { badBlobs: worse } = await proveOne(repository, { id: pack.id, blobs: header.blobs }, size, signal);
  const bads = new Set(worse.map(({ blob }) => blob));
  return [...good, ...header.blobs.filter((blob) => !bads.has(blob) && !known.has(blob.type + blob.id))];
}

interface Look {
  readonly damaged: DamagedPack[];
  readonly notes: RepairStep[];
  readonly isProved: (place: BlobPlace) => boolean;
}

/**
 * Whether what lies at a place of the index was read and proved good in this run, in a pack that stays. A pack that the
 * index names may be missing, unread or damaged: only what was proved may cost another copy its pack.
 */
function provedPlaces(
  { packs }: Structure,
  chosen: ReadonlySet<PackId>,
  faulty: readonly PackVerdict[],
): (place: BlobPlace) => boolean {
  const faults = new Map(
    faulty.map((verdict) => [
      verdict.pack.id,
      { verdict, bad: new Set(verdict.badBlobs.map(({ blob }) => blobKey(blob))) },
    ]),
  );
  return ({ pack, type, id }) => {
    if (!chosen.has(pack) || !packs.sizes.has(pack)) return false;
    const fault = faults.get(pack);
    if (fault === undefined) return true;
    const stays = fault.verdict.header.kind === 'differs' && fault.verdict.hashFits === true;
    return stays && !fault.bad.has(blobKey({ type, id }));
  };
}

const blobKey = ({ type, id }: Pick<PackedBlob, 'type' | 'id'>): string => type + id;

/** What an interrupted repair or prune leaves: a damaged pack whose good blobs may lie elsewhere by now. */
async function judgeUnreferenced(
  repository: OpenedRepository,
  { id, size }: { readonly id: PackId; readonly size: number },
  { damaged, notes, isProved }: Look,
  signal: AbortSignal,
): Promise<void> {
  const blobs = await readPackHeader(repository, id, size, signal);
  if (typeof blobs === 'string') {
    notes.push(step('data', id, `is in no index and ${blobs}; what it holds is unknown. prune removes it`));
    return;
  }
  const verdict = await proveOne(repository, { id, blobs }, size, signal);
  if (verdict.hashFits === true && verdict.badBlobs.length === 0) return;
  if (verdict.readFault !== undefined) {
    notes.push(step('data', id, `could not be read (${verdict.readFault}); it is left alone`));
    return;
  }
  const judged = await judge(repository, verdict, signal);
  const isElsewhere = ({ type, id: blob }: PackedBlob): boolean => repository.index.findAll(type, blob).some(isProved);
  damaged.push({ ...judged, isIndexed: false, good: judged.good.filter((blob) => !isElsewhere(blob)) });
}

async function proveOne(
  { files, parts }: OpenedRepository,
  pack: IndexedPack,
  size: number,
  signal: AbortSignal,
): Promise<PackVerdict> {
  const verdicts: PackVerdict[] = [];
  await using reading = openReading(parts.key, parts.sealer, size);
  await provePacks({ files, sealer: parts.sealer, reading, signal }, [{ pack, size }], (verdict) =>
    verdicts.push(verdict),
  );
  return verdicts[0] as PackVerdict;
}

function faultOf({ pack, hashFits, header, badBlobs }: PackVerdict): string {
  const faults = [
    hashFits === true ? 'was written with damaged blobs' : 'does not match its name',
    ...(header.kind === 'broken' ? [header.fault] : []),
    `damaged blobs: ${badBlobs.length} of ${pack.blobs.length}`,
  ];
  return faults.join(', ');
}
