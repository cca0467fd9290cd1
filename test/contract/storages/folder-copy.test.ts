import { whyNoNamespaceHost } from '../../support/snapshot/namespace-host.ts';
import { folderCopyFixture } from '../../support/snapshot/provider-fixtures.ts';
import { providerContract } from '../provider.ts';

providerContract('folder-copy', await whyNoNamespaceHost(), folderCopyFixture);
