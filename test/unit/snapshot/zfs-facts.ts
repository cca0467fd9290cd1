/** A pool of ZFS as a survey finds it, for tests that need none. */
import type { Mount } from '../../../shared/domain/host.ts';
import type { DatasetRecord } from '../../../shared/snapshot/zfs/records.ts';
import type { PoolFacts } from '../../../shared/snapshot/zfs/survey-command.ts';
import { aMount } from './fixtures.ts';

const GIB = 1024 ** 3;

export const aDataset = (name: string, more: Partial<DatasetRecord> = {}): DatasetRecord => ({
  ...{ name, guid: String(BigInt(`0x${Buffer.from(name).toString('hex')}`)), isMounted: true, canMount: 'on' },
  ...{ usedBytes: 40 * GIB, availableBytes: 60 * GIB, referencedBytes: 10 * GIB, quotaBytes: 0, refquotaBytes: 0 },
  isKeyMissing: false,
  ...more,
});

export const aPool = (
  datasets: readonly DatasetRecord[],
  more: Partial<PoolFacts> & { readonly places?: Readonly<Record<string, string>> } = {},
): PoolFacts => {
  const { places = {}, ...facts } = more;
  const byName = new Map(datasets.map((each) => [each.name, each]));
  return {
    ...{ name: 'tank', guid: '99', sizeBytes: 110 * GIB, freeBytes: 65 * GIB, health: 'ONLINE', isReadOnly: false },
    datasets: byName,
    mountpoints: new Map(Object.entries(places).map(([name, place]) => [byName.get(name)?.guid ?? '', place])),
    ...facts,
  };
};

let device = 40;

/** Each dataset has a device number of its own. */
export const mountOfDataset = (target: string, source: string, more: Partial<Mount> = {}): Mount => {
  device += 1;
  return aMount(target, { device: `0:${device}`, fsType: 'zfs', source: Buffer.from(source), ...more });
};
