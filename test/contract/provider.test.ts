import { reasonLabCannotRun } from '../lab/requirements.ts';
import { btrfsFixture, whyNoBtrfsHost } from '../support/snapshot/btrfs-host.ts';
import { whyNoNamespaceHost } from '../support/snapshot/namespace-host.ts';
import { folderCopyFixture, lvmFixture } from '../support/snapshot/provider-fixtures.ts';
import { providerContract } from './provider.ts';

providerContract('folder-copy', await whyNoNamespaceHost(), folderCopyFixture);
providerContract('btrfs', await whyNoBtrfsHost(), btrfsFixture);
providerContract('lvm-thick', await reasonLabCannotRun(), lvmFixture);
