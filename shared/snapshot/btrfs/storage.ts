/** What Btrfs has on a host: each subvolume that is seen there is a volume of its own. */
import { displayName, quotation } from '../../base/bytes.ts';
import type { Mount, SnapshotCapability } from '../../domain/host.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import { isWithin, mountOf } from '../mountinfo.ts';
import type { Claim, MountedDevice, SnapshotProvider, Storage, VolumePlace } from '../provider.ts';
import { btrfsKept } from './kept.ts';
import { isOf, OURS, ownPath } from './naming.ts';
import { planSubvolumes } from './plan.ts';
import { TOP_LEVEL } from './subvolumes.ts';
import {
  type BtrfsAnswer,
  type FileSystemFacts,
  type MountedFileSystem,
  surveyFileSystems,
  type Unseen,
} from './survey-command.ts';
import { type BtrfsVolume, placesOf, volumesOf } from './volumes.ts';

interface BtrfsFacts extends BtrfsAnswer {
  /** Of which all this is, by the name by which the user knows it. */
  readonly host: string;
  /** All of the host. */
  readonly mounts: readonly Mount[];
}

/** While subvolumes come and go, a list and the paths in it may not fit together. */
const ATTEMPTS = 3;

export async function surveyBtrfs(
  provider: SnapshotProvider,
  host: RemoteHost,
  mounting: Promise<readonly Mount[]>,
  signal: AbortSignal,
): Promise<Storage> {
  const mounts = await mounting;
  const mounted = new Map<string, MountedFileSystem>();
  for (const { fsType, device, source } of mounts) if (fsType === 'btrfs') mounted.set(device, { device, source });
  const facts = { host: host.name, mounts };
  if (mounted.size === 0) return btrfsStorage(provider, { ...facts, fileSystems: [], swapFiles: [] });
  const command = surveyFileSystems([...mounted.values()]);
  let answer = await host.run(command, signal);
  for (let attempt = 1; attempt < ATTEMPTS && answer.fileSystems.some(isChanging); attempt += 1) {
    answer = await host.run(command, signal);
  }
  return btrfsStorage(provider, { ...facts, ...answer });
}

const isChanging = (each: FileSystemFacts | Unseen): boolean => 'why' in each && each.why === 'changing';

export function btrfsStorage(provider: SnapshotProvider, facts: BtrfsFacts): Storage {
  const seen = facts.fileSystems.filter((each): each is FileSystemFacts => !('why' in each));
  const unseen = facts.fileSystems.filter((each): each is Unseen => 'why' in each);
  const volumes = new Map(seen.map((each) => [each.device, volumesOf(each)]));
  const byId = new Map([...volumes.values()].flat().map((volume) => [volume.id, volume]));
  const storage: Storage = {
    provider,
    pools: seen.map(({ source, usage }) => ({
      name: displayName(source),
      kindWords: 'Btrfs file system',
      sizeBytes: usage.sizeBytes,
      freeBytes: usage.freeBytes,
    })),
    claim: (device) => {
      const known = volumes.get(device.device);
      if (known !== undefined) return claimsOf(known, device, facts);
      const other = unseen.find((each) => each.device === device.device);
      return other === undefined ? [] : [claimUnseen(other, device)];
    },
    refuse: () => undefined,
    // Their room is free only when the kernel has cleaned up behind them.
    afterSweep: (owner, dead) => ({
      storage,
      removes: seen.flatMap(({ source, subvolumes }) =>
        subvolumes.flatMap(({ path }) => {
          const own = ownPath(path.toString('latin1'));
          return own === undefined || !isOf(own, owner, dead)
            ? []
            : [`btrfs subvolume delete -C ${path.toString('latin1')}   # at the top level of ${displayName(source)}`];
        }),
      ),
    }),
    kept: btrfsKept((uuid) => byId.get(`btrfs:${uuid}`)?.label, seen),
    plan: (detected, identity) =>
      planSubvolumes(
        detected.flatMap((volume) => {
          const known = byId.get(volume.volume.id);
          return known === undefined ? [] : [{ detected: volume, known }];
        }),
        { ...identity, host: facts.host },
      ),
  };
  return storage;
}

const KIND = { name: 'btrfs', words: 'Btrfs subvolume' };

function claimsOf(volumes: readonly BtrfsVolume[], { mounts }: MountedDevice, facts: BtrfsFacts): readonly Claim[] {
  const placed = [...placesOf(volumes, mounts, facts.mounts)];
  const swapped = swappedTo(placed, facts);
  return placed.flatMap(([volume, [first, ...others]]) =>
    first === undefined
      ? []
      : [
          {
            id: volume.id,
            kind: KIND,
            label: volume.label,
            sizeBytes: volume.fileSystem.usage.sizeBytes,
            usedBytes: undefined,
            snapshot: capability(volume, first.mount, swapped.get(volume)),
            places: [first, ...others] as const,
            ...(volume.subvolume.number === TOP_LEVEL ? { ours: Buffer.from(`/${OURS}`) } : {}),
          },
        ],
  );
}

/** In which volumes a file is swapped to, by the innermost place that shows it. */
function swappedTo(
  placed: readonly (readonly [BtrfsVolume, readonly VolumePlace[]])[],
  { mounts, swapFiles }: BtrfsFacts,
): ReadonlyMap<BtrfsVolume, Buffer> {
  const places = placed.flatMap(([volume, of]) => of.map((place) => ({ volume, place })));
  return new Map(
    swapFiles.flatMap((file) => {
      const mount = mountOf(file, mounts)?.id;
      const [closest] = places
        .filter(({ place }) => place.mount.id === mount && isWithin(file, place.target))
        .toSorted((a, b) => b.place.target.length - a.place.target.length);
      return closest === undefined ? [] : [[closest.volume, file] as const];
    }),
  );
}

const no = (reason: string, remedy: string): SnapshotCapability => ({ possible: false, reason, remedy });

function capability({ label }: BtrfsVolume, mount: Mount, swap: Buffer | undefined): SnapshotCapability {
  if (mount.superOptions.includes('ro')) {
    return no(
      `the file system of "${label}" is read-only, so no snapshot can be made in it`,
      `See "dmesg" on the host, whether Btrfs made it read-only after an error; else "mount -o remount,rw ${displayName(mount.target)}". A seed device stays read-only until a device is added.`,
    );
  }
  if (swap !== undefined) {
    return no(
      `"${label}" holds the swap file "${displayName(swap)}", and Btrfs makes no snapshot of a subvolume that is swapped to`,
      `Put the swap file into a subvolume of its own ("swapoff ${displayName(swap)}", then "btrfs subvolume create" for a folder that is named under "exclude").`,
    );
  }
  return { possible: true, provider: 'btrfs' };
}

function claimUnseen(unseen: Unseen, { device, mounts: [mount, ...others] }: MountedDevice): Claim {
  return {
    id: `btrfs:device:${device}`,
    kind: KIND,
    label: displayName(mount.source),
    sizeBytes: undefined,
    usedBytes: undefined,
    snapshot: reasonOf(unseen, displayName(mount.target)),
    places: [
      { target: mount.target, root: mount.root, mount },
      ...others.map((each) => ({ target: each.target, root: each.root, mount: each })),
    ],
  };
}

function reasonOf({ source, why, said }: Unseen, where: string): SnapshotCapability {
  const name = displayName(source);
  const words = said === '' ? '' : `; the host said: ${quotation(said.split('\n').at(-1) ?? '')}`;
  switch (why) {
    case 'no-device':
      return no(
        `the kernel calls the device of "${where}" "${name}", and there is no such device of it on the host`,
        `Make "${name}" a link to the device, as "btrfs filesystem show ${where}" names it.`,
      );
    case 'no-mount':
      return no(
        `the top level of the Btrfs at "${where}" cannot be mounted${words}`,
        `Try "unshare -m mount -o ro,subvolid=5 ${name} /mnt" on the host; in a container it may not be allowed.`,
      );
    case 'no-answer':
      return no(
        `the subvolumes of the Btrfs at "${where}" cannot be listed${words}`,
        `Install btrfs-progs there, and see whether "btrfs subvolume list ${where}" works.`,
      );
    case 'unknown-form':
      return no(
        `what btrfs-progs on the host say of "${where}" cannot be understood: ${said}`,
        'Report it with the output of "btrfs version", so that this version can be supported.',
      );
    case 'changing':
      return no(
        `subvolumes of the Btrfs at "${where}" are made, renamed or removed all the time`,
        'Run again at a quieter time.',
      );
  }
}
