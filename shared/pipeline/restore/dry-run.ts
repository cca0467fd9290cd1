/** What a restore would do, without a trace of it in the target. */
import type { Overwrite, RestorePlan } from '../../domain/restore-plan.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import { lookAtTarget } from './existing.ts';
import { refusalOfLook } from './target-errors.ts';
import { planTarget } from './target-plan.ts';
import type { WalkStart } from './walk.ts';

export async function planOnly(
  repository: Parameters<typeof planTarget>[0],
  start: WalkStart,
  { target, overwrite }: { readonly target: string; readonly overwrite?: Overwrite },
  host: RemoteHost,
  signal: AbortSignal,
): Promise<RestorePlan> {
  const look = await host.run(lookAtTarget(target), signal);
  const refusal = refusalOfLook(target, look, overwrite !== undefined);
  if (refusal !== undefined) throw refusal;
  const known = look.state === 'missing' ? undefined : { path: target, id: look.id };
  // What the file system has is found out by making it.
  const ports = { host, target: known, overwrite: overwrite ?? 'never', room: look.room, hardLinks: true } as const;
  return (await planTarget(repository, start, ports, signal)).report;
}
