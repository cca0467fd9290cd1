/** From an empty device to room for data: looked at, shown, and done only as it was shown. Never open to assistants. */
import { StillpointError } from '../base/errors.ts';
import { hostPath } from '../domain/host-path.ts';
import type { NewVolume, NewVolumePlan, NewVolumeRequest } from '../domain/new-volume.ts';
import { requireApproved } from '../domain/plan.ts';
import type { PlanId } from '../domain/plan-id.ts';
import type { RemoteHost } from '../remote/remote-host.ts';
import type { Registry } from '../snapshot/registry.ts';
import type { VolumeMaker } from '../snapshot/volume-maker.ts';

export interface MakeVolumePorts {
  readonly host: RemoteHost;
  readonly registry: Registry;
}

/** What needs no host to be seen to be wrong. Errors: `usage.invalid`. */
export function refuseVolume(request: NewVolumeRequest, registry: Registry): void {
  hostPath(request.device);
  makerOf(registry).refuse(request.wanted);
}

export async function planVolume(
  request: NewVolumeRequest,
  { host, registry }: MakeVolumePorts,
  signal: AbortSignal,
): Promise<NewVolumePlan> {
  return (await makerOf(registry).plan(request, host, signal)).plan;
}

export async function makeVolume(
  request: NewVolumeRequest,
  approved: PlanId,
  { host, registry }: MakeVolumePorts,
  signal: AbortSignal,
): Promise<NewVolume> {
  const { plan, work } = await makerOf(registry).plan(request, host, signal);
  requireApproved(approved, plan);
  const uuid = await host.run(work, signal);
  return { plan, uuid, next: nextLines(plan, uuid) };
}

function makerOf({ providers }: Registry): VolumeMaker {
  const maker = providers.find((provider) => provider.maker !== undefined)?.maker;
  if (maker !== undefined) return maker;
  throw new StillpointError('snapshot.unsupported', 'No storage of this version can be made of an empty device.', {
    advice: 'Make the volume with the programs of its storage.',
    cause: undefined,
  });
}

/** Where it is mounted is the person's to say, so the lines are theirs to run. */
function nextLines({ volume }: NewVolumePlan, uuid: string | undefined): readonly string[] {
  if (volume === undefined || uuid === undefined) return [];
  const place = `/srv/${volume.path.slice(volume.path.lastIndexOf('/') + 1)}`;
  return [
    `mkdir -p ${place}`,
    `echo 'UUID=${uuid} ${place} ${volume.fileSystem} defaults 0 2' >> /etc/fstab`,
    `mount ${place}`,
  ];
}
