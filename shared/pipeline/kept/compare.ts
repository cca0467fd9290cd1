/** Compares two kept sets of a host, or one with the files as they are, volume by volume. Reads no content. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { displayName } from '../../base/bytes.ts';
import type { Take } from '../../base/take.ts';
import type { CompareRequest, KeptChange, KeptChangeKind, KeptComparison } from '../../domain/kept-comparison.ts';
import { keptId } from '../../domain/kept-name.ts';
import { isWithin } from '../../snapshot/mountinfo.ts';
import type { ReadableSnapshot } from '../../snapshot/provider.ts';
import { type ListedEntry, listTree } from '../backup/listing.ts';
import { LIVE, type ReadingPlace } from '../backup/reading-place.ts';
import { type SpooledListing, spoolListing } from '../backup/spool.ts';
import { compareListings } from './compare-listings.ts';
import { type FoundKept, type FoundSets, findKept, type KeptPorts } from './listing.ts';
import { membersOf } from './members.ts';
import { type KeptToRead, whileMounted } from './mounted.ts';

/** A volume with what is compared of it; without `after` that is what is there now. */
interface Pair {
  readonly before: KeptToRead;
  readonly after: KeptToRead | undefined;
}

export async function compareKept(
  { host: name, before, after }: CompareRequest,
  ports: KeptPorts,
  onChange: Take<KeptChange>,
  signal: AbortSignal,
): Promise<KeptComparison> {
  const found = await findKept(name, ports, signal);
  const [left, right] = [keptId(before), after === undefined ? undefined : keptId(after)];
  const { pairs, notCompared } = pairsOf(membersOf(left, found, name), right && membersOf(right, found, name), found);
  const counts: Record<KeptChangeKind, number> = {
    ...{ added: 0, removed: 0, content: 0, metadata: 0, type: 0, unclear: 0 },
  };
  const unlisted: string[] = [];
  const folder = await mkdtemp(join(tmpdir(), 'stillpoint-compare-'));
  try {
    const wanted = pairs.flatMap((pair) => [pair.before, ...(pair.after === undefined ? [] : [pair.after])]);
    await whileMounted(wanted, ports, signal, async (readable, held) => {
      for (const [index, pair] of pairs.entries()) {
        const files = [join(folder, `${index}.before`), join(folder, `${index}.after`)] as const;
        const placeOf = (kept: KeptToRead): ReadingPlace => inSnapshot(readable[wanted.indexOf(kept)]);
        const [was, is] = await Promise.all([
          listed(placeOf(pair.before), pair, ports, files[0], held),
          listed(pair.after === undefined ? LIVE : placeOf(pair.after), pair, ports, files[1], held),
        ]);
        await using _was = was;
        await using _is = is;
        const shownAt = (path: Buffer): string => displayName(under(targetOf(pair), path));
        unlisted.push(...[...was.unlisted, ...is.unlisted].map(({ path }) => shownAt(path)));
        const others = mountedBelow(pair, found);
        for await (const { change, entry } of compareListings(was.read(held), is.read(held))) {
          // Another file system is seen there now, of which this volume says nothing.
          if (others.has(under(targetOf(pair), entry.path).toString('latin1'))) continue;
          counts[change] += 1;
          await onChange({ change, path: shownAt(entry.path), kind: entry.type });
        }
      }
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const volumes = pairs.map(({ before: { volume } }) => volume.volume.label);
  return { before: left, after: right, counts, volumes, notCompared, unlisted: [...new Set(unlisted)] };
}

/** What overflowed holds nothing, and what is mounted nowhere has no place to be compared at. */
function pairsOf(
  left: readonly FoundKept[],
  right: readonly FoundKept[] | undefined,
  { survey }: FoundSets,
): { readonly pairs: readonly Pair[]; readonly notCompared: readonly string[] } {
  const notCompared: string[] = [];
  const toRead = (kept: FoundKept): KeptToRead | undefined => {
    const volume = survey.volumes.find((each) => each.volume.id === kept.object.volumeId);
    return volume === undefined || kept.object.state !== 'whole' ? undefined : { kept, volume };
  };
  const pairs = left.flatMap((kept): Pair[] => {
    const before = toRead(kept);
    const counterpart = right?.find(({ object }) => object.volumeId === kept.object.volumeId);
    const after = counterpart && toRead(counterpart);
    if (before !== undefined && (right === undefined || after !== undefined)) return [{ before, after }];
    notCompared.push(kept.object.volume);
    return [];
  });
  const alone = (right ?? []).filter(({ object }) => !left.some((kept) => kept.object.volumeId === object.volumeId));
  return { pairs, notCompared: [...notCompared, ...alone.map(({ object }) => object.volume)] };
}

const placeOfVolume = ({ before: { volume } }: Pair) => volume.places[0];

const targetOf = (pair: Pair): Buffer => placeOfVolume(pair).target;

function inSnapshot(snapshot: ReadableSnapshot | undefined): ReadingPlace {
  if (snapshot === undefined) throw new Error('a snapshot that was to be mounted is not');
  return { kind: 'snapshot', run: snapshot.run, top: snapshot.path };
}

/** All that the volume shows at its first place. */
async function listed(
  place: ReadingPlace,
  pair: Pair,
  { host }: KeptPorts,
  file: string,
  signal: AbortSignal,
): Promise<SpooledListing> {
  const { target, root } = placeOfVolume(pair);
  const top = place.kind === 'live' ? target : under(Buffer.from(place.top), root.subarray(1));
  // Where a storage keeps its snapshots in the file system itself, that folder is no business of the user's.
  const ours = pair.before.volume.ours;
  const isTheirs = ({ path }: ListedEntry): boolean => ours === undefined || !isWithin(under(root, path), ours);
  return await spoolListing(host, { command: listTree(place, top), root: top, select: () => isTheirs }, file, signal);
}

function under(folder: Buffer, path: Buffer): Buffer {
  if (path.length === 0) return folder;
  return Buffer.concat([folder.length === 1 ? Buffer.alloc(0) : folder, Buffer.from('/'), path]);
}

/** As Latin-1 text. */
function mountedBelow(pair: Pair, { survey: { mounts, volumes } }: FoundSets): ReadonlySet<string> {
  const places = [
    ...mounts.map(({ target }) => target),
    ...volumes.flatMap((each) => each.places.map((at) => at.target)),
  ];
  const own = targetOf(pair);
  return new Set(places.filter((target) => !target.equals(own)).map((target) => target.toString('latin1')));
}
