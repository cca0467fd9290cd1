/** Every shell script of the room is read by the three shells that a host's /bin/sh may be, without being run. */
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { ownerId, runId } from '../../../shared/domain/names.ts';
import { packFiles } from '../../../shared/pipeline/backup/content-stream.ts';
import { listAncestors, listTree } from '../../../shared/pipeline/backup/listing.ts';
import { resolvePaths } from '../../../shared/pipeline/backup/paths.ts';
import type { RemoteScript } from '../../../shared/remote/command.ts';
import { takeSnapshots } from '../../../shared/snapshot/critical-section.ts';
import { endHolds } from '../../../shared/snapshot/holds.ts';
import { armLease, releaseLease, renewLease, sweepHost } from '../../../shared/snapshot/host/commands.ts';
import { identifyHost } from '../../../shared/snapshot/identify-host.ts';
import { lvmItem } from '../../../shared/snapshot/lvm/item.ts';
import { listLogicalVolumes, listVolumeGroups } from '../../../shared/snapshot/lvm/list.ts';
import { measureMounts } from '../../../shared/snapshot/measure.ts';
import { readMounts } from '../../../shared/snapshot/mountinfo.ts';
import { mountSnapshots, observeSnapshots } from '../../../shared/snapshot/mounting.ts';
import { neededPrograms } from '../../../shared/snapshot/programs.ts';
import type { DetectedVolume } from '../../../shared/snapshot/provider.ts';
import { createRegistry, REGISTRY } from '../../../shared/snapshot/registry.ts';
import { flagFile } from '../../support/quiesce/flag-file.ts';
import { folderCopy } from '../../support/snapshot/folder-copy.ts';
import { hasShell, SHELLS } from '../../support/snapshot/paper-lvm.ts';

const run = runId('0123abcd');
const owner = ownerId('00112233aabb');
const hook = flagFile({ path: '/a' }, { path: '/b', holds: 'until-read' });
const registry = createRegistry([...REGISTRY.providers, folderCopy], [hook]);
const { scripts } = registry;
const identity = { run, owner };
const volume = { volume: { id: 'a', label: '/a', mountpoints: ['/a'] }, mounts: [] } as unknown as DetectedVolume;
const order = {
  ...{ group: 'vg0', origin: 'a', name: 'sp', fsType: 'ext4' },
  ...{ extents: 2, leastExtents: 1, reserveExtents: 1, extentBytes: 1 },
};
const copies = (await folderCopy.survey(undefined as never, undefined as never, never)).plan([volume], identity);
const items = [lvmItem({ identity, planned: {} as never, volume, order }), ...copies.items];
const holds = hook.plan({} as never, run);
const commands: readonly RemoteScript[] = [
  armLease(scripts, { run, owner, leaseSeconds: 60, mounts: 1, holds: 1 }),
  renewLease(run, 60),
  releaseLease(scripts, run, owner),
  sweepHost(scripts, owner),
  takeSnapshots({ run, owner, holds, creates: items.map(({ create }) => create) }, scripts),
  takeSnapshots({ run, owner, holds: [], creates: [] }, REGISTRY.scripts),
  mountSnapshots(run, items, scripts),
  observeSnapshots(run, items, scripts),
  endHolds({ run, owner, holds }, scripts),
  identifyHost(neededPrograms(registry)),
  readMounts,
  measureMounts([]),
  listLogicalVolumes,
  listVolumeGroups,
  listTree(run, Buffer.from('/')),
  listAncestors([]),
  packFiles(run, Buffer.from('/')),
  resolvePaths([]),
  { name: 'watch', script: scripts.watch, args: [], needs: 'root' },
];

describe.each(SHELLS)('%s reads the script', (shell) => {
  test.for(commands)('$name', async ({ script }, { skip }) => {
    if (!hasShell(shell)) skip(`there is no ${shell} here`);
    const [program, first] = shell === 'busybox' ? ['busybox', ['sh']] : [shell, shell === 'bash' ? ['--posix'] : []];
    const wrapped = `body() {\n${script}\n}\n`;
    const result = await execa(program, [...first, '-n'], { input: wrapped, reject: false });
    expect({ code: result.exitCode, stderr: result.stderr }).toEqual({ code: 0, stderr: '' });
  });
});
