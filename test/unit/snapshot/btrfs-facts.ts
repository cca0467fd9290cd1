/** A Btrfs as a survey finds it, for tests that need none. */
import type { Subvolume } from '../../../shared/snapshot/btrfs/subvolumes.ts';
import type { FileSystemFacts } from '../../../shared/snapshot/btrfs/survey-command.ts';

/** The same for the same number. */
export const uuidOf = (number: number): string => `0c3b46e1-3f6d-b944-8ce5-${String(number).padStart(12, '0')}`;

export const aSubvolume = (number: number, path: string, more: Partial<Subvolume> = {}): Subvolume => ({
  ...{ number, inside: 5, path: Buffer.from(path), uuid: uuidOf(number), parentUuid: undefined, isReadOnly: false },
  ...more,
});

/** On /dev/sda2, mounted as device 0:40. */
export const aBtrfs = (subvolumes: readonly Subvolume[], more: Partial<FileSystemFacts> = {}): FileSystemFacts => ({
  ...{ device: '0:40', source: Buffer.from('/dev/sda2'), uuid: uuidOf(1), hasQuotas: false, topLevelUuid: uuidOf(5) },
  usage: {
    ...{ sizeBytes: 100e9, unallocatedBytes: 50e9, missingBytes: 0, freeBytes: 60e9 },
    metadata: { sizeBytes: 1e9, usedBytes: 1e8, isMixed: false },
  },
  ...{ subvolumes, numbersInside: new Map() },
  ...more,
});
