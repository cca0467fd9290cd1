/** A host on paper for the advisor: the guest of the fixtures, and whatever a test says beside it. */

import type { Mount } from '../../../../shared/domain/host.ts';
import { hostName } from '../../../../shared/domain/names.ts';
import type { HostFacts, PlacedStore } from '../../../../shared/pipeline/advise/facts.ts';
import { detectVolumes } from '../../../../shared/snapshot/detect.ts';
import type { HostIdentity } from '../../../../shared/snapshot/identify-host.ts';
import { REGISTRY } from '../../../../shared/snapshot/registry.ts';
import { aMount, guestStorage, guestThinStorage } from '../../snapshot/fixtures.ts';

const identity: HostIdentity = {
  ...{ isRoot: true, system: 'Linux', bootId: 'b', uptimeSeconds: 1000, wallClock: { earliestMs: 0, latestMs: 1 } },
  ...{ missing: [], gnuTar: true, gnuFind: true, users: new Map(), groups: new Map() },
};

const ROOT: Mount = aMount('/', { id: 1, parentId: 0, device: '8:1' });

export function factsOf(
  mounts: readonly Mount[],
  more: Partial<Omit<HostFacts, 'survey'>> & {
    readonly identity?: Partial<HostIdentity>;
    readonly skewMs?: number;
  } = {},
): HostFacts {
  const { identity: given = {}, skewMs = 0, ...facts } = more;
  const storages = [guestStorage(), guestThinStorage()];
  const all = [ROOT, ...mounts];
  const volumes = detectVolumes(all, new Map(), storages);
  return {
    spec: {
      ...{ name: hostName('db1'), ssh: 'db1', sshConfigFile: undefined, sudo: 'none' },
      ...{ leaseSeconds: 1800, maxClockSkewSeconds: 86_400 },
    },
    registry: REGISTRY,
    survey: {
      ...{
        identity: { ...identity, ...given },
        asked: { earliestMs: 0, latestMs: 1 },
        mounts: all,
        devices: new Map(),
      },
      ...{ clockSkew: { leastMs: skewMs, mostMs: skewMs }, storages, volumes },
    },
    state: { rooms: [], errors: new Map(), degraded: new Map(), fstab: [], swapFiles: [] },
    ...{
      rooms: new Map(),
      rates: new Map(),
      stores: [],
      sawPrograms: true,
      ofStorages: [],
      noRoom: [],
      unanswered: [],
    },
    ...{ sudo: undefined, refusal: undefined, traces: { removed: [], kept: [] } },
    ...facts,
  };
}

export const aStore = (facts: Partial<PlacedStore> & { readonly path: Buffer }): PlacedStore => ({
  ...{ pid: '7', what: 'MariaDB or MySQL', dump: 'mariadb-dump', isFile: false, service: 'mariadb' },
  onHost: facts.path,
  ...facts,
});
