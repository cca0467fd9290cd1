/** Makes the snapshots of a plan where no other run is expected to have its turn. */
import type { RemoteHost } from '../../../shared/remote/remote-host.ts';
import type { Registry } from '../../../shared/snapshot/registry.ts';
import { type SnapshotPlan, type TakenSet, trySet } from '../../../shared/snapshot/snapshot-set.ts';

export async function takeSet(
  plan: SnapshotPlan,
  registry: Registry,
  host: RemoteHost,
  signal: AbortSignal,
): Promise<TakenSet> {
  const tried = await trySet(plan, registry, host, signal);
  if ('busy' in tried) throw new Error(`another run has ${tried.busy.what}`);
  return tried;
}
