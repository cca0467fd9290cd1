/**
 * How ready a host is for backups: what a person should see to before one, and sources as they could stand in the
 * configuration. Looks, and changes nothing; nothing that the host says is believed but what the kernel and its storages
 * say of themselves.
 */
import type { Clock } from '../base/clock.ts';
import { isStillpointError, type StillpointError } from '../base/errors.ts';
import { newRunId, type OwnerId, type RunId } from '../domain/names.ts';
import { type HostReadiness, ordered } from '../domain/readiness.ts';
import type { HostSpec } from '../domain/source.ts';
import type { RemoteHost } from '../remote/remote-host.ts';
import { holdsData } from '../snapshot/detect.ts';
import { lookForTraces } from '../snapshot/host/commands.ts';
import type { Registry } from '../snapshot/registry.ts';
import { afterSweep, type Survey, surveyHost } from '../snapshot/survey.ts';
import { pathOnHost, storesOf } from './advise/data-stores.ts';
import { type HostFacts, type PlacedStore, placeOfVolume } from './advise/facts.ts';
import { type FileSystemState, lookAtFileSystems } from './advise/file-systems.ts';
import { findHeld } from './advise/held-stores.ts';
import { judgeAccess } from './advise/judge/access.ts';
import { judgeFileSystems } from './advise/judge/file-systems.ts';
import { judgeStores, listStores } from './advise/judge/stores.ts';
import { forecastRoom, judgeVolumes } from './advise/judge/volumes.ts';
import { listPrograms, placePaths } from './advise/programs-at-work.ts';
import { type Configured, propose } from './advise/propose.ts';
import { askSudo } from './advise/sudo-rights.ts';
import { watchWrites } from './advise/write-rate.ts';

export interface AdviseRequest {
  readonly spec: HostSpec;
  readonly configured: Configured;
  /** Why sudo, which the configuration says, did not make us root; `spec` is then without. */
  readonly refusal?: StillpointError | undefined;
}

export interface AdvisePorts {
  readonly host: RemoteHost;
  readonly clock: Clock;
  readonly registry: Registry;
  readonly owner: OwnerId;
  readonly dead: readonly RunId[];
}

export async function advise(request: AdviseRequest, ports: AdvisePorts, signal: AbortSignal): Promise<HostReadiness> {
  const facts = await gather(request, ports, signal);
  return judge(facts, request.configured);
}

/** Pure: what all this means for a backup. */
export function judge(facts: HostFacts, configured: Configured): HostReadiness {
  const { spec, survey } = facts;
  const { cannotName, proposedHost, proposedSources } = propose(facts, configured);
  return {
    host: spec.name,
    system: survey.identity.system,
    isRoot: survey.identity.isRoot,
    findings: ordered([
      ...facts.ofStorages,
      ...judgeAccess(facts),
      ...judgeFileSystems(facts),
      ...judgeStores(facts),
      ...judgeVolumes(facts),
    ]),
    stores: listStores(facts),
    room: forecastRoom(facts).map(({ forecast }) => forecast),
    unseen: [...unseenBy(facts), ...facts.unanswered, ...cannotName.map(cannotBeNamed)],
    ...{ proposedHost, proposedSources },
  };
}

function unseenBy({ survey, sawPrograms }: HostFacts): readonly string[] {
  return [
    ...(survey.identity.isRoot
      ? []
      : [
          'Without root neither storages nor what earlier runs left can be looked at.',
          'Without root only files that programs of this account have open are seen; databases of others may be missing here.',
        ]),
    ...(sawPrograms
      ? []
      : ['Open files cannot be looked at there (GNU find is needed), so databases may be missing here.']),
  ];
}

const cannotBeNamed = (shown: string): string =>
  `"${shown}" has a name that is no text and cannot stand in the configuration: name the folder above it.`;

const NO_STATE: FileSystemState = { rooms: [], errors: new Map(), degraded: new Map(), fstab: [], swapFiles: [] };

/** One thing that an odd host does not answer must not hide all the others. */
function answers() {
  const unanswered: string[] = [];
  const tried = async <T>(answer: Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await answer;
    } catch (error) {
      const isOdd = ['remote.unreadable-output', 'remote.command-failed', 'remote.deadline'] as const;
      if (!isOdd.some((code) => isStillpointError(error, code))) throw error;
      unanswered.push((error as StillpointError).message);
      return otherwise;
    }
  };
  return { unanswered, tried };
}

async function gather(
  { spec, refusal }: AdviseRequest,
  { host, clock, registry, owner, dead }: AdvisePorts,
  signal: AbortSignal,
): Promise<HostFacts> {
  const looked = await surveyHost(host, { clock, registry, withoutRoot: 'look' }, signal);
  const { isRoot } = looked.identity;
  const { survey } = afterSweep(looked, owner, dead);
  const folders = survey.volumes.filter(holdsData).flatMap((detected) => {
    const place = placeOfVolume(detected);
    return place === undefined ? [] : [{ id: detected.volume.id, target: place.target, device: place.mount.device }];
  });
  const devices = [...new Set(folders.map(({ device }) => device))];
  const upkeeps = survey.storages.flatMap(({ upkeep }) => upkeep ?? []);
  const { unanswered, tried } = answers();
  const [state, rates, programs, ofStorages, traces, sudo] = await Promise.all([
    tried(host.run(lookAtFileSystems(folders.map(({ target }) => target)), signal), NO_STATE),
    tried(host.run(watchWrites(devices), signal), []),
    tried(gatherStores(host, survey, signal), { stores: [], sawPrograms: false }),
    Promise.all(upkeeps.map((upkeep) => tried(upkeep.findings(host, signal), []))),
    isRoot ? tried(host.run(lookForTraces(registry.scripts, owner, dead), signal), undefined) : undefined,
    isRoot && spec.sudo === 'none' ? undefined : host.run(askSudo, signal),
  ]);
  const rooms = folders.flatMap(({ id }, index) => {
    const room = state.rooms[index];
    return room === undefined ? [] : [[id, room] as const];
  });
  return {
    ...{ spec, registry, survey, state, sudo, refusal, traces, ...programs },
    stores: await findHeld(programs.stores, { survey, registry }, host, signal),
    rooms: new Map(rooms),
    rates: new Map(
      devices.flatMap((device, index) => (rates[index] === undefined ? [] : [[device, rates[index]] as const])),
    ),
    ofStorages: ofStorages.flat(),
    unanswered,
    noRoom: lackOfRoom(survey, owner),
  };
}

async function gatherStores(
  host: RemoteHost,
  { mounts }: Survey,
  signal: AbortSignal,
): Promise<{ readonly stores: readonly PlacedStore[]; readonly sawPrograms: boolean }> {
  const { programs, isSeen } = await host.run(listPrograms, signal);
  const seen = storesOf(programs);
  const placed = seen.length === 0 ? [] : await host.run(placePaths(seen), signal);
  const stores = seen.flatMap((store, index): PlacedStore[] => {
    const place = placed[index];
    if (place === undefined) return [];
    return [{ ...store, onHost: pathOnHost(store, place, mounts), service: place.service }];
  });
  return { stores, sawPrograms: isSeen };
}

/** Each volume for itself; where that would do and all together would not, all together. */
function lackOfRoom({ storages, volumes }: Survey, owner: OwnerId): readonly StillpointError[] {
  const identity = { run: newRunId(), owner };
  return storages.flatMap((storage) => {
    const own = volumes.filter(
      (each) =>
        each.volume.snapshot.possible &&
        each.volume.snapshot.provider === storage.provider.kind &&
        placeOfVolume(each) !== undefined,
    );
    const tried = (some: typeof own): readonly StillpointError[] => {
      try {
        storage.plan(some, identity);
        return [];
      } catch (error) {
        if (isStillpointError(error, 'snapshot.no-room')) return [error];
        throw error;
      }
    };
    const single = own.flatMap((one) => tried([one]));
    return single.length > 0 || own.length === 0 ? single : tried(own);
  });
}
