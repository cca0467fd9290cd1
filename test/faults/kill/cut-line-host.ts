/** A host with a Btrfs, and a real sshd of it behind a line that can be cut. Its name in the SSH configuration is "cut". */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CuttableProxy, startCuttableProxy } from '../../lab/cuttable-proxy.ts';
import { startLocalSshd } from '../../lab/local-sshd.ts';
import { writeSshConfig } from '../../lab/open-ssh.ts';
import { type BtrfsHost, type Shape, startBtrfsHost } from '../../support/snapshot/btrfs-host.ts';

/** Many small files, one large one, one with hundreds of holes and one that is a single hole. */
const FILES = `mkdir @files/small @files/deep
head -c 6000000 /dev/urandom > @files/deep/pool
i=0; while [ $i -lt 1500 ]; do
  tail -c +$((i * 3000)) @files/deep/pool | head -c $((i * 7 % 5000)) > @files/small/$i; i=$((i + 1))
done 2>/dev/null
head -c 24000000 /dev/urandom > @files/large
i=0; while [ $i -lt 300 ]; do
  dd if=@files/deep/pool of=@files/holes bs=8192 skip=$i seek=$((i * 8)) count=1 conv=notrunc status=none; i=$((i + 1))
done; truncate -s 20000000 @files/holes
truncate -s 40000000 @files/zeros`;

const setup = (files: string): string => `cd /mnt; btrfs -q subvolume create @files
${files}
cd /; mkdir /run/files /run/sshd; mount -o subvol=@files $disk /run/files; sync`;

export interface CutLine extends AsyncDisposable {
  readonly world: BtrfsHost;
  readonly proxy: CuttableProxy;
  readonly sshConfigFile: string;
}

/**
 * What is to be saved is at /run/files.
 *
 * @param files the script that makes it in @files
 */
export async function startCutLine(files = FILES, shape?: Shape): Promise<CutLine> {
  await using made = new AsyncDisposableStack();
  const world = made.use(await startBtrfsHost(setup(files), shape));
  const sshd = made.use(await startLocalSshd({}, AbortSignal.timeout(60_000)));
  const server = ['/usr/sbin/sshd', '-i', '-f', join(sshd.directory, 'sshd_config'), '-E', sshd.logFile];
  const proxy = made.use(await startCuttableProxy(['nsenter', ...world.enter, '--', ...server]));
  const [key = ''] = sshd.hostPublicKeys;
  const knownHosts = join(sshd.directory, 'known_hosts_cut');
  await writeFile(knownHosts, `[127.0.0.1]:${proxy.port} ${key}\n`);
  const options = {
    ...{ HostName: '127.0.0.1', Port: String(proxy.port), User: 'root', IdentityFile: sshd.identityFile },
    ...{ IdentitiesOnly: 'yes', UserKnownHostsFile: knownHosts },
  };
  const sshConfigFile = join(sshd.directory, 'cut');
  await writeSshConfig(sshConfigFile, [{ name: 'cut', options }]);
  const kept = made.move();
  return { world, proxy, sshConfigFile, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
