import { reasonLabCannotRun } from '../lab/requirements.ts';
import { whyNoNamespaceHost } from '../support/snapshot/namespace-host.ts';
import { folderCopyFixture, lvmFixture } from '../support/snapshot/provider-fixtures.ts';
import { providerContract } from './provider.ts';

providerContract('folder-copy', await whyNoNamespaceHost(), folderCopyFixture);
providerContract('lvm-thick', await reasonLabCannotRun(), lvmFixture);
