/**
 * The bytes of a device, from its snapshot, in order and all of them: what did not change since the last run is not known
 * before it was read. Past the host's cache, which belongs to those who work there.
 */
import { displayName } from '../../base/bytes.ts';
import { invariant, StillpointError } from '../../base/errors.ts';
import type { RunId } from '../../domain/names.ts';
import type { StreamCommand } from '../../remote/command.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import type { ReadableSnapshot } from '../../snapshot/provider.ts';
import type { SourceDevice } from './devices.ts';
import type { OwnFile } from './own-folders.ts';
import { type ReadingPlace, scriptAt } from './reading-place.ts';

/** A bad sector ends it: an image with a gap that nobody sees is worth less than none. */
export const readDevice = (place: ReadingPlace): StreamCommand =>
  scriptAt(place, {
    name: 'read-device',
    script: `exec dd "if=$1/device" bs=1048576 iflag=direct,fullblock status=none`,
    args: [place.top],
  });

export interface DeviceReading {
  readonly host: RemoteHost;
  readonly run: RunId;
  readonly readable: readonly ReadableSnapshot[];
}

/** As a file of the restore point; nothing is read before its content is asked for. */
export function imageOf(device: SourceDevice, { host, run, readable }: DeviceReading, signal: AbortSignal): OwnFile {
  const snapshot = readable.find(({ volume }) => volume === device.volume);
  invariant(snapshot !== undefined, 'every device has a snapshot');
  const command = readDevice({ kind: 'snapshot', run, top: snapshot.path });
  const content = bytesOf(device, host, command, signal);
  return { name: device.path.subarray(1), size: device.sizeBytes, content };
}

async function* bytesOf(
  device: SourceDevice,
  host: RemoteHost,
  command: StreamCommand,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  await using stream = await host.stream(command, undefined, signal);
  let came = 0;
  for await (const chunk of stream.output) {
    came += (chunk as Buffer).length;
    if (came > device.sizeBytes) throw otherSize(device, came, host.name);
    yield chunk as Buffer;
  }
  await stream.finished;
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
