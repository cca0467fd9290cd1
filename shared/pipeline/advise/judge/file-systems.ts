/** What is wrong with file systems themselves: full, in error, read-only, on a RAID that lacks a disk, hidden, in memory. */
import { displayName, formatBytes } from '../../../base/bytes.ts';
import { BARE_KINDS, type Mount } from '../../../domain/host.ts';
import type { HostFinding, Remedy } from '../../../domain/readiness.ts';
import { typedWord } from '../../../remote/quoting.ts';
import { holdsData } from '../../../snapshot/detect.ts';
import { mountOf } from '../../../snapshot/mountinfo.ts';
import type { DetectedVolume } from '../../../snapshot/provider.ts';
import { type HostFacts, placeOfVolume } from '../facts.ts';

export function judgeFileSystems(facts: HostFacts): readonly HostFinding[] {
  const real = facts.survey.volumes.filter(holdsData);
  return [
    ...real.flatMap((volume) => [...errors(volume, facts), ...readOnly(volume, facts), ...full(volume, facts)]),
    ...degraded(facts),
    ...hidden(facts),
    ...inMemory(facts),
  ];
}

const nowhere = (note: string): Remedy => ({ where: 'nowhere', lines: [], note });

/** Lines with a path in them, where that can be typed. */
function onHost(path: Uint8Array, lines: (word: string) => readonly string[], note: string): Remedy {
  const word = typedWord(path);
  return word === undefined ? nowhere(note) : { where: 'host', lines: lines(word), note };
}

function errors(detected: DetectedVolume, { state, survey }: HostFacts): readonly HostFinding[] {
  const place = placeOfVolume(detected);
  const device = place && survey.devices.get(place.mount.device);
  const count = device === undefined ? 0 : (state.errors.get(device.name.replaceAll('/', '!')) ?? 0);
  if (place === undefined || count === 0) return [];
  const source = typedWord(place.mount.source) ?? 'DEVICE';
  const isRoot = place.target.equals(Buffer.from('/'));
  return [
    {
      ...{ kind: 'file-system-errors', severity: 'dangerous', object: detected.volume.label },
      message: `The file system of "${detected.volume.label}" at "${displayName(place.target)}" has noted ${count} error${count === 1 ? '' : 's'}.`,
      means: 'What is saved of it may be damaged already; keep older restore points until it is mended.',
      remedy: isRoot
        ? nowhere(
            'Look into "dmesg", and have it checked when the host is started the next time ("fsck.mode=force" on the command line of the kernel).',
          )
        : onHost(
            place.target,
            (word) => [`umount ${word}`, `e2fsck -f -p ${source}`, `mount ${source} ${word}`],
            'Stop what uses it before. "-p" mends what can be mended without a question; look into "dmesg" for the cause.',
          ),
    },
  ];
}

/** A file system that the kernel has turned read-only after an error looks well, and nothing new is written. */
function readOnly(detected: DetectedVolume, { state }: HostFacts): readonly HostFinding[] {
  const place = placeOfVolume(detected);
  if (place === undefined || !isReadOnly(place.mount)) return [];
  const line = state.fstab.find(({ target }) => target.equals(place.target));
  if (line === undefined || line.options.includes('ro')) return [];
  return [
    {
      ...{ kind: 'read-only', severity: 'dangerous', object: detected.volume.label },
      message: `"${detected.volume.label}" at "${displayName(place.target)}" is read-only, and /etc/fstab has it writable.`,
      means: 'The kernel does so after an error; since then programs cannot write, and a backup holds an old state.',
      remedy: onHost(
        place.target,
        (word) => [`mount -o remount,rw ${word}`],
        'Look into "dmesg" before: after an error of the disk or the file system, check that first.',
      ),
    },
  ];
}

const isReadOnly = ({ options, superOptions }: Mount): boolean => options.includes('ro') || superOptions.includes('ro');

/** In percent of what can be written at all. */
const FULL = { dangerous: 98, advice: 90, wanted: 80 } as const;

function full(detected: DetectedVolume, { rooms, survey }: HostFacts): readonly HostFinding[] {
  const { volume } = detected;
  const room = rooms.get(volume.id);
  if (room === undefined || room.sizeBytes === 0 || isImage(volume.fsType)) return [];
  const percent = Math.floor(100 - (100 * room.availableBytes) / room.sizeBytes);
  if (percent < FULL.advice) return [];
  const wanted = (room.sizeBytes - room.availableBytes) / (FULL.wanted / 100) - room.sizeBytes;
  const { snapshot } = volume;
  const storage = survey.storages.find(({ provider }) => snapshot.possible && provider.kind === snapshot.provider);
  const lines = storage?.upkeep?.enlarge(detected, wanted) ?? [];
  return [
    {
      kind: 'full',
      severity: percent >= FULL.dangerous ? 'dangerous' : 'advice',
      object: volume.label,
      message: `"${volume.label}" at "${volume.mountpoints[0] ?? ''}" is ${percent} % full, with ${formatBytes(room.availableBytes)} left.`,
      means: 'What writes to it fails when it is full; a backup makes nothing there, and frees nothing.',
      remedy:
        lines.length === 0
          ? nowhere('Remove what nobody needs, or make it larger.')
          : {
              where: 'host',
              lines,
              note: 'It can be done while it is in use, and takes room that snapshots could have.',
            },
    },
  ];
}

/** Those are always full. */
const isImage = (fsType: string): boolean =>
  ['cramfs', 'erofs', 'iso9660', 'romfs', 'squashfs', 'udf'].includes(fsType);

function degraded({ state }: HostFacts): readonly HostFinding[] {
  return [...state.degraded].flatMap(([name, missing]): HostFinding[] => {
    if (missing === 0) return [];
    return [
      {
        ...{ kind: 'raid-degraded', severity: 'dangerous', object: name },
        message: `The RAID "${name}" lacks ${missing} of its disks.`,
        means: 'The next disk that fails may take all of it; make a backup first, and then add a disk.',
        remedy: nowhere(`"mdadm --detail /dev/${name}" shows it; "mdadm /dev/${name} --add DEVICE" takes a new disk.`),
      },
    ];
  });
}

function hidden({ survey: { mounts, volumes } }: HostFacts): readonly HostFinding[] {
  return volumes.filter(holdsData).flatMap(({ volume, places }) =>
    places.flatMap(({ mount }): HostFinding[] => {
      const over = mountOf(mount.target, mounts);
      // What is seen elsewhere is not hidden.
      if (over === undefined || over.id === mount.id || places.some((each) => isSeen(each.mount, mounts))) return [];
      const [under, above] = [displayName(mount.target), displayName(over.target)];
      return [
        {
          ...{ kind: 'hidden', severity: 'left-out', object: volume.label },
          message: `"${volume.label}" is mounted at "${under}", and what is mounted at "${above}" after it hides it.`,
          means: 'A backup saves what is seen there; what is hidden is in no restore point.',
          remedy: onHost(
            over.target,
            (word) => [`umount ${word}`],
            'If the upper one is there by mistake. Where both are wanted, mount the hidden one elsewhere.',
          ),
        },
      ];
    }),
  );
}

const isSeen = (mount: Mount, mounts: readonly Mount[]): boolean => mountOf(mount.target, mounts)?.id === mount.id;

/** Places where a system keeps what is gone after a restart, and should be. */
const PASSING = /^\/(dev|proc|run|sys|tmp|var\/(lock|run|tmp))(\/|$)/;

function inMemory({ survey: { volumes } }: HostFacts): readonly HostFinding[] {
  return volumes.flatMap(({ volume, places: [{ target }] }): HostFinding[] => {
    const isMemory = volume.kind === BARE_KINDS.pseudo.name && ['tmpfs', 'ramfs'].includes(volume.fsType);
    if (!isMemory || PASSING.test(target.toString('latin1'))) return [];
    return [
      {
        ...{ kind: 'in-memory', severity: 'left-out', object: displayName(target) },
        message: `"${displayName(target)}" is in memory (${volume.fsType}).`,
        means: 'What is in it is gone after a restart, and a backup leaves it out.',
        remedy: nowhere('Nothing has to be done if it is meant to be so.'),
      },
    ];
  });
}
