/** What a backup of a source would do, without doing it. */
import type { Clock } from '../base/clock.ts';
import type { BackupPlan } from '../domain/backup-plan.ts';
import { newRunId, type OwnerId, type RunId } from '../domain/names.ts';
import type { Source } from '../domain/source.ts';
import type { RemoteHost } from '../remote/remote-host.ts';
import { describePlan, prepare } from './prepare.ts';

export async function planBackup(
  source: Source,
  { owner, dead }: { readonly owner: OwnerId; readonly dead: readonly RunId[] },
  ports: { readonly host: RemoteHost; readonly clock: Clock },
  signal: AbortSignal,
): Promise<BackupPlan> {
  return describePlan(source, await prepare(source, { run: newRunId(), owner }, dead, ports, signal));
}
