/** A hold that is begun, proved and ended on a host in one critical section, without a snapshot. */
import { never } from '../../../shared/base/cancel.ts';
import { systemClock } from '../../../shared/base/clock.ts';
import { silentLogger } from '../../../shared/base/log.ts';
import { newRunId, ownerId, type RunId } from '../../../shared/domain/names.ts';
import type { Hook, PlannedHold } from '../../../shared/quiesce/hook.ts';
import type { RemoteHost } from '../../../shared/remote/remote-host.ts';
import { takeSnapshots } from '../../../shared/snapshot/critical-section.ts';
import { acquireLease } from '../../../shared/snapshot/host/lease.ts';
import { createRegistry } from '../../../shared/snapshot/registry.ts';

const owner = ownerId('00112233aabb');

/** @returns what the section says */
export async function holdOnce(host: RemoteHost, hook: Hook, holdFor: (run: RunId) => PlannedHold) {
  const { scripts } = createRegistry([], [hook]);
  const run = newRunId();
  const ports = { host, scripts, clock: systemClock, logger: silentLogger, onReleaseFailed: () => undefined };
  await using _lease = await acquireLease({ run, owner, leaseSeconds: 60, mounts: 0, holds: 1 }, ports, never);
  return await host.run(takeSnapshots({ run, owner, holds: [holdFor(run)], creates: [] }, scripts), never);
}
