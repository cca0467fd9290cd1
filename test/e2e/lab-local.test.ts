import { existsSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { mountBtrfs } from '../lab/btrfs-loop.ts';
import { startLocalSshd } from '../lab/local-sshd.ts';
import { mountTmpfs } from '../lab/tmpfs.ts';
import { needing, whyNotRoot } from '../support/needing.ts';

const whyNot = whyNotRoot('a private sshd and mounts');

describe('the private sshd', needing(whyNot), () => {
  it('lets root in with its own key and is gone after disposal', async ({ signal }) => {
    const sshd = await startLocalSshd({}, signal);
    try {
      const answer = await sshd.run('id -u; echo "$SSH_CONNECTION"', { signal });
      expect(answer.stdout).toMatch(/^0\n127\.0\.0\.1 \d+ 127\.0\.0\.1 \d+\n$/);
    } finally {
      await sshd[Symbol.asyncDispose]();
    }
    expect(existsSync(sshd.directory)).toBe(false);
    expect((await execa('nc', ['-z', '127.0.0.1', String(sshd.port)], { reject: false })).exitCode).toBe(1);
  });

  it('offers the host keys and the settings it was given', async ({ signal }) => {
    await using sshd = await startLocalSshd(
      { hostKeys: ['ed25519', 'rsa'], configLines: ['Ciphers aes256-gcm@openssh.com'] },
      signal,
    );
    expect(sshd.hostPublicKeys.map((key) => key.split(' ')[0])).toEqual(['ssh-ed25519', 'ssh-rsa']);
    const other = await execa(
      'ssh',
      ['-F', sshd.sshConfigFile, '-o', 'Ciphers=aes128-ctr', '-o', 'BatchMode=yes', sshd.alias, 'true'],
      { reject: false },
    );
    expect(other.stderr).toContain('no matching cipher found');
  });

  it('looks like a replaced host after a restart with fresh keys', async ({ signal }) => {
    await using sshd = await startLocalSshd({}, signal);
    const [oldKey] = sshd.hostPublicKeys;
    await sshd.restart({ freshHostKeys: true }, signal);
    expect(sshd.hostPublicKeys[0]).not.toBe(oldKey);
    expect((await sshd.run('true', { signal })).stderr).toContain('HOST IDENTIFICATION HAS CHANGED');
  });

  it('takes its sessions along when it is killed', async ({ signal }) => {
    await using sshd = await startLocalSshd({}, signal);
    const marker = join(sshd.directory, 'session');
    const session = sshd.run(`echo $$ >'${marker}'; exec sleep 300`, { signal });
    await expect.poll(() => existsSync(marker) && readFile(marker, 'utf8')).toMatch(/\d+\n/);
    const pid = Number(await readFile(marker, 'utf8'));
    await sshd.kill();
    expect((await session).code).toBe(255);
    await expect.poll(() => stateOf(pid)).toMatch(/^(?:gone|Z)$/);
  });
});

describe('the file systems of the lab', needing(whyNot), () => {
  it('mounts a real Btrfs that takes snapshots, and unmounts it', async ({ signal }) => {
    const btrfs = await mountBtrfs({ sizeBytes: 512 * 1024 ** 2 }, signal);
    try {
      await execa('btrfs', ['subvolume', 'create', join(btrfs.path, 'data')]);
      await writeFile(join(btrfs.path, 'data', 'file'), 'content');
      await execa('btrfs', ['subvolume', 'snapshot', '-r', join(btrfs.path, 'data'), join(btrfs.path, 'copy')]);
      expect(await readFile(join(btrfs.path, 'copy', 'file'), 'utf8')).toBe('content');
    } finally {
      await btrfs[Symbol.asyncDispose]();
    }
    expect(await readFile('/proc/self/mounts', 'utf8')).not.toContain(btrfs.path);
    expect((await execa('losetup', ['--list', '--noheadings'])).stdout).not.toContain(join(btrfs.path, '..'));
  });

  it('mounts a memory file system that is full at its size', async () => {
    await using small = await mountTmpfs({ sizeBytes: 1024 ** 2 });
    await writeFile(join(small.path, 'fits'), Buffer.alloc(512 * 1024));
    await expect(writeFile(join(small.path, 'does-not'), Buffer.alloc(1024 ** 2))).rejects.toThrow('ENOSPC');
  });
});

/** The state letter of a process; `Z` has ended and only waits for its parent to look. */
function stateOf(pid: number): string {
  try {
    return / \((?:.*)\) (\S)/.exec(readFileSync(`/proc/${String(pid)}/stat`, 'latin1'))?.[1] ?? '';
  } catch {
    return 'gone';
  }
}
