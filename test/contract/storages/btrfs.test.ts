import { btrfsFixture, whyNoBtrfsHost } from '../../support/snapshot/btrfs-host.ts';
import { providerContract } from '../provider.ts';

providerContract('btrfs', await whyNoBtrfsHost(), btrfsFixture);
