import { reasonLabCannotRun } from '../../lab/requirements.ts';
import { lvmFixture } from '../../support/snapshot/provider-fixtures.ts';
import { providerContract } from '../provider.ts';

providerContract('lvm-thick', await reasonLabCannotRun(), lvmFixture);
