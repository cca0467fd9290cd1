/** What ZFS has on a host: each mounted dataset is a volume of its own, whatever it is mounted by. */
import { displayName, quotation } from '../../base/bytes.ts';
import { BARE_KINDS, type Mount, type SnapshotCapability } from '../../domain/host.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import {
  type Claim,
  type DeviceClaim,
  type MountedDevice,
  placeOfMount,
  type RawDevice,
  type SnapshotProvider,
  type Storage,
  type UnmountedVolume,
} from '../provider.ts';
import { zfsKept } from './kept.ts';
import { poolOf } from './naming.ts';
import { planDatasets } from './plan.ts';
import type { DatasetRecord } from './records.ts';
import { listDatasets, type PoolFacts, type UnseenPool, type ZfsAnswer } from './survey-command.ts';

interface ZfsFacts extends ZfsAnswer {
  /** Of which all this is, by the name by which the user knows it. */
  readonly host: string;
  /** All of the host. */
  readonly mounts: readonly Mount[];
}

export async function surveyZfs(
  provider: SnapshotProvider,
  host: RemoteHost,
  mounts: Promise<readonly Mount[]>,
  signal: AbortSignal,
): Promise<Storage> {
  const [answer, mounted] = await Promise.all([host.run(listDatasets, signal), mounts]);
  return zfsStorage(provider, { ...answer, host: host.name, mounts: mounted });
}

export function zfsStorage(provider: SnapshotProvider, facts: ZfsFacts): Storage {
  const seen = facts.pools.filter((each): each is PoolFacts => !('why' in each));
  const byId = new Map(
    seen.flatMap((pool) =>
      [...pool.datasets.values()].map((dataset) => [idOf(pool, dataset), { pool, dataset }] as const),
    ),
  );
  const storage: Storage = {
    provider,
    pools: seen.map((pool) => ({
      name: pool.name,
      kindWords: 'ZFS pool',
      sizeBytes: pool.sizeBytes,
      freeBytes: pool.datasets.get(pool.name)?.availableBytes ?? pool.freeBytes,
    })),
    claim: (device) => (device.mounts[0].fsType === 'zfs' ? [claimOf(device, facts)] : []),
    refuse: refuseVolume,
    // Their room is free only when the pool has cleaned up behind them.
    afterSweep: (owner, dead) => ({
      storage,
      removes: facts.own.flatMap((own) =>
        own.owner === owner && dead.some((run) => run === own.run)
          ? [`zfs destroy ${own.id.replaceAll('=', ' ')}`]
          : [],
      ),
    }),
    claimDevice: claimBlockDevice,
    kept: zfsKept((name) => [...byId].find(([, { dataset }]) => dataset.name === name)?.[0]),
    unmounted: seen.flatMap((pool) => unmountedOf(pool, facts.mounts)),
    plan: (detected, identity) =>
      planDatasets(
        detected.flatMap((volume) => {
          const known = byId.get(volume.volume.id);
          return known === undefined ? [] : [{ detected: volume, ...known }];
        }),
        {
          ...{ ...identity, host: facts.host },
          knownMounts: facts.mounts.flatMap(({ id, fsType }) => (fsType === 'zfs' ? [id] : [])),
        },
      ),
  };
  return storage;
}

const KIND = { name: 'zfs', words: 'ZFS dataset' };

const idOf = (pool: PoolFacts, { guid }: DatasetRecord): string => `zfs:${pool.guid}:${guid}`;

const no = (reason: string, remedy: string): SnapshotCapability => ({ possible: false, reason, remedy });

/** The kernel's name for what is mounted is the dataset. */
function claimOf({ device, mounts: [mount, ...others] }: MountedDevice, facts: ZfsFacts): Claim {
  const name = mount.source.toString('latin1');
  const places = [placeOfMount(mount), ...others.map(placeOfMount)] as const;
  const unknown = { label: displayName(mount.source), sizeBytes: undefined, usedBytes: undefined, places };
  // Also what a look into ".zfs/snapshot" has the kernel mount for some minutes.
  if (name.includes('@')) {
    return {
      ...{ ...unknown, id: `zfs:device:${device}`, kind: BARE_KINDS.pseudo },
      snapshot: no(
        `"${displayName(mount.target)}" shows a snapshot of ZFS, which never changes`,
        'Save the dataset of which it is one.',
      ),
    };
  }
  const pool = facts.pools.find((each) => each.name === poolOf(name));
  const dataset = pool === undefined || 'why' in pool ? undefined : pool.datasets.get(name);
  if (pool === undefined || 'why' in pool || dataset === undefined) {
    const snapshot = reasonOf(displayName(mount.target), poolOf(name), pool, facts);
    return { ...unknown, id: `zfs:device:${device}`, kind: KIND, snapshot };
  }
  return {
    ...{ id: idOf(pool, dataset), kind: KIND, label: dataset.name, places },
    sizeBytes: dataset.referencedBytes + dataset.availableBytes,
    usedBytes: dataset.referencedBytes,
    snapshot: capability(dataset, pool),
  };
}

function capability({ name, isKeyMissing }: DatasetRecord, pool: PoolFacts): SnapshotCapability {
  if (pool.isReadOnly) {
    return no(
      `the pool of "${name}" is imported read-only, so no snapshot can be made in it`,
      `Import it for writing ("zpool export ${pool.name}", then "zpool import ${pool.name}").`,
    );
  }
  if (isKeyMissing) return no(`the key of "${name}" is not loaded`, `Load it with "zfs load-key ${name}".`);
  return { possible: true, provider: 'zfs' };
}

function reasonOf(
  where: string,
  pool: string,
  unseen: PoolFacts | UnseenPool | undefined,
  { hasPrograms }: ZfsFacts,
): SnapshotCapability {
  if (!hasPrograms) {
    return no(`"${where}" is on ZFS, and the host has not the programs for it`, 'Install zfsutils-linux there.');
  }
  if (unseen === undefined || !('why' in unseen)) {
    return no(
      `the dataset at "${where}" is not among those of the host's pools`,
      'In a container ZFS may not be managed: back up the machine around it. Else run again; it may have been renamed just now.',
    );
  }
  const { why, said } = unseen;
  switch (why) {
    case 'state':
      return no(
        `the pool "${pool}" is in the state ${said}, and does not answer`,
        `See "zpool status ${pool}" on the host; when its devices are there again, "zpool clear ${pool}" lets it go on.`,
      );
    case 'no-answer':
      return no(
        `the datasets of the pool "${pool}" cannot be listed; the host said: ${quotation(said.split('\n').at(-1) ?? '')}`,
        `See whether "zfs list -r ${pool}" works there. ZFS 0.8 and later are understood.`,
      );
    case 'unknown-form':
      return no(
        `what ZFS on the host says of the pool "${pool}" cannot be understood: ${said}`,
        'Report it with the output of "zfs version", so that this version can be supported.',
      );
  }
}

/** A file system on a block device of ZFS: ZFS would make a snapshot of the device, of which the file system knows nothing. */
function refuseVolume({ mounts: [mount], layers }: MountedDevice): SnapshotCapability | undefined {
  if (!layers.some(({ name }) => /^zd\d+/.test(name))) return undefined;
  return no(
    `"${displayName(mount.target)}" is on "${displayName(mount.source)}", which lies on a block device of ZFS (a zvol), and ZFS cannot hold the file system in it still`,
    'Keep the data in a ZFS dataset that is a file system.',
  );
}

/** Its snapshots are devices only where "snapdev" is set so, and then under names that come and go. */
function claimBlockDevice({ asked, device, layers: [top] }: RawDevice): DeviceClaim | undefined {
  if (top === undefined || !/^zd\d+/.test(top.name)) return undefined;
  return {
    ...{ id: `zfs:device:${device}`, kind: { name: 'zvol', words: 'block device of ZFS' }, label: displayName(asked) },
    snapshot: no(
      'it is a block device of ZFS (a zvol), whose snapshots this version cannot read',
      'Save it by "zfs snapshot" and "zfs send", or what is in it from within the machine that uses it.',
    ),
  };
}

/**
 * Those that would be mounted but for something. What has its place where something else is mounted is meant for another
 * time, as other systems to boot from are; what is never mounted (`canmount=off`) has no place.
 */
function unmountedOf({ datasets, mountpoints }: PoolFacts, mounts: readonly Mount[]): readonly UnmountedVolume[] {
  return [...datasets.values()].flatMap((dataset) => {
    const place = mountpoints.get(dataset.guid);
    if (dataset.isMounted || dataset.canMount === 'off' || place === undefined) return [];
    const target = Buffer.from(place, 'latin1');
    if (mounts.some((mount) => mount.target.equals(target))) return [];
    return [
      {
        ...{ target, label: dataset.name, isExpected: dataset.canMount === 'on' },
        what: dataset.isKeyMissing
          ? 'encrypted ZFS datasets whose key is not loaded'
          : 'ZFS datasets that are not mounted',
        remedy: dataset.isKeyMissing
          ? `"zfs load-key ${dataset.name}", then "zfs mount ${dataset.name}"`
          : `"zfs mount ${dataset.name}"`,
      },
    ];
  });
}
