/**
 * The dumps of a run, one after the other, before anything of the host is held, snapshotted or read: what they read is as
 * near to the instant of the snapshots as that, and no snapshot grows while they last. Each goes to where the run reads to as it
 * comes.
 */

import { displayName } from '../../base/bytes.ts';
import type { WallSpan } from '../../base/clock.ts';
import { type Clock, timed } from '../../base/clock.ts';
import { DUMPS_FOLDER, type DumpEvidence, type PlannedDumpFile } from '../../domain/dump.ts';
import type { PlannedDump } from '../../dump/dump.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import type { Node } from '../../repository/node.ts';
import { type HostMoment, readMoment } from '../backup/live-look.ts';
import { type OwnFile, type OwnFolderPorts, storeOwnFolder } from '../backup/own-folders.ts';
import { dumpStream } from './dump-stream.ts';

export interface TakenDumps {
  /** Of the folder in which they lie. */
  readonly node: Node;
  readonly evidence: readonly DumpEvidence[];
  /** When the first of them began, and between which times of our own clock that was. */
  readonly first: HostMoment;
  readonly span: WallSpan;
}

interface DumpPorts extends Omit<OwnFolderPorts, 'timeNs'> {
  readonly host: RemoteHost;
  readonly clock: Clock;
  readonly limitSeconds: number;
}

export async function takeDumps(
  dumps: readonly PlannedDump[],
  { host, clock, limitSeconds, ...ports }: DumpPorts,
  signal: AbortSignal,
): Promise<TakenDumps> {
  const { value: first, span } = await timed(clock, () => host.run(readMoment, signal));
  const evidence: DumpEvidence[] = [];
  const files = dumps.map((dump): OwnFile => {
    const content = witnessed(dump, { host, limitSeconds }, (seen) => evidence.push(seen), signal);
    return { name: Buffer.from(dump.name), size: undefined, content };
  });
  const node = await storeOwnFolder(DUMPS_FOLDER, files, { ...ports, timeNs: first.wallClockNs }, signal);
  return { node, evidence, first, span };
}

/** As it will be found. */
export const plannedFile = ({ name, what, consistency }: PlannedDump): PlannedDumpFile => ({
  path: displayName(Buffer.from(`/${DUMPS_FOLDER}/${name}`)),
  what,
  consistency,
});

/** It is of a moment between the two at which the host was asked for its uptime. */
async function* witnessed(
  dump: PlannedDump,
  { host, limitSeconds }: Pick<DumpPorts, 'host' | 'limitSeconds'>,
  onEnd: (evidence: DumpEvidence) => void,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const { beforeUptime: fromUptime } = await host.run(readMoment, signal);
  let bytes = 0;
  for await (const chunk of dumpStream(dump, host, limitSeconds, signal)) {
    bytes += chunk.length;
    yield chunk;
  }
  const { beforeUptime: untilUptime } = await host.run(readMoment, signal);
  onEnd({ ...plannedFile(dump), bytes, fromUptime, untilUptime });
}
