/** A plan of a new volume, for tests of shells. */
import { hostName } from '../../shared/domain/names.ts';
import type { NewVolumePlan } from '../../shared/domain/new-volume.ts';
import { planIdOf } from '../../shared/domain/plan-id.ts';

const MIB = 1024 * 1024;

export const sampleVolumePlan: NewVolumePlan = {
  kind: 'prepare',
  id: planIdOf({ sample: 'volume' }),
  basis: 'the device or the group',
  host: hostName('db1'),
  device: { path: '/dev/sdb', number: '8:16', sizeBytes: 10_240 * MIB, says: 'QEMU HARDDISK QM00003' },
  group: 'data',
  groupBytes: 10_236 * MIB,
  freeBytes: 2_048 * MIB,
  volume: { path: '/dev/data/files', fileSystem: 'xfs', sizeBytes: 8_188 * MIB },
  steps: [
    {
      does: [
        'pvcreate /dev/sdb',
        'vgcreate -s 4m data /dev/sdb',
        'lvcreate -n files -l 2047 data',
        'mkfs.xfs -q /dev/data/files',
      ],
    },
  ],
  risks: ['Whether another machine uses the same disk, over a storage network, cannot be seen from the host.'],
  rollback: 'Until something lies on it, "lvremove", "vgremove" and "pvremove" take it back.',
};
