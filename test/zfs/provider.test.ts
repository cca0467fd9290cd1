/** ZFS against the contract of providers, in a guest of its own. Run it with: npm run test:zfs */
import { providerContract } from '../contract/provider.ts';
import { reasonLabCannotRun } from '../lab/requirements.ts';
import { zfsFixture } from '../support/snapshot/zfs-host.ts';

providerContract('zfs', await reasonLabCannotRun(), zfsFixture);
