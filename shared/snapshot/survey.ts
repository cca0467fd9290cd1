/** One look at a host: who it is, what is mounted, which volumes there are and what each provider found. */

import { type Clock, timed, type WallSpan } from '../base/clock.ts';
import { isStillpointError } from '../base/errors.ts';
import { type ClockSkew, clockSkew } from '../domain/clock-skew.ts';
import type { Mount } from '../domain/host.ts';
import type { OwnerId, RunId } from '../domain/names.ts';
import type { RemoteHost } from '../remote/remote-host.ts';
import { type BlockDevices, listBlockDevices } from './block-devices.ts';
import { detectVolumes, holdsData } from './detect.ts';
import { type HostIdentity, identifyHost } from './identify-host.ts';
import { readMounts } from './mountinfo.ts';
import { FOR_SNAPSHOTS, lackOf, neededPrograms } from './programs.ts';
import type { DetectedVolume, Storage } from './provider.ts';
import type { Registry } from './registry.ts';

export interface Survey {
  readonly identity: HostIdentity;
  /** When it was asked for its identity, on our clock. */
  readonly asked: WallSpan;
  /** By how much its clock was ahead of ours then. */
  readonly clockSkew: ClockSkew;
  readonly mounts: readonly Mount[];
  readonly devices: BlockDevices;
  /** One for each provider. */
  readonly storages: readonly Storage[];
  readonly volumes: readonly DetectedVolume[];
}

export interface SurveyPorts {
  readonly clock: Clock;
  readonly registry: Registry;
  /** Whether a host is of use where we are not root: then no storage is asked, and nothing can be snapshotted. */
  readonly withoutRoot?: 'refuse' | 'look';
}

export async function surveyHost(
  host: RemoteHost,
  { clock, registry, withoutRoot }: SurveyPorts,
  signal: AbortSignal,
): Promise<Survey> {
  // Side by side: each costs a round trip, and none depends on another but on the mounts.
  const identifying = timed(clock, () => host.run(identifyHost(neededPrograms(registry)), signal));
  const mounted = host.run(readMounts, signal);
  const [identified, mounts, devices, storages] = await Promise.all([
    identifying,
    mounted,
    host.run(listBlockDevices, signal),
    Promise.all(registry.providers.map((provider) => provider.survey(host, mounted, signal))).catch(
      async (error: unknown) => {
        const mayLook = withoutRoot === 'look' && isStillpointError(error, 'remote.sudo-refused');
        if (mayLook && !(await identifying).value.isRoot) return [];
        throw error;
      },
    ),
  ]).catch(async (error: unknown) => {
    // That a program is not there is the cause, and what failed for want of it a symptom.
    const { value } = await identifying;
    throw isStillpointError(error, 'remote.command-failed')
      ? (lackOf(value, [FOR_SNAPSHOTS, ...registry.providers, ...registry.hooks], host.name) ?? error)
      : error;
  });
  const { value: identity, span: asked } = identified;
  return {
    identity,
    asked,
    clockSkew: clockSkew(identity.wallClock, asked),
    mounts,
    devices,
    storages,
    volumes: detectVolumes(mounts, devices, storages).map((each) => (identity.isRoot ? each : seenWithoutRoot(each))),
  };
}

function seenWithoutRoot(detected: DetectedVolume): DetectedVolume {
  if (!holdsData(detected)) return detected;
  const snapshot = {
    possible: false as const,
    reason: 'only root can make a snapshot, and we are not root there',
    remedy: 'Set "sudo" to "passwordless" or "password" for this host, or log in as root.',
  };
  return { ...detected, volume: { ...detected.volume, snapshot } };
}

/** The host as it will be when a sweep has removed what dead runs of this owner left: a plan must not call full what goes first. */
export function afterSweep(
  survey: Survey,
  owner: OwnerId,
  dead: readonly RunId[],
): { readonly survey: Survey; readonly removes: readonly string[] } {
  const swept = survey.storages.map((storage) => storage.afterSweep(owner, dead));
  const removes = swept.flatMap((each) => each.removes);
  if (removes.length === 0) return { survey, removes };
  const storages = swept.map(({ storage }) => storage);
  return {
    survey: { ...survey, storages, volumes: detectVolumes(survey.mounts, survey.devices, storages) },
    removes,
  };
}
