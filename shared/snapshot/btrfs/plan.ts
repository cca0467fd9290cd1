/** Which snapshots of subvolumes a run would make, and whether their file systems have the room for it. */
import { displayName, formatBytes } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import { Problems } from '../../base/problems.ts';
import { mintSnapshotName } from '../../domain/snapshot-name.ts';
import type { OriginVolume, RunIdentity, StoragePlan } from '../provider.ts';
import { subvolumeItem } from './item.ts';
import { markedFolder, NO_UUID, ownPath } from './naming.ts';
import type { FileSystemFacts } from './survey-command.ts';
import type { Usage } from './usage.ts';
import type { BtrfsVolume } from './volumes.ts';

const GIB = 1024 ** 3;

export interface Wanted {
  readonly detected: OriginVolume;
  readonly known: BtrfsVolume;
}

export function planSubvolumes(
  wanted: readonly Wanted[],
  { host, ...identity }: RunIdentity & { readonly host: string },
): StoragePlan {
  const fileSystems = [...new Set(wanted.map(({ known }) => known.fileSystem))];
  const problems = new Problems();
  for (const fileSystem of fileSystems) problems.attempt(() => requireRoom(fileSystem, host));
  problems.throwIfAny((count) => `There is no room on ${count} file systems of "${host}" for snapshots`);
  return {
    items: wanted.map(({ detected, known }) => {
      const { volume } = detected;
      const snapshot = mintSnapshotName(identity.run, volume.id);
      const { fileSystem, subvolume, root } = known;
      const origin = subvolume.uuid ?? NO_UUID;
      return subvolumeItem({
        volume: detected,
        planned: {
          ...{ volume: volume.label, volumeId: volume.id, snapshot, sizeBytes: 0, freeBytesAfter: 0 },
          mountpoint: volume.mountpoints[0] ?? '',
        },
        order: {
          ...{ fileSystem: fileSystem.uuid, source: fileSystem.source, device: fileSystem.device },
          ...{ number: subvolume.number, path: subvolume.path, root, origin, name: snapshot },
          folder: markedFolder(snapshot, identity.owner, origin),
          known: knownIn(known),
        },
      });
    }),
    risks: fileSystems.flatMap(risksOf),
  };
}

/** Without the read-only snapshots of others, which come and go by the hour and make no other plan. */
function knownIn({ fileSystem, subvolume }: BtrfsVolume): readonly number[] {
  const history = new Set(
    fileSystem.subvolumes.flatMap(({ number, isReadOnly, parentUuid, path }) =>
      (isReadOnly && parentUuid !== undefined) || ownPath(path.toString('latin1')) !== undefined ? [number] : [],
    ),
  );
  return (fileSystem.numbersInside.get(subvolume.number) ?? []).filter((number) => !history.has(number));
}

/**
 * A snapshot takes a few blocks of metadata, and every change while it lives takes more. Where the metadata has to grow and
 * cannot, the whole file system stops being writable.
 */
function hasRoom({ sizeBytes, unallocatedBytes, metadata }: Usage): boolean {
  const share = metadata.usedBytes / metadata.sizeBytes;
  return unallocatedBytes >= Math.min(GIB, sizeBytes / 10) || share <= (metadata.isMixed ? 0.95 : 0.75);
}

function requireRoom({ source, usage }: FileSystemFacts, host: string): void {
  if (hasRoom(usage)) return;
  const { metadata, unallocatedBytes } = usage;
  const name = displayName(source);
  throw new StillpointError(
    'snapshot.no-room',
    `The Btrfs on "${name}" on "${host}" has little room for metadata: ${formatBytes(metadata.usedBytes)} of ${formatBytes(metadata.sizeBytes)} are used, and ${formatBytes(unallocatedBytes)} are left from which it could grow.`,
    {
      advice:
        'Remove what is not needed, old snapshots first, or add a device with "btrfs device add"; "btrfs balance start -dusage=20 PATH" gives back what data took and does not use.',
      details: { host, device: name, ...usage },
      cause: undefined,
    },
  );
}

function risksOf({ source, usage, hasQuotas }: FileSystemFacts): readonly string[] {
  const name = displayName(source);
  const risks: string[] = [];
  if (usage.missingBytes > 0) {
    risks.push(
      `The Btrfs on ${name} runs without one of its devices (see "btrfs filesystem usage"); the backup reads what there is.`,
    );
  }
  if (hasQuotas) {
    risks.push(
      `The Btrfs on ${name} counts quotas, so removing the snapshots can keep it busy for a while ("btrfs quota disable" ends that).`,
    );
  }
  if (usage.freeBytes < Math.min(10 * GIB, usage.sizeBytes / 20)) {
    risks.push(
      `The Btrfs on ${name} has ${formatBytes(usage.freeBytes)} free; what is changed or removed there while the snapshots are read goes on taking its room.`,
    );
  }
  return risks;
}
