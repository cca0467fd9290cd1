/**
 * From what a host has to sources as they could stand in the configuration: one for all that can be snapshotted, and one for
 * what can only be read where it lies, because what is read live makes a restore point fuzzy as a whole. Pure.
 */
import { displayName } from '../../base/bytes.ts';
import { BARE_KINDS } from '../../domain/host.ts';
import type { HostReadiness, ProposedHost, ProposedSource } from '../../domain/readiness.ts';
import { holdsData } from '../../snapshot/detect.ts';
import { isWithin, mountOf } from '../../snapshot/mountinfo.ts';
import { placeOf } from '../../snapshot/places.ts';
import type { DetectedVolume } from '../../snapshot/provider.ts';
import { excludeOf, pathText } from './exclude-path.ts';
import { type HostFacts, type PlacedStore, placeOfVolume } from './facts.ts';

/** What the configuration has already. */
export interface Configured {
  /** Whether the host has an entry of its own. */
  readonly hasHost: boolean;
  /** Names that are taken. */
  readonly sources: ReadonlySet<string>;
  /** Where the restore points would go. */
  readonly repository: string;
}

/** What is there to be used up and made anew, on every system. */
const JUNK = ['/tmp', '/var/tmp', '/var/cache'];

/** Stores that are whole in each of their files, or hold what is looked at by itself. */
const READ_AS_THEY_ARE = new Set(['Redis', 'the volumes of Docker']);

interface Place {
  readonly detected: DetectedVolume;
  readonly target: Buffer;
  /** As text for the configuration. */
  readonly text: string;
}

export function propose(
  facts: HostFacts,
  configured: Configured,
): Pick<HostReadiness, 'proposedHost' | 'proposedSources'> & { readonly cannotName: readonly string[] } {
  const { spec, survey } = facts;
  const cannotName: string[] = [];
  const places = survey.volumes.filter(holdsData).flatMap((detected): Place[] => {
    const place = placeOfVolume(detected);
    // What another mount hides would be that other one.
    if (place === undefined || mountOf(place.target, survey.mounts)?.id !== place.mount.id) return [];
    const text = pathText(place.target);
    if (text === undefined) cannotName.push(displayName(place.target));
    return text === undefined ? [] : [{ detected, target: place.target, text }];
  });
  const frozen = places.filter(({ detected: { volume } }) => volume.snapshot.possible);
  const live = places.filter(({ detected: { volume } }) => !volume.snapshot.possible && isLocal(volume));
  const name = freeName(spec.name, configured.sources);
  const sources = [
    sourceOf(name, frozen, places, facts, configured),
    sourceOf(
      frozen.length === 0 ? name : freeName(`${spec.name}-live`, configured.sources),
      live,
      places,
      facts,
      configured,
    ),
  ];
  return {
    cannotName,
    proposedHost: hostOf(facts, configured),
    proposedSources: sources.filter((source) => source !== undefined),
  };
}

function isLocal({ kind, fsType }: DetectedVolume['volume']): boolean {
  const elsewhere: string[] = [BARE_KINDS.network.name, BARE_KINDS.overlay.name, BARE_KINDS.fuse.name];
  return !elsewhere.includes(kind) && !['squashfs', 'erofs', 'iso9660', 'cramfs', 'romfs', 'udf'].includes(fsType);
}

function hostOf({ spec }: HostFacts, { hasHost }: Configured): ProposedHost | undefined {
  return hasHost ? undefined : { ssh: spec.ssh, sudo: spec.sudo };
}

function sourceOf(
  name: string,
  own: readonly Place[],
  all: readonly Place[],
  facts: HostFacts,
  { repository }: Configured,
): ProposedSource | undefined {
  const outer = own.filter(
    ({ target }) => !own.some((other) => other.target !== target && isWithin(target, other.target)),
  );
  if (outer.length === 0) return undefined;
  const isLive = outer.some(({ detected }) => !detected.volume.snapshot.possible);
  const covers = (path: Buffer): boolean => outer.some(({ target }) => !target.equals(path) && isWithin(path, target));
  const others = all.filter((place) => !own.includes(place) && covers(place.target));
  const foreign = facts.survey.volumes.filter(
    (each) =>
      holdsData(each) &&
      !all.some(({ detected }) => detected === each) &&
      each.places.some(({ target, aside }) => aside === undefined && covers(target)),
  );
  const stores = facts.stores.filter((store) => isOf(store, own, facts));
  const unsafe = isLive ? stores.filter(({ what }) => !READ_AS_THEY_ARE.has(what)) : [];
  const stop = isLive ? [] : serviceOfSpread(stores, own, facts);
  const held = isLive ? [] : stores.filter(({ service }) => service === undefined || !stop.includes(service));
  const quiesce = held.flatMap((store) => store.quiesce ?? []);
  const exclude = [
    ...others.flatMap(({ target }) => excludeOf(target) ?? []),
    ...foreign.flatMap(({ places: [{ target }] }) => excludeOf(target) ?? []),
    ...unsafe.flatMap(({ onHost, isFile }) => patternOf(onHost, isFile) ?? []),
    ...facts.state.swapFiles.filter(covers).flatMap((file) => excludeOf(file) ?? []),
    ...layersOf(facts)
      .filter(covers)
      .flatMap((folder) => excludeOf(folder) ?? []),
    ...JUNK.filter((folder) => covers(Buffer.from(folder))).map((folder) => `${folder}/*`),
  ];
  const why = [
    ...leftOut(
      others.filter(({ detected: { volume } }) => volume.snapshot.possible),
      'can be snapshotted and are in a source of their own',
    ),
    ...leftOut(
      others.filter(({ detected: { volume } }) => !volume.snapshot.possible),
      'cannot be snapshotted',
    ),
    ...(isLive ? ['Read live, while it may be changing, because no snapshot of it can be made.'] : []),
    ...unsafe.map(
      ({ what, onHost }) =>
        `"${displayName(onHost ?? Buffer.alloc(0))}" is left out: it is of ${what}, which must be dumped, or stopped, to be whole.`,
    ),
    ...stop.map(
      (service) =>
        `The service "${service}" is stopped for the moment of the snapshots: its files are on several volumes.`,
    ),
    ...held.flatMap(({ what, onHost, isFile, quiesce: spec }) =>
      spec === undefined
        ? []
        : [
            `${what}${isFile && onHost !== undefined ? ` in "${displayName(onHost)}"` : ''} is held still for the moment of the snapshots, or proved to recover from them.`,
          ],
    ),
  ];
  return {
    name,
    why,
    entry: {
      host: facts.spec.name,
      paths: outer.map(({ text }) => text).toSorted(),
      repository,
      ...(exclude.length === 0 ? {} : { exclude: [...new Set(exclude)] }),
      excludeCaches: true,
      ...(stop.length === 0 ? {} : { stop }),
      ...(quiesce.length === 0 ? {} : { quiesce }),
      ...(isLive ? { withoutSnapshot: 'read-live' as const } : {}),
    },
  };
}

function leftOut(places: readonly Place[], why: string): readonly string[] {
  if (places.length === 0) return [];
  return [`Left out here, because they ${why}: ${places.map(({ target }) => `"${displayName(target)}"`).join(', ')}.`];
}

/** Whether the store lies on one of these volumes. */
function isOf({ onHost }: PlacedStore, own: readonly Place[], { survey }: HostFacts): boolean {
  const at = onHost === undefined ? undefined : placeOf(onHost, survey);
  return at !== undefined && own.some(({ detected }) => detected === at.volume);
}

/** A store on several volumes, whose snapshots are of several instants. */
function serviceOfSpread(
  stores: readonly PlacedStore[],
  own: readonly Place[],
  { survey }: HostFacts,
): readonly string[] {
  const found = stores.flatMap(({ onHost, service, isFile }) => {
    if (onHost === undefined || service === undefined || isFile) return [];
    const home = placeOf(onHost, survey)?.volume;
    return own.some(({ target, detected }) => detected !== home && isWithin(target, onHost)) ? [service] : [];
  });
  return [...new Set(found)];
}

/** SQLite has files beside the one that is known, with longer names. */
function patternOf(path: Buffer | undefined, isFile: boolean): string | undefined {
  const pattern = path && excludeOf(path);
  return pattern === undefined ? undefined : `${pattern}${isFile ? '*' : ''}`;
}

/** The layers of Docker's images: what can be fetched again, beside the volumes that cannot. */
function layersOf({ stores }: HostFacts): readonly Buffer[] {
  return stores.flatMap(({ what, onHost }) => {
    if (what !== 'the volumes of Docker' || onHost === undefined) return [];
    const root = onHost.subarray(0, onHost.lastIndexOf('/'));
    return ['overlay2', 'image', 'buildkit'].map((name) => Buffer.concat([root, Buffer.from(`/${name}`)]));
  });
}

function freeName(wanted: string, taken: ReadonlySet<string>): string {
  for (let count = 1; ; count += 1) {
    const name = count === 1 ? wanted : `${wanted}-${count}`;
    if (!taken.has(name)) return name;
  }
}
