import { reasonLabCannotRun } from '../lab/requirements.ts';
import { whyNoNamespaceHost } from '../support/snapshot/namespace-host.ts';
import { folderCopyFixture, lvmFixture, lvmThinFixture } from '../support/snapshot/provider-fixtures.ts';
import { providerContract } from './provider.ts';

const noLab = await reasonLabCannotRun();

providerContract('folder-copy', await whyNoNamespaceHost(), folderCopyFixture);
providerContract('lvm-thick', noLab, lvmFixture);
// What mounts, looks and removes is killed with the thick ones; what is the watchman's does not depend on the file system.
providerContract('lvm-thin', noLab, lvmThinFixture('ext4'), 'killed while it is made');
providerContract('lvm-thin, with XFS', noLab, lvmThinFixture('xfs'), 'what is read');
