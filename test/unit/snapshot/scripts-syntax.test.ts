/** Every shell script of the room is read by the three shells that a host's /bin/sh may be, without being run. */
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { ownerId, runId } from '../../../shared/domain/names.ts';
import { packFiles } from '../../../shared/pipeline/backup/content-stream.ts';
import { listAncestors, listTree } from '../../../shared/pipeline/backup/listing.ts';
import { resolvePaths } from '../../../shared/pipeline/backup/paths.ts';
import type { RemoteScript } from '../../../shared/remote/command.ts';
import { identifyHost } from '../../../shared/snapshot/identify-host.ts';
import { armLease, releaseLease, renewLease, sweepHost } from '../../../shared/snapshot/lease/commands.ts';
import { WATCH } from '../../../shared/snapshot/lease/scripts.ts';
import { createSnapshots } from '../../../shared/snapshot/lvm/create.ts';
import { observeSnapshot } from '../../../shared/snapshot/lvm/end-check.ts';
import { listLogicalVolumes, listVolumeGroups } from '../../../shared/snapshot/lvm/list.ts';
import { mountSnapshot } from '../../../shared/snapshot/lvm/mount.ts';
import { measureMounts } from '../../../shared/snapshot/measure.ts';
import { readMounts } from '../../../shared/snapshot/mountinfo.ts';
import { NEEDED_PROGRAMS } from '../../../shared/snapshot/programs.ts';
import { hasShell, SHELLS } from '../../support/snapshot/paper-lvm.ts';

const run = runId('0123abcd');
const owner = ownerId('00112233aabb');
const mounted = { path: '/run/x', mountLine: '', table: '', rootInode: '2' };
const scripts: readonly RemoteScript[] = [
  armLease({ run, owner, leaseSeconds: 60, mounts: 1 }),
  renewLease(run, 60),
  releaseLease(run, owner),
  sweepHost(owner),
  createSnapshots(run, owner, []),
  mountSnapshot(run, { index: 0, group: 'vg0', snapshot: 'sp', fsType: 'ext4' }),
  observeSnapshot(run, { group: 'vg0', name: 'sp', uuid: '', bootId: '', mounted }),
  identifyHost(NEEDED_PROGRAMS),
  readMounts,
  measureMounts([]),
  listLogicalVolumes,
  listVolumeGroups,
  listTree(run, Buffer.from('/')),
  listAncestors([]),
  packFiles(run, Buffer.from('/')),
  resolvePaths([]),
  { name: 'watch', script: WATCH, args: [], needs: 'root' },
];

describe.each(SHELLS)('%s reads the script', (shell) => {
  test.for(scripts)('$name', async ({ script }, { skip }) => {
    if (!hasShell(shell)) skip(`there is no ${shell} here`);
    const [program, first] = shell === 'busybox' ? ['busybox', ['sh']] : [shell, shell === 'bash' ? ['--posix'] : []];
    const wrapped = `body() {\n${script}\n}\n`;
    const result = await execa(program, [...first, '-n'], { input: wrapped, reject: false });
    expect({ code: result.exitCode, stderr: result.stderr }).toEqual({ code: 0, stderr: '' });
  });
});
