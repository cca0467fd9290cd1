/** LVM on the kernel of the guest with ZFS, which is another one than the usual guest has. Run it with: npm run test:zfs */
import { providerContract } from '../contract/provider.ts';
import { reasonLabCannotRun } from '../lab/requirements.ts';
import { zfsGuest } from '../lab/zfs/zfs-guest.ts';
import { lvmFixture, lvmThinFixture } from '../support/snapshot/provider-fixtures.ts';

const noLab = await reasonLabCannotRun();

// What is killed is killed on the other kernel; here it is asked what another device-mapper says and does.
providerContract('lvm-thick on another kernel', noLab, () => lvmFixture(zfsGuest), 'what is read');
providerContract('lvm-thin on another kernel', noLab, lvmThinFixture('xfs', zfsGuest), 'what is read');
