/** Where programs keep what a copy of single files does not hold whole, and what a backup makes of it. */
import { displayName } from '../../../base/bytes.ts';
import type { DataStore, HostFinding, Remedy } from '../../../domain/readiness.ts';
import { holdsData } from '../../../snapshot/detect.ts';
import { placeOf, placesBelow } from '../../../snapshot/places.ts';
import { excludeOf } from '../exclude-path.ts';
import type { HostFacts, PlacedStore } from '../facts.ts';

export function listStores({ stores, survey }: HostFacts): readonly DataStore[] {
  return stores.map(({ what, onHost, service }) => ({
    ...{ what, service },
    path: onHost === undefined ? undefined : displayName(onHost),
    volume: onHost === undefined ? undefined : placeOf(onHost, survey)?.volume.volume.label,
  }));
}

export function judgeStores(facts: HostFacts): readonly HostFinding[] {
  return facts.stores.flatMap((store) => judge(store, facts));
}

function judge(store: PlacedStore, { survey }: HostFacts): readonly HostFinding[] {
  const { what, path, onHost, service } = store;
  const shown = displayName(onHost ?? path);
  if (onHost === undefined) return [unplaced(store)];
  const at = placeOf(onHost, survey);
  if (at === undefined || !holdsData(at.volume)) return [];
  const { snapshot, label } = at.volume.volume;
  if (!snapshot.possible && survey.identity.isRoot) {
    return [
      {
        ...{ kind: 'store-without-snapshot', severity: 'inconsistent', object: shown },
        message: `${capital(what)} has its files in "${shown}", on "${label}", which cannot be snapshotted.`,
        means: 'Read while they are written, they are not whole; where they are recognised, a backup is refused.',
        remedy: standStill(service, excludeOf(onHost), wayToDump(store)),
      },
    ];
  }
  const others = spanned(store, onHost, survey);
  if (others.length < 2) return [];
  return [
    {
      ...{ kind: 'store-on-several', severity: 'inconsistent', object: shown },
      message: `${capital(what)} has its files in "${shown}", on ${others.length} volumes: ${others.join(', ')}.`,
      means:
        'Their snapshots are made one directly after the other; what it writes in between is in one and not in the other.',
      remedy: standStill(service, undefined, wayToDump(store)),
    },
  ];
}

/** Labels of all volumes that hold a part of it. */
function spanned({ isFile }: PlacedStore, path: Buffer, survey: HostFacts['survey']): readonly string[] {
  const at = placeOf(path, survey);
  const below = isFile ? [] : placesBelow(path, survey);
  const all = [...(at === undefined ? [] : [at]), ...below].filter(({ volume }) => holdsData(volume));
  return [...new Set(all.map(({ volume }) => volume.volume.label))];
}

/** What a source can do itself is told before what an administrator can. */
const wayToDump = ({ dump, dumps }: PlacedStore): string =>
  dumps === undefined ? dump : `"dumps": [${dumps}] in the entry of the source`;

/** What makes a copy of it one that is whole. */
function standStill(service: string | undefined, exclude: string | undefined, dump: string): Remedy {
  if (service !== undefined) {
    return {
      ...{ where: 'configuration', lines: [`"stop": [${JSON.stringify(service)}]`] },
      note: `In the entry of the source: it is stopped while the backup needs it to stand still, and started again. Or save a dump (${dump}).`,
    };
  }
  const lines = exclude === undefined ? [] : [`"exclude": [${JSON.stringify(exclude)}]`];
  return {
    ...{ where: lines.length === 0 ? 'nowhere' : 'configuration', lines },
    note: `Save a dump (${dump}); which service runs it is not known, else it could be named under "stop".`,
  };
}

function unplaced({ what, path, dump }: PlacedStore): HostFinding {
  const shown = displayName(path);
  return {
    ...{ kind: 'store-in-container', severity: 'left-out', object: shown },
    message: `${capital(what)}: the program runs in a view of its own, in a container perhaps, and has its files in "${shown}" there; no file system of the host shows them.`,
    means: 'A backup of the paths of the host may not hold them.',
    remedy: {
      where: 'nowhere',
      lines: [],
      note: `Save a dump (${dump}), or keep them in a volume that the host has mounted.`,
    },
  };
}

const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
