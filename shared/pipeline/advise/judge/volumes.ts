/** What of the mounted volumes no snapshot can hold, and where there is no room for one. */
import { displayName, formatBytes } from '../../../base/bytes.ts';
import type { StillpointError } from '../../../base/errors.ts';
import { BARE_KINDS } from '../../../domain/host.ts';
import type { HostFinding, Remedy, RoomForecast } from '../../../domain/readiness.ts';
import { holdsData } from '../../../snapshot/detect.ts';
import { ASSUMED_READ_BYTES_PER_SECOND } from '../../../snapshot/measure.ts';
import type { DetectedVolume } from '../../../snapshot/provider.ts';
import { excludeOf } from '../exclude-path.ts';
import { type HostFacts, placeOfVolume } from '../facts.ts';

export function judgeVolumes(facts: HostFacts): readonly HostFinding[] {
  const { identity, volumes } = facts.survey;
  // Where nothing can be snapshotted for want of root, that is one finding and not one for each volume.
  const without = identity.isRoot ? volumes.filter((each) => holdsData(each) && !each.volume.snapshot.possible) : [];
  const [crowd, single] = [without.filter(isOfCrowd), without.filter((each) => !isOfCrowd(each))];
  return [
    ...facts.noRoom.filter((error) => !isSaidBy(error, facts.ofStorages)).map(noRoom),
    ...single.flatMap(noSnapshot),
    ...crowds(crowd),
    ...forecastRoom(facts).flatMap((forecast) => tooBusy(forecast, facts)),
  ];
}

/** A pool that is too full is one finding, whatever number of volumes is in it. */
const isSaidBy = ({ details }: StillpointError, findings: readonly HostFinding[]): boolean =>
  findings.some(({ severity, object }) => severity === 'dangerous' && object === details['pool']);

function noRoom(error: StillpointError): HostFinding {
  const { details, message, advice } = error;
  const mends = Array.isArray(details['mends']) ? details['mends'].map(String) : [];
  return {
    ...{ kind: 'no-room', severity: 'left-out', message },
    object: ['pool', 'group', 'volume'].map((key) => details[key]).find((name) => typeof name === 'string') ?? '',
    means: 'A backup of what lies there is refused.',
    remedy: { where: mends.length === 0 ? 'nowhere' : 'host', lines: mends, note: advice },
  };
}

/** There may be dozens of them, and nobody means to save them. */
const isOfCrowd = ({ volume }: DetectedVolume): boolean =>
  volume.kind === BARE_KINDS.overlay.name ||
  ['squashfs', 'erofs', 'iso9660', 'cramfs', 'romfs', 'udf'].includes(volume.fsType);

function crowds(all: readonly DetectedVolume[]): readonly HostFinding[] {
  return [...Map.groupBy(all, ({ volume }) => volume.fsType)].map(([fsType, of]): HostFinding => {
    const first = of[0]?.volume.mountpoints[0] ?? '';
    const many = of.length === 1 ? `"${first}" is` : `"${first}" and ${of.length - 1} more are`;
    return {
      ...{ kind: 'made-elsewhere', severity: 'advice', object: fsType },
      message: `${many} of the type ${fsType}, made from files that lie elsewhere.`,
      means: 'A backup leaves them out.',
      remedy: {
        where: 'nowhere',
        lines: [],
        note: 'Nothing has to be done: what they are made from can be saved or fetched again.',
      },
    };
  });
}

function noSnapshot(detected: DetectedVolume): readonly HostFinding[] {
  const { volume } = detected;
  const place = placeOfVolume(detected);
  const { snapshot } = volume;
  if (snapshot.possible || place === undefined) return [];
  const reason = snapshot.reason.replace(/\.$/, '');
  const isHere = volume.kind !== BARE_KINDS.network.name && volume.kind !== BARE_KINDS.fuse.name;
  const exclude = excludeOf(place.target);
  const leaveOut: Remedy =
    exclude === undefined
      ? { where: 'nowhere', lines: [], note: snapshot.remedy }
      : { where: 'configuration', lines: [`"exclude": [${JSON.stringify(exclude)}]`], note: snapshot.remedy };
  return [
    {
      kind: isHere ? 'no-snapshot' : 'elsewhere',
      severity: isHere ? 'inconsistent' : 'left-out',
      object: displayName(place.target),
      message: `${reason}.`,
      means: isHere
        ? 'A backup is refused, or reads it while it may be changing, if the source says so.'
        : 'A backup whose paths hold it is refused until it is left out.',
      remedy: isHere
        ? {
            where: 'configuration',
            lines: ['"withoutSnapshot": "read-live"'],
            note: `For a copy of one moment: ${snapshot.remedy}`,
          }
        : leaveOut,
    },
  ];
}

export interface ForecastOf {
  readonly detected: DetectedVolume;
  readonly forecast: RoomForecast;
}

/** For each volume that can be snapshotted and whose writes are counted. */
export function forecastRoom({ survey, rates, rooms }: HostFacts): readonly ForecastOf[] {
  return survey.volumes.flatMap((detected) => {
    const { volume } = detected;
    const { snapshot } = volume;
    const rate = rates.get(detected.places[0].mount.device);
    const storage = survey.storages.find(({ provider }) => snapshot.possible && provider.kind === snapshot.provider);
    const roomBytes = storage?.upkeep?.roomFor(detected);
    const room = rooms.get(volume.id);
    if (rate === undefined || roomBytes === undefined || room === undefined) return [];
    const used = volume.usedBytes ?? room.sizeBytes - room.availableBytes;
    const readingSeconds = used / ASSUMED_READ_BYTES_PER_SECOND;
    const neededBytes = Math.ceil(rate.costPerSecond * readingSeconds);
    const writtenPerSecond = Math.round(rate.bytesPerSecond);
    const seconds = Math.ceil(readingSeconds);
    const forecast = { volume: volume.label, writtenPerSecond, readingSeconds: seconds, neededBytes, roomBytes };
    return [{ detected, forecast }];
  });
}

function tooBusy({ detected, forecast }: ForecastOf, { survey: { storages } }: HostFacts): readonly HostFinding[] {
  const { volume, writtenPerSecond, readingSeconds, neededBytes, roomBytes } = forecast;
  if (neededBytes <= roomBytes) return [];
  const { snapshot } = detected.volume;
  const storage = storages.find(({ provider }) => snapshot.possible && provider.kind === snapshot.provider);
  const lines = storage?.upkeep?.moreRoom(detected, neededBytes - roomBytes) ?? [];
  return [
    {
      ...{ kind: 'written-too-fast', severity: 'left-out', object: volume },
      message: `${formatBytes(writtenPerSecond)} a second are written to "${volume}" now; while it is read (${readingSeconds} s), a snapshot of it would need ${formatBytes(neededBytes)} and can have ${formatBytes(Math.max(0, roomBytes))}.`,
      means: 'At this rate the snapshot does not live long enough, and the backup fails.',
      remedy: {
        ...{ where: lines.length === 0 ? 'nowhere' : 'host', lines },
        note: 'Or back up at a quieter time; "stillpoint advise" at that time measures again.',
      },
    },
  ];
}
