/** The layout of a host: asked by real shells of programs on paper, and read strictly. */
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { never } from '../../../../shared/base/cancel.ts';
import { StillpointError } from '../../../../shared/base/errors.ts';
import { gatherLayout, type Layout, layoutParts, MOST_BYTES } from '../../../../shared/pipeline/layout/gather.ts';
import { readLayout } from '../../../../shared/pipeline/layout/read-layout.ts';
import { readMe } from '../../../../shared/pipeline/layout/read-me.ts';
import type { RemoteHost } from '../../../../shared/remote/remote-host.ts';
import type { LayoutPart } from '../../../../shared/snapshot/layout-part.ts';
import { REGISTRY } from '../../../../shared/snapshot/registry.ts';
import { hasShell, SHELLS, type Shell } from '../../../support/snapshot/paper-lvm.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { parsed } from '../../snapshot/fixtures.ts';

const TOOLS = ['cat', 'cut', 'env', 'grep', 'head', 'mktemp', 'rm', 'sed', 'sh', 'timeout', 'tr', 'uname', 'wc'];

interface PaperPrograms {
  readonly bin: string;
  readonly tmp: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A folder of programs: the shell's own tools, and those that the test writes. */
async function programs(written: Readonly<Record<string, string>>, shell: Shell): Promise<PaperPrograms> {
  const folder = await temporaryFolder();
  const [bin, tmp] = [join(folder.path, 'bin'), join(folder.path, 'tmp')];
  await mkdir(bin);
  await mkdir(tmp);
  for (const tool of TOOLS) {
    if (shell === 'busybox') await symlink('/usr/bin/busybox', join(bin, tool));
    else await symlink(`/usr/bin/${tool}`, join(bin, tool));
  }
  for (const [name, script] of Object.entries(written))
    await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return { bin, tmp, [Symbol.asyncDispose]: async () => await folder[Symbol.asyncDispose]() };
}

async function gather(shell: Shell, { bin, tmp }: PaperPrograms, parts: readonly LayoutPart[]): Promise<Layout> {
  const command = gatherLayout(parts);
  const args = shell === 'busybox' ? ['busybox', 'sh', '-s'] : [shell, '-s'];
  const { stdout } = await execa(`/usr/bin/${args[0]}`, args.slice(1), {
    input: `body() {\n${command.script}\n}\n( body )\n`,
    encoding: 'buffer',
    env: { PATH: bin, TMPDIR: tmp, LC_ALL: 'C' },
    extendEnv: false,
    stripFinalNewline: false,
  });
  const { stdout: left } = await execa('ls', ['-A', tmp]);
  expect(left, 'nothing is left on the host').toBe('');
  return parsed(command, Buffer.from(stdout));
}

const texts = ({ files }: Layout): Record<string, string> =>
  Object.fromEntries(files.map(({ name, content }) => [name, content.toString('latin1')]));
const part = (script: string): LayoutPart => ({ script, files: [] });

describe.each(SHELLS.filter(hasShell))('asked by %s', (shell) => {
  test('what a program prints is kept as it is, and what fails is named', async () => {
    await using paper = await programs(
      {
        good: String.raw`printf 'a\000b\377'`,
        silent: ':',
        bad: 'echo half; echo "no such disk" >&2; exit 3',
        huge: `head -c ${MOST_BYTES + 10} /dev/zero`,
      },
      shell,
    );
    const layout = await gather(shell, paper, [
      part('sp_file one good; sp_file d/two silent; sp_file three bad; sp_file four absent -x'),
      part('sp_file five huge; exit 7'),
      part('sp_missing six "a sixth thing"; sp_file "a b" good; sp_file ../x good'),
      part('grep -q x /nonexistent || exit 0'),
      part('sp_file last good'),
    ]);
    expect(texts(layout)).toEqual({ one: 'a\0b\u00ff', 'd/two': '', last: 'a\0b\u00ff' });
    expect(layout.losses).toEqual([
      { name: 'three', reason: 'its program ended with 3: no such disk' },
      { name: 'four', reason: 'the host does not have absent' },
      { name: 'five', reason: `it has more than ${MOST_BYTES} bytes` },
      { name: 'six', reason: 'the host does not have a sixth thing' },
      { name: 'a b', reason: 'its name cannot be that of a file' },
      { name: '../x', reason: 'its name cannot be that of a file' },
    ]);
  });

  test('the parts of the product ask what is there, and leave the rest', async () => {
    await using paper = await programs(
      {
        lsblk: 'echo "lsblk $*"',
        blkid: 'case $* in *crypto_LUKS*) echo /dev/mapper/a; echo /dev/sdb3 ;; -V) ;; *) echo "blkid $*" ;; esac',
        cryptsetup: 'echo "cryptsetup $*"',
        findmnt: 'echo "findmnt $*"',
        'dpkg-query': 'echo "ii a 1"',
        vgs: 'case $* in *" vg_name") echo one; echo two ;; *) echo "vgs $*" ;; esac',
        pvs: 'echo "pvs $*"',
        lvs: 'echo "lvs $*"; [ ! -e /nonexistent ]',
        vgcfgbackup:
          'echo "said beside it"; echo "backup of $3" > "$2"; [ "$3" = one ] || { echo locked >&2; exit 5; }',
      },
      shell,
    );
    const layout = await gather(shell, paper, layoutParts(REGISTRY));
    const found = texts(layout);
    expect(found).toMatchObject({
      'blkid.txt': 'blkid -c /dev/null\n',
      'luks/mapper_a.txt': 'cryptsetup luksDump /dev/mapper/a\n',
      'luks/sdb3.txt': 'cryptsetup luksDump /dev/sdb3\n',
      'packages/dpkg.txt': 'ii a 1\n',
      'lvm/one.vgcfg': 'backup of one\n',
      'system.txt': expect.stringContaining('kernel: Linux') as string,
      'boot.txt': expect.stringMatching(/^firmware: /) as string,
    });
    expect(Object.keys(found)).not.toContain('packages/rpm.txt');
    expect(layout.losses).toContainEqual({
      name: 'lvm/two.vgcfg',
      reason: 'its program ended with 5: said beside it locked',
    });
  });
});

describe('an answer', () => {
  const command = gatherLayout([]);
  const read = (text: string): Layout => parsed(command, text);

  test('that is cut, or has no size, is none', () => {
    expect(texts(read('a\x000\x003\x00\x00abcb\x000\x001\x00\x00x'))).toEqual({ a: 'abc', b: 'x' });
    for (const wrong of [
      'a',
      'a\x000\x003\x00',
      'a\x000\x003\x00\x00ab',
      'a\x000\x00-3\x00\x00abc',
      'a\x000\x00x\x00\x00',
    ])
      expect(() => read(wrong), wrong).toThrow('cannot be understood');
  });

  test('of more files than anybody needs is bounded', () => {
    const many = Array.from({ length: 1002 }, (_, index) => `f${index}\x000\x001\x00\x00x`).join('');
    const { files, losses } = read(many);
    expect([files.length, losses.length]).toEqual([1000, 2]);
  });
});

describe('the text that explains the files', () => {
  const parts = layoutParts(REGISTRY);
  const file = (name: string) => ({ name, content: Buffer.from('x') });

  test('names each file that is there with what it is, the steps of storages that are there, and what is lost', () => {
    const text = readMe(
      {
        files: [file('disks/sda.sfdisk'), file('lvm/vg0.vgcfg'), file('etc/fstab')],
        losses: [{ name: 'a', reason: 'b' }],
      },
      parts,
    );
    expect(text).toMatch(/disks\/sda\.sfdisk +the partition table/);
    expect(text).toMatch(/vgcfgrestore -f/);
    expect(text).toMatch(/What could not be had:\n\n {2}a: b\n/);
    expect(text).not.toMatch(/zpool create|mkfs\.btrfs/);
    expect(readMe({ files: [], losses: [] }, parts)).not.toContain('What could not be had');
  });

  test('comes first, and does not hide what a host calls so', async () => {
    const host = { run: async () => ({ files: [file('README.txt'), file('a')], losses: [] }) } as unknown as RemoteHost;
    const { files } = await readLayout(host, REGISTRY, never);
    expect(files.map(({ name }) => name)).toEqual(['README.txt', 'a']);
    expect(files[0]?.content.toString()).toMatch(/^This folder is no folder of the host/);
  });

  test('tells that a host did not answer in time; any other failure is one', async () => {
    const failing = (code: 'remote.deadline' | 'ssh.connection-lost'): RemoteHost =>
      ({
        run: async () => {
          throw new StillpointError(code, 'It failed.', { advice: '', cause: undefined });
        },
      }) as unknown as RemoteHost;
    const layout = await readLayout(failing('remote.deadline'), REGISTRY, never);
    expect(layout.files[0]?.content.toString()).toContain('the host did not tell in time');
    await expect(readLayout(failing('ssh.connection-lost'), REGISTRY, never)).rejects.toThrow('It failed');
  });
});
