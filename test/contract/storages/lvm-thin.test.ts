import { reasonLabCannotRun } from '../../lab/requirements.ts';
import { lvmThinFixture } from '../../support/snapshot/provider-fixtures.ts';
import { providerContract } from '../provider.ts';

const noLab = await reasonLabCannotRun();

// What looks at a snapshot is killed with the thick ones; what is the watchman's does not depend on the file system.
providerContract('lvm-thin', noLab, lvmThinFixture('ext4'), 'killed while it is made');
providerContract('lvm-thin, with XFS', noLab, lvmThinFixture('xfs'), 'what is read');
