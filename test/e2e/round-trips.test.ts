/**
 * What a backup that has nothing to do asks of its host: each thing that is said is a round trip on a long line, and each
 * shell is a channel and a login. More of them than here are wanted only for a reason.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../shared/base/clock.ts';
import { silentLogger } from '../../shared/base/log.ts';
import { connectHost } from '../../shared/remote/connect-host.ts';
import { type BackupOrder, backUpHere, makeRepository } from '../support/backing-up.ts';
import { mountFilesystem } from '../support/loop-filesystem.ts';
import { needing, whyNoProgram } from '../support/needing.ts';
import { type WatchedShells, watchShells } from '../support/remote/watched-shells.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const signal = AbortSignal.timeout(120_000);

/** Of the second of two backups, for each connection that it opened. */
async function secondBackup(
  order: Pick<BackupOrder, 'paths' | 'withoutSnapshot'>,
  folder: string,
): Promise<readonly WatchedShells[]> {
  const repository = join(folder, 'repository');
  await makeRepository(repository);
  // What was changed in the second of the first backup is read once more.
  await wait(3_000);
  let lines: WatchedShells[] = [];
  for (const name of ['first', 'second']) {
    lines = [];
    const workFolder = join(folder, name);
    await mkdir(workFolder);
    const openHost = async (opening: AbortSignal) => {
      const line = watchShells();
      lines.push(line);
      const ports = { prompter: undefined, logger: silentLogger, clock: systemClock, agentSocket: undefined };
      const own = { ...ports, homeFolder: tmpdir(), wrapTransport: () => line };
      return await connectHost({ name: 'here', ssh: undefined, sudo: 'none' }, own, opening);
    };
    const { error } = await backUpHere({ ...order, repository, workFolder, openHost }, signal);
    expect(error).toBeUndefined();
  }
  return lines;
}

const saidOn = (line: WatchedShells | undefined): readonly string[] => line?.said.flat() ?? [];
const scripts = (line: WatchedShells | undefined): readonly string[] =>
  saidOn(line)
    .filter((said) => said !== 'greeting')
    .toSorted();
const greetings = (line: WatchedShells | undefined): number =>
  saidOn(line).filter((said) => said === 'greeting').length;

/** Each look at a host asks these side by side. */
const LOOKS = [
  ...['identify-host', 'list-block-devices', 'list-datasets', 'list-logical-volumes', 'list-volume-groups'],
  ...['measure-mounts', 'read-lvm-limits', 'read-mounts', 'resolve-paths'],
];

describe('round trips', needing(process.getuid?.() === 0 ? undefined : 'only root can make snapshots'), () => {
  test('of what is read live', async () => {
    await using folder = await temporaryFolder();
    const data = join(folder.path, 'data');
    await mkdir(data);
    await writeFile(join(data, 'note'), 'the same\n');
    const [line, ...others] = await secondBackup({ paths: [data], withoutSnapshot: 'read-live' }, folder.path);
    expect(others).toEqual([]);
    // What is live is looked at twice, and the clock around it.
    const looks = ['read-clock', 'list-tree', 'read-clock', 'read-clock', 'list-tree', 'list-ancestors'];
    // Where this machine has a Btrfs.
    expect(scripts(line).filter((name) => name !== 'list-subvolumes')).toEqual(
      [...LOOKS, ...looks, 'ask-rights', 'identify-account', 'sweep-host'].toSorted(),
    );
    expect(line?.said.length).toBeLessThanOrEqual(9);
    expect(greetings(line)).toBeLessThanOrEqual(12);
  });

  test('of a snapshot', needing(whyNoProgram('mkfs.btrfs')), async () => {
    await using folder = await temporaryFolder();
    await using disk = await mountFilesystem('btrfs', folder.path, 256 * 1024 ** 2);
    const data = join(disk.path, 'data');
    execFileSync('btrfs', ['subvolume', 'create', data]);
    await writeFile(join(data, 'note'), 'the same\n');
    const [line, lease, ...others] = await secondBackup({ paths: [data], withoutSnapshot: 'refuse' }, folder.path);
    expect(others).toEqual([]);
    expect(scripts(line)).toEqual(
      [...LOOKS, 'list-subvolumes', 'identify-account', 'sweep-host', 'take-snapshots', 'mount-snapshots']
        .concat(['list-ancestors', 'list-tree', 'observe-snapshots'])
        .toSorted(),
    );
    // One that has not answered for a second is greeted again.
    const withoutMore = saidOn(lease).filter((said, at, all) => said !== 'greeting' || all[at + 1] !== 'arm-lease');
    expect(withoutMore).toEqual([
      ...['greeting', 'identify-account', 'arm-lease'],
      ...['greeting', 'renew-lease', 'release-lease'],
    ]);
    expect(line?.said.length).toBeLessThanOrEqual(9);
    expect(greetings(line)).toBeLessThanOrEqual(13);
  });
});
