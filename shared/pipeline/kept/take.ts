/**
 * Takes one file or folder back from a kept set, to a place on the same host where nothing is. The set is mounted as for a
 * comparison, copied by the host itself, and the copy is compared with what was copied.
 *
 * Invariant: nothing that is there is written to. The copy comes to be in a folder of its own beside its place and is moved
 * when it is whole. Crash story: the copying goes on when we vanish, and ends with a whole copy or with none.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { displayName } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import { type KeptId, keptId } from '../../domain/kept-name.ts';
import type { KeptTaken, TakeRequest } from '../../domain/kept-take.ts';
import { isWithin } from '../../snapshot/mountinfo.ts';
import { type ListedEntry, listTree } from '../backup/listing.ts';
import { LIVE, type ReadingPlace } from '../backup/reading-place.ts';
import { type SpooledListing, spoolListing } from '../backup/spool.ts';
import { compareListings } from './compare-listings.ts';
import { copyBeside, lookInSnapshot } from './copy-beside.ts';
import { type FoundSets, findKept, type KeptPorts } from './listing.ts';
import { membersOf } from './members.ts';
import { type KeptToRead, whileMounted } from './mounted.ts';

/** What needs no host to be judged. Errors: `usage.invalid`. */
export function placesToTake(request: TakeRequest): {
  readonly set: KeptId;
  readonly path: Buffer;
  readonly to: Buffer;
} {
  const set = keptId(request.set);
  const path = absolute(request.path, 'path');
  return { set, path, to: absolute(request.to ?? `${request.path.replace(/\/+$/, '')}.${set}`, 'place') };
}

export async function takeKept(request: TakeRequest, ports: KeptPorts, signal: AbortSignal): Promise<KeptTaken> {
  const { set, path, to } = placesToTake(request);
  const found = await findKept(request.host, ports, signal);
  const { wanted, below } = memberWith(path, membersOf(set, found, request.host), found);
  const folder = await mkdtemp(join(tmpdir(), 'stillpoint-take-'));
  try {
    return await whileMounted([wanted], ports, signal, async ([snapshot], held) => {
      if (snapshot === undefined) throw new Error('the snapshot that was to be mounted is not');
      const { target, root } = wanted.volume.places[0];
      const top = joined(
        joined(Buffer.from(snapshot.path), root),
        path.subarray(target.length === 1 ? 0 : target.length),
      );
      const place: ReadingPlace = { kind: 'snapshot', run: snapshot.run, top: snapshot.path };
      const seen = await ports.host.run(lookInSnapshot(snapshot.run, top), held);
      if (seen !== 'entry') throw notTaken(seen, path, set, request.host);
      await using was = await listed(place, top, ports, join(folder, 'was'), held);
      await ports.host.run(copyBeside({ run: snapshot.run, from: top, to }, ports.host.name), held);
      await using is = await listed(LIVE, to, ports, join(folder, 'is'), held);
      await requireSame(was, is, to, ports, held);
      return {
        ...{ host: request.host, set, path: displayName(path), to: displayName(to) },
        ...{ entries: was.entries, bytes: was.bytes, otherVolumes: below.map(displayName) },
      };
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function absolute(text: string, what: string): Buffer {
  const parts = text.split('/').slice(1);
  const plain = `/${parts.filter((part) => part !== '').join('/')}`;
  if (text.startsWith('/') && plain !== '/' && !parts.some((part) => part === '.' || part === '..'))
    return Buffer.from(plain);
  throw new StillpointError(
    'usage.invalid',
    `"${text}" is not a ${what} that something can be taken back from or to.`,
    {
      advice: 'Write an absolute path on the host without "." and "..", below "/".',
      cause: undefined,
    },
  );
}

/** Of the volumes of a host the one on which the path lay, where the set has it; and what lay on others below the path. */
function memberWith(
  path: Buffer,
  members: ReturnType<typeof membersOf>,
  { survey, listing }: FoundSets,
): { readonly wanted: KeptToRead; readonly below: readonly Buffer[] } {
  const places = survey.volumes.flatMap((volume) => volume.places.map(({ target }) => ({ volume, target })));
  const on = places
    .filter(({ target }) => isWithin(path, target))
    .toSorted((a, b) => b.target.length - a.target.length)[0];
  const kept = members.find(({ object }) => object.volumeId === on?.volume.volume.id);
  if (on !== undefined && kept !== undefined && kept.object.state === 'whole') {
    const others = places.filter(({ target }) => isWithin(target, path) && !target.equals(on.target));
    const at = on.volume.places.find(({ target }) => target.equals(on.target)) ?? on.volume.places[0];
    return {
      wanted: { kept, volume: { ...on.volume, places: [at] } },
      below: [...new Map(others.map(({ target }) => [target.toString('latin1'), target])).values()],
    };
  }
  const shown = displayName(path);
  const why =
    kept === undefined
      ? `has no snapshot of the volume on which "${shown}" lies`
      : `has a snapshot of ${kept.object.volume} that is not whole any more`;
  throw new StillpointError('snapshot.unknown-kept', `The kept set on "${listing.host}" ${why}.`, {
    advice: `"stillpoint snapshot list ${listing.host}" shows of which volumes a set is, and how they are.`,
    details: { host: listing.host, path: shown },
    cause: undefined,
  });
}

const joined = (folder: Buffer, path: Buffer): Buffer => {
  const rest = path[0] === 0x2f ? path.subarray(1) : path;
  return rest.length === 0 ? folder : Buffer.concat([folder, Buffer.from('/'), rest]);
};

function listed(
  place: ReadingPlace,
  root: Buffer,
  { host }: KeptPorts,
  file: string,
  signal: AbortSignal,
): Promise<SpooledListing> {
  return spoolListing(host, { command: listTree(place, root), root, select: () => () => true }, file, signal);
}

function notTaken(seen: 'absent' | 'link', path: Buffer, set: string, host: string): StillpointError {
  const shown = displayName(path);
  const details = { host, set, path: shown };
  return seen === 'absent'
    ? new StillpointError('host.path-not-found', `The kept set ${set} on "${host}" has no "${shown}".`, {
        advice: 'Name it as it was called when the set was made.',
        ...{ details, cause: undefined },
      })
    : new StillpointError(
        'usage.invalid',
        `"${shown}" is a symbolic link in the kept set ${set}, or lies behind one.`,
        {
          advice: 'Name what it leads to by its own path.',
          ...{ details, cause: undefined },
        },
      );
}

/** What a copy cannot have alike: its inodes, the kernel's own time, and names outside of what was copied. */
async function* likeCopies(entries: AsyncIterable<ListedEntry>): AsyncGenerator<ListedEntry> {
  for await (const entry of entries) yield { ...entry, inode: 0n, ctimeNs: 0n, links: 1 };
}

async function requireSame(
  was: SpooledListing,
  is: SpooledListing,
  to: Buffer,
  { host }: KeptPorts,
  signal: AbortSignal,
): Promise<void> {
  const differs: string[] = was.unlisted.map(({ path }) => displayName(path));
  for await (const { entry } of compareListings(likeCopies(was.read(signal)), likeCopies(is.read(signal)))) {
    if (differs.length < 20) differs.push(displayName(joined(to, entry.path)));
  }
  if (differs.length === 0) return;
  throw new StillpointError(
    'restore.failed',
    `What is at "${displayName(to)}" on "${host.name}" now is not all that the set has: ${differs.map((path) => `"${path}"`).join(', ')}.`,
    {
      advice: 'Remove it and take it once more, to a file system that keeps owners, modes and times.',
      details: { host: host.name, differs },
      cause: undefined,
    },
  );
}
