/**
 * Block devices that a source wants saved as images. The bytes of a device that is in use change below whoever reads them,
 * whatever reads them: so each is read from a snapshot of it, and a device of which none can be made is refused, also where a
 * source reads files live. No look at a device could tell afterwards what was torn.
 */
import { displayName } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import { Problems } from '../../base/problems.ts';
import type { Mount } from '../../domain/host.ts';
import { layersOf } from '../../snapshot/block-devices.ts';
import type { DeviceLook } from '../../snapshot/look-at-devices.ts';
import type { DeviceClaim, OriginVolume, RawDevice } from '../../snapshot/provider.ts';
import type { Survey } from '../../snapshot/survey.ts';
import { MOST_FILE_BYTES } from './omissions.ts';
import type { SourceTree } from './source-tree.ts';

export interface SourceDevice {
  /** As the source names it; where it is in the folder of devices, without the slash at its start. */
  readonly path: Buffer;
  readonly volume: OriginVolume;
  readonly sizeBytes: number;
}

interface Covered {
  readonly host: string;
  /** What is saved as files in the same run. */
  readonly trees: readonly SourceTree[];
}

type Seen = Pick<Survey, 'mounts' | 'devices' | 'storages' | 'identity'>;

/** Errors: what stands in the way of any of them, all at once. */
export function coverDevices(looks: readonly DeviceLook[], survey: Seen, covered: Covered): readonly SourceDevice[] {
  const { host, trees } = covered;
  const problems = new Problems();
  const devices: SourceDevice[] = [];
  for (const look of looks) {
    const device = problems.attempt(() => deviceAt(look, survey, host));
    if (device === undefined) continue;
    const { id } = device.volume.volume;
    const twice = devices.find((other) => other.volume.volume.id === id);
    const tree = trees.find((other) => other.volume.volume.id === id);
    if (twice !== undefined || tree !== undefined)
      problems.attempt(() => {
        throw alreadySaved(
          look.asked,
          twice?.path ?? tree?.path ?? look.asked,
          twice === undefined ? 'files' : 'image',
        );
      });
    else devices.push(device);
  }
  problems.throwIfAny((count) => `${count} devices of "${host}" cannot be saved`);
  return devices;
}

function deviceAt(look: DeviceLook, survey: Seen, host: string): SourceDevice {
  const { asked, found, device, content, sizeBytes } = look;
  if (found !== 'device') throw noDevice(look, host);
  const mount = survey.mounts.find((each) => each.device === device);
  const raw: RawDevice = { asked, device, content, mount, layers: layersOf(device, survey.devices) };
  const refused = claimOf(raw, survey);
  const { snapshot } = refused;
  if (!snapshot.possible) throw notSnapshottable(asked, snapshot, mount, host);
  if (sizeBytes > MOST_FILE_BYTES) {
    const reason = 'it is larger than 4 TiB, and a restore point holds no larger file';
    throw notSnapshottable(asked, { reason, remedy: 'Divide it, or save the files in it.' }, mount, host);
  }
  const { id, kind, label } = refused;
  return {
    path: asked,
    sizeBytes,
    volume: {
      volume: {
        ...{ id, kind: kind.name, kindWords: kind.words, label, snapshot, sizeBytes },
        mountpoints: mount === undefined ? [] : [displayName(mount.target)],
        fsType: content ?? '',
        // All of it is read, whatever is in use.
        usedBytes: sizeBytes,
      },
      places: [],
      isRaw: true,
    },
  };
}

function claimOf(raw: RawDevice, { storages, identity }: Seen): DeviceClaim {
  const label = displayName(raw.asked);
  const none = { id: `device:${raw.device}`, kind: { name: 'device', words: 'block device' }, label };
  if (!identity.isRoot) {
    const remedy = 'Set "sudo" to "passwordless" or "password" for this host, or log in as root.';
    const reason = 'only root can make a snapshot, and we are not root there';
    return { ...none, snapshot: { possible: false, reason, remedy } };
  }
  const claimed = storages.map((storage) => storage.claimDevice?.(raw)).find((each) => each !== undefined);
  if (claimed !== undefined) return claimed;
  const file = raw.layers[0]?.file;
  if (file !== undefined) {
    const reason = `it shows the file "${file}" (a loop device)`;
    return { ...none, snapshot: { possible: false, reason, remedy: `Name "${file}" under "paths".` } };
  }
  const remedies = [...new Set(storages.map(({ provider }) => provider.remedy('a disk')))].slice(0, 1);
  return {
    ...none,
    snapshot: {
      possible: false,
      reason: 'nothing can make a snapshot of it, and its bytes change while they are read',
      remedy: remedies.join(''),
    },
  };
}

function notSnapshottable(
  asked: Buffer,
  { reason, remedy }: { readonly reason: string; readonly remedy: string },
  mount: Mount | undefined,
  host: string,
): StillpointError {
  const device = displayName(asked);
  const files =
    mount === undefined ? '' : ` The files in it can be saved: name "${displayName(mount.target)}" under "paths".`;
  return new StillpointError(
    'host.path-not-snapshottable',
    `The device "${device}" on "${host}" cannot be saved as an image: ${reason}.`,
    { advice: `${remedy}${files}`, details: { path: device, host }, cause: undefined },
  );
}

function noDevice({ asked, found }: DeviceLook, host: string): StillpointError {
  const device = displayName(asked);
  return found === 'nothing'
    ? new StillpointError('host.path-not-found', `There is no device "${device}" on "${host}".`, {
        advice: `Correct "devices" of the source; "lsblk -p" on the host lists what is there. A volume that is not active has no device.`,
        details: { path: device, host },
        cause: undefined,
      })
    : new StillpointError('config.invalid', `"${device}" on "${host}" is no block device.`, {
        advice: 'Files and folders are named under "paths" of the source.',
        details: { path: device, host },
        cause: undefined,
      });
}

function alreadySaved(asked: Buffer, other: Buffer, as: 'files' | 'image'): StillpointError {
  const [device, place] = [displayName(asked), displayName(other)];
  const message =
    as === 'image'
      ? `"${device}" and "${place}" are the same device.`
      : `"${device}" is what "${place}" is on, whose files are saved already.`;
  return new StillpointError('config.invalid', message, {
    advice: as === 'image' ? 'Keep one of the two.' : 'Keep one of the two, or give the image a source of its own.',
    cause: undefined,
  });
}

/** What a person should know of an image. */
export function notesOfDevices(devices: readonly SourceDevice[]): readonly string[] {
  return devices.flatMap(({ path, volume: { volume } }) => {
    const [place] = volume.mountpoints;
    if (place === undefined) return [];
    return [
      `"${displayName(path)}" is saved as an image while it is mounted at "${place}": what is in it is as after a power cut, and replays its journal when it is mounted.`,
    ];
  });
}
