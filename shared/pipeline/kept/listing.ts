/** From what was found on a host to the sets that a person knows. Nothing is believed but what the marks say alike. */
import type { Clock } from '../../base/clock.ts';
import type { KeptListing, KeptSet, KeptSnapshot } from '../../domain/kept.ts';
import { type KeptMarks, wordsToMarks } from '../../domain/kept-marks.ts';
import type { HostName, OwnerId } from '../../domain/names.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import type { KeptObject } from '../../snapshot/kept-port.ts';
import type { Storage } from '../../snapshot/provider.ts';
import type { Registry } from '../../snapshot/registry.ts';
import { type Survey, surveyHost } from '../../snapshot/survey.ts';

export interface KeptPorts {
  readonly host: RemoteHost;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly owner: OwnerId;
}

/** One snapshot as it was found, with the storage that it is of. */
export interface FoundKept {
  readonly object: KeptObject;
  readonly marks: KeptMarks | undefined;
  readonly storage: Storage;
}

export interface FoundSets {
  readonly listing: KeptListing;
  readonly found: readonly FoundKept[];
  readonly survey: Survey;
}

export async function listKept(name: HostName, ports: KeptPorts, signal: AbortSignal): Promise<KeptListing> {
  return (await findKept(name, ports, signal)).listing;
}

/** Changes nothing. */
export async function findKept(
  name: HostName,
  { host, registry, clock, owner }: KeptPorts,
  signal: AbortSignal,
): Promise<FoundSets> {
  const survey = await surveyHost(host, { clock, registry }, signal);
  const found = await lookForKept(survey.storages, host, signal);
  return { found, survey, listing: { host: name, sets: setsOf(found, owner, clock.now().getTime() / 1000) } };
}

export async function lookForKept(
  storages: readonly Storage[],
  host: RemoteHost,
  signal: AbortSignal,
): Promise<readonly FoundKept[]> {
  const looks = storages.map(async (storage) => {
    const objects = await storage.kept.look(host, signal);
    return objects.map((object) => ({ object, marks: wordsToMarks(object.words), storage }));
  });
  return (await Promise.all(looks)).flat();
}

/** The oldest first; those of which nothing is known, last. */
export function setsOf(
  found: readonly Pick<FoundKept, 'object' | 'marks'>[],
  owner: OwnerId,
  nowSeconds: number,
): readonly KeptSet[] {
  const groups = [...Map.groupBy(found, ({ object }) => object.set)];
  const sets = groups.map(([id, members]): KeptSet => {
    const snapshots = members.map(({ object, marks }) => snapshotOf(object, marks));
    const marks = agreed(members.map((member) => member.marks));
    if (marks === undefined) return { id, about: undefined, isOwn: false, snapshots, missing: 0, isExpired: false };
    const { part: _, parts, ...about } = marks;
    const there = members.filter((member) => member.marks !== undefined).length;
    return {
      ...{ id, about, snapshots },
      isOwn: about.owner === owner,
      missing: Math.max(0, parts - there),
      isExpired: about.expires !== undefined && about.expires <= nowSeconds,
    };
  });
  return sets.toSorted((a, b) => (a.about?.taken ?? Infinity) - (b.about?.taken ?? Infinity));
}

function snapshotOf(object: KeptObject, marks: KeptMarks | undefined): KeptSnapshot {
  const { id, kind, volume, room, state } = object;
  return { id, kind, volume, room, state: marks === undefined ? 'foreign' : state };
}

/** What all that say anything say alike; where two differ, somebody else had a hand in it. */
function agreed(all: readonly (KeptMarks | undefined)[]): KeptMarks | undefined {
  const said = all.filter((marks) => marks !== undefined);
  const [first] = said;
  const same = new Set(said.map((marks) => JSON.stringify({ ...marks, part: 0 })));
  return same.size === 1 ? first : undefined;
}
