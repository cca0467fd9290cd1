/**
 * Kept snapshots while somebody reads them: mounted read-only in the private namespace of a lease, as those of a backup are, and
 * proved afterwards to have been the same, and whole, all the time. The run has no snapshot of its own, so nothing is
 * removed at its end; the host takes the mounts back by itself if we vanish.
 */
import { cleanupSignal } from '../../base/cancel.ts';
import { StillpointError } from '../../base/errors.ts';
import { silentLogger } from '../../base/log.ts';
import { newRunId } from '../../domain/names.ts';
import type { RemoteCommand } from '../../remote/command.ts';
import { joinParts } from '../../remote/fragment.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import { definitions } from '../../snapshot/host/functions.ts';
import { acquireLease, type Lease } from '../../snapshot/host/lease.ts';
import type { HostScripts } from '../../snapshot/host/scripts.ts';
import type { DetectedVolume, KeptReading, ReadableSnapshot, TakenSnapshot } from '../../snapshot/provider.ts';
import { judgeSet, mountSet } from '../../snapshot/snapshot-set.ts';
import type { FoundKept, KeptPorts } from './listing.ts';

/** As long as a listing may go unheard of. */
const LEASE_SECONDS = 120;

/** One that is to be read, with the volume that it is of. */
export interface KeptToRead {
  readonly kept: FoundKept;
  readonly volume: DetectedVolume;
}

/** Throws what the work throws, and else what is wrong with the snapshots. */
export async function whileMounted<T>(
  wanted: readonly KeptToRead[],
  { host, registry, clock, owner }: KeptPorts,
  signal: AbortSignal,
  work: (readable: readonly ReadableSnapshot[], held: AbortSignal) => Promise<T>,
): Promise<T> {
  const identity = { run: newRunId(), owner };
  const readings = wanted.map(({ kept, volume }) => kept.storage.kept.read(kept.object, volume, identity));
  const taken = readings.map(({ item, seen }, index): TakenSnapshot => {
    const id = wanted[index]?.kept.object.id ?? '';
    const instant = { beforeUptime: 0, afterUptime: 0, wallClockNs: 0n };
    return { ...item, ...identity, ...instant, id, standing: { sizeBytes: 0, seen } };
  });
  const terms = { ...identity, leaseSeconds: LEASE_SECONDS, mounts: taken.length, holds: 0 };
  const failed: unknown[] = [];
  const onReleaseFailed = (error: unknown): void => void failed.push(error);
  const ports = { host, scripts: registry.scripts, clock, logger: silentLogger, onReleaseFailed };
  const mounted = async (): Promise<T> => {
    await using lease: Lease = await acquireLease(terms, ports, signal);
    const held = AbortSignal.any([signal, lease.signal]);
    const readable = await mountSet(taken, registry, host, lease, held);
    const done = await work(readable, held);
    await judgeSet(readable, registry, host, lease, held);
    return done;
  };
  try {
    const done = await mounted();
    if (failed.length > 0) throw notReleased(host.name, failed[0]);
    return done;
  } finally {
    await putAway(readings, host, registry.scripts);
  }
}

/** Where it fails, one is left as it is while it is read, which harms nobody. */
async function putAway(
  readings: readonly KeptReading[],
  host: RemoteHost,
  { functions }: Pick<HostScripts, 'functions'>,
): Promise<void> {
  await host.run(putAwayKept(readings, functions), cleanupSignal()).catch(() => undefined);
}

export function putAwayKept(
  readings: readonly Pick<KeptReading, 'putAway'>[],
  functions: HostScripts['functions'],
): RemoteCommand<void> {
  const parts = joinParts(
    readings.map(({ putAway: away }) => away),
    0,
  );
  return {
    name: 'put-away-kept-snapshots',
    script: [definitions(functions), parts.functions, ...readings.map((_, index) => parts.call(index)), 'exit 0'].join(
      '\n',
    ),
    args: parts.args,
    needs: 'root',
    budgetMs: 120_000,
    repeatable: true,
    parse: () => undefined,
  };
}

function notReleased(host: string, cause: unknown): StillpointError {
  return new StillpointError(
    'snapshot.busy',
    `What kept snapshots on "${host}" were mounted with could not be ended.`,
    {
      advice: `Its watchman there goes on trying; "stillpoint sweep ${host}" does, too.`,
      details: { host },
      cause,
    },
  );
}
