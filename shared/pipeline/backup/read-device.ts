/**
 * The bytes of a device, from its snapshot, in order and all of them: what did not change since the last run is not known
 * before it was read. Past the host's cache, which belongs to those who work there.
 */
import { displayName } from '../../base/bytes.ts';
import { invariant, StillpointError } from '../../base/errors.ts';
import type { RunId } from '../../domain/names.ts';
import type { StreamCommand } from '../../remote/command.ts';
import { isLostConnection } from '../../remote/host-errors.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import { newSaidId } from '../../snapshot/host/run-folder.ts';
import { takeUpReading } from '../../snapshot/host/take-up.ts';
import type { ReadableSnapshot } from '../../snapshot/provider.ts';
import type { SourceDevice } from './devices.ts';
import type { OwnFile } from './own-folders.ts';
import type { Patience } from './patience.ts';
import { type ReadingPlace, scriptAt } from './reading-place.ts';

/** A bad sector ends it: an image with a gap that nobody sees is worth less than none. */
export const readDevice = (place: ReadingPlace, fromMebibyte = 0): StreamCommand =>
  scriptAt(place, {
    name: 'read-device',
    script: `exec dd "if=$1/device" bs=${MIB} skip="$2" iflag=direct,fullblock status=none`,
    args: [place.top, String(fromMebibyte)],
  });

const MIB = 1024 ** 2;

export interface DeviceReading {
  readonly host: RemoteHost;
  readonly patience: Patience | undefined;
  readonly run: RunId;
  readonly readable: readonly ReadableSnapshot[];
}

/** As a file of the restore point; nothing is read before its content is asked for. */
export function imageOf(device: SourceDevice, reading: DeviceReading, signal: AbortSignal): OwnFile {
  const snapshot = reading.readable.find(({ volume }) => volume === device.volume);
  invariant(snapshot !== undefined, 'every device has a snapshot');
  const content = bytesOf(device, { kind: 'snapshot', run: reading.run, top: snapshot.path }, reading, signal);
  return { name: device.path.subarray(1), size: device.sizeBytes, content };
}

async function* bytesOf(
  device: SourceDevice,
  place: ReadingPlace & { readonly kind: 'snapshot' },
  { host, patience }: DeviceReading,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  let came = 0;
  for (let isWhole = false; !isWhole; ) {
    // What came of the mebibyte in which a connection was lost comes twice.
    let again = came % MIB;
    try {
      await using stream = await host.stream(readDevice(place, Math.floor(came / MIB)), undefined, signal);
      for await (const chunk of stream.output) {
        const news = (chunk as Buffer).subarray(again);
        again -= (chunk as Buffer).length - news.length;
        came += news.length;
        if (came > device.sizeBytes) throw otherSize(device, came, host.name);
        if (news.length > 0) yield news;
      }
      await stream.finished;
      isWhole = true;
    } catch (error) {
      if (signal.aborted || patience === undefined || !isLostConnection(error)) throw error;
      await patience.after(error, came, takeUpReading(place.run, newSaidId()), signal);
    }
  }
  if (came < device.sizeBytes) throw otherSize(device, came, host.name);
}

function otherSize({ path, sizeBytes }: SourceDevice, came: number, host: string): StillpointError {
  const device = displayName(path);
  return new StillpointError(
    'read.incomplete',
    `Of "${device}" on "${host}", which has ${sizeBytes} bytes, ${came > sizeBytes ? 'more' : came} came.`,
    {
      advice:
        'It was made larger or smaller just now, or its disk cannot be read: see "dmesg" on the host, and run again.',
      details: { path: device, host, sizeBytes, came },
      cause: undefined,
    },
  );
}
