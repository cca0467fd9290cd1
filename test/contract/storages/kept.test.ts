import { reasonLabCannotRun } from '../../lab/requirements.ts';
import { whyNoBtrfsHost } from '../../support/snapshot/btrfs-host.ts';
import { keptCopies, keptSubvolumes, keptThick, keptThin } from '../../support/snapshot/kept-fixtures.ts';
import { whyNoNamespaceHost } from '../../support/snapshot/namespace-host.ts';
import { keptContract } from '../kept.ts';

keptContract('copies of folders', await whyNoNamespaceHost(), keptCopies);
keptContract('Btrfs', await whyNoBtrfsHost(), keptSubvolumes);
const whyNoLab = await reasonLabCannotRun();
keptContract('LVM, thick', whyNoLab, keptThick);
keptContract('LVM, thin', whyNoLab, keptThin);
