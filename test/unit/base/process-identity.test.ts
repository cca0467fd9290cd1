/** Who is dead and who is only out of sight, with real processes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { fateOf, identifyProcess, isAlive, type ProcessIdentity } from '../../../shared/base/process-identity.ts';
import { lookAtMachine, type ThisMachine } from '../../../shared/base/this-machine.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const YEAR_MS = 365 * 24 * 3600 * 1000;

async function startChild(): Promise<{ readonly child: ChildProcess; readonly identity: ProcessIdentity }> {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
  await once(child, 'spawn');
  const identity = await identifyProcess(child.pid);
  if (identity === undefined) throw new Error('not found');
  return { child, identity };
}

async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

describe('a process', () => {
  test('is recognised by its start, not by its number', async () => {
    const { child, identity } = await startChild();
    expect(await isAlive(identity, async () => YEAR_MS), 'the clock was set').toBe(true);
    expect(await fateOf(identity)).toBe('alive');
    expect(await fateOf({ ...identity, start: '1' }), 'another process of this number').toBe('ended');
    await end(child);
    expect(await fateOf(identity)).toBe('ended');
    expect(await isAlive(identity, async () => 0)).toBe(false);
  });

  test('that ended and was not collected is dead', async () => {
    // It ends after its parent has become a program that collects nothing; the shell might still collect it.
    const parent = spawn('sh', ['-c', 'sleep 1 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    await expect
      .poll(async () => (await execa('ps', ['-o', 'stat=', '-p', String(pid)])).stdout, { timeout: 20_000 })
      .toMatch(/^Z/);
    expect(await identifyProcess(pid)).toBeUndefined();
    await end(parent);
  });

  test.each<[what: string, change: Partial<ProcessIdentity>, fate: string]>([
    ['on another machine', { hostname: 'elsewhere' }, 'unknown'],
    ['on another machine with our host name', { boot: 'theirs', machine: 'theirs' }, 'unknown'],
    ['in another container of this machine', { namespace: 'pid:[1]' }, 'unknown'],
    ['that did not say in which boot', { boot: '' }, 'unknown'],
    ['of an earlier boot, where nothing tells the machine from others', { boot: 'theirs', machine: '' }, 'unknown'],
    ['of an earlier boot of this machine', { boot: 'before' }, 'restarted'],
  ])('%s', async (_what, change, fate) => {
    const here: ThisMachine = { hostname: 'db1', machine: 'adapters', boot: 'now', namespace: 'pid:[4026531836]' };
    const gone: ProcessIdentity = { pid: 2 ** 22 - 1, start: '1', ...here };
    expect(await fateOf(gone, here)).toBe('ended');
    expect(await fateOf({ ...gone, ...change }, here)).toBe(fate);
    if (fate === 'unknown') expect(await fateOf({ ...gone, ...change }, { ...here, machine: '', boot: '' })).toBe(fate);
  });

  test('of which nothing can be known lives as long as it gives signs of life', async () => {
    const { child, identity } = await startChild();
    await end(child);
    expect(await isAlive({ ...identity, hostname: 'elsewhere' }, async () => 60_000)).toBe(true);
    expect(await isAlive({ ...identity, hostname: 'elsewhere' }, async () => YEAR_MS)).toBe(false);
  });

  test('of another user that the system hides is not taken for dead', async ({ skip }) => {
    skip(process.getuid?.() !== 0, 'mounting /proc with hidepid and changing the user need root');
    const program = `
      import { fateOf, identifyProcess } from ${JSON.stringify(import.meta.resolve('../../../shared/base/process-identity.ts'))};
      const self = await identifyProcess();
      process.setgroups([]);
      process.setgid(65534);
      process.setuid(65534);
      const one = { ...self, pid: ${process.pid}, start: '1' };
      console.log((await identifyProcess(one.pid)) === undefined, await fateOf(one), await fateOf({ ...one, pid: 4194303 }));
    `;
    const inside = ['mount -t proc -o hidepid=2 proc /proc', `exec "$0" --input-type=module --eval "$1"`].join(' && ');
    const { stdout } = await execa('unshare', ['--mount', 'sh', '-c', inside, process.execPath, program]);
    expect(stdout).toBe('true unknown ended');
  });
});

describe('this machine', () => {
  async function machineWith(files: Readonly<Record<string, string>>): Promise<ThisMachine> {
    await using folder = await temporaryFolder();
    for (const [name, content] of Object.entries(files)) {
      const path = join(folder.path, name);
      await mkdir(dirname(path), { recursive: true });
      if (name.startsWith('proc/self/')) await symlink(content, path);
      else await writeFile(path, `${content}\n`);
    }
    return await lookAtMachine(folder.path);
  }
  const ID = { 'etc/machine-id': '3d1219c7c4c5404aaa1f6d2a48adfda4' };
  const adapter = (name: string, address: string, more: Readonly<Record<string, string>> = {}) =>
    Object.fromEntries(
      Object.entries({ address, addr_assign_type: '0', 'device/vendor': 'x', ...more }).map(([file, content]) => [
        `sys/class/net/${name}/${file}`,
        content,
      ]),
    );
  const ETH0 = adapter('eth0', '52:54:00:12:34:56');

  test('is the same with a network of software, a bond or a private radio address more', async () => {
    const { machine } = await machineWith({ ...ID, ...ETH0 });
    expect(machine).toMatch(/^[0-9a-f]{32}$/);
    const bridge = {
      'sys/class/net/docker0/address': '02:42:ac:11:00:02',
      'sys/class/net/docker0/addr_assign_type': '3',
    };
    const radio = adapter('wlan0', 'aa:aa:aa:aa:aa:aa', { 'phy80211/index': '0' });
    const dongle = adapter('usb0', 'ba:ba:ba:ba:ba:ba', { addr_assign_type: '1' });
    expect((await machineWith({ ...ID, ...ETH0, ...bridge, ...radio, ...dongle })).machine).toBe(machine);
    const bonded = adapter('eth0', 'ee:ee:ee:ee:ee:ee', {
      addr_assign_type: '3',
      'bonding_slave/perm_hwaddr': '52:54:00:12:34:56',
    });
    expect((await machineWith({ ...ID, ...bonded })).machine).toBe(machine);
  });

  test('is another one where its id or its adapters are others, and none where one of them is not said', async () => {
    const machines = await Promise.all([
      machineWith({ ...ID, ...ETH0 }),
      machineWith({ ...ID, ...adapter('eth0', '52:54:00:12:34:57') }),
      machineWith({ 'etc/machine-id': '0'.repeat(32), ...ETH0 }),
      machineWith({ ...ID, 'sys/class/ieee80211/phy0/macaddress': 'a0:a0:a0:a0:a0:a0' }),
    ]);
    expect(new Set(machines.map(({ machine }) => machine)).size).toBe(4);
    for (const files of [ID, ETH0, { 'etc/machine-id': 'uninitialized', ...ETH0 }])
      expect((await machineWith(files)).machine).toBe('');
  });

  test('says its boot and its namespaces where the system does', async () => {
    const { boot, namespace } = await machineWith({
      'proc/sys/kernel/random/boot_id': '5e4be1f4-731c-488b-8a34-24f8b1b211da',
      'proc/self/ns/pid': 'pid:[4026531836]',
    });
    expect([boot, namespace]).toEqual(['5e4be1f4-731c-488b-8a34-24f8b1b211da', 'pid:[4026531836]']);
    expect(await machineWith({})).toMatchObject({ machine: '', boot: '', namespace: '' });
  });
});
