import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Guest } from '../lab/guest.ts';
import { startGuest } from '../lab/guest.ts';
import { readLiveBlocks } from '../lab/live-blocks.ts';
import { committedBefore, liveFolder, ordersCheck, startedBefore, startWriter } from '../lab/living-writer.ts';
import { printedProgress } from '../lab/progress.ts';
import { reasonLabCannotRun } from '../lab/requirements.ts';
import { needing } from '../support/needing.ts';
import { processesNaming } from '../support/processes-naming.ts';

const obstacle = await reasonLabCannotRun();

describe('a guest of the lab', needing(obstacle), () => {
  let guest: Guest;

  beforeAll(async () => {
    guest = await startGuest(
      { progress: printedProgress((line) => console.log(`lab: ${line}`)) },
      AbortSignal.timeout(290_000),
    );
  }, 300_000);

  afterAll(async () => {
    await guest?.[Symbol.asyncDispose]();
  });

  it('has a volume group with room for snapshots, a thin pool, and file systems mounted from it', async ({
    signal,
  }) => {
    const free = await guest.must('vgs --noheadings --units b --nosuffix -o vg_free vg0', { signal });
    expect(Number(free)).toBeGreaterThan(1.5 * 1024 ** 3);
    const volumes = await guest.must('lvs --noheadings --separator : -o lv_name,segtype vg0', { signal });
    expect(volumes.trim().split(/\s*\n\s*/)).toEqual(['files:linear', 'mysql:linear', 'pool0:thin-pool', 'thin:thin']);
    const mounts = await guest.must(
      'findmnt -rno TARGET,FSTYPE /var/lib/mysql; findmnt -rno TARGET,FSTYPE /srv/files; findmnt -rno TARGET,FSTYPE /srv/thin',
      { signal },
    );
    expect(mounts).toBe('/var/lib/mysql ext4\n/srv/files xfs\n/srv/thin ext4\n');
  });

  it('lets each user log in with the sudo rights that its alias promises', async ({ signal }) => {
    const root = await guest.run('id -u', { signal, as: 'lab' });
    expect(root).toMatchObject({ code: 0, stdout: '0\n' });
    const bak = await guest.run('sudo -n id -u', { signal, as: 'lab-bak' });
    expect(bak).toMatchObject({ code: 0, stdout: '0\n' });
    const withoutPassword = await guest.run('sudo -n id -u', { signal, as: 'lab-bakpw' });
    expect(withoutPassword.code).toBe(1);
    const withPassword = await guest.run("echo 'correct horse' | sudo -S -p '' id -u", { signal, as: 'lab-bakpw' });
    expect(withPassword).toMatchObject({ code: 0, stdout: '0\n' });
    const none = await guest.run("echo 'correct horse' | sudo -S -p '' id -u", { signal, as: 'lab-nosudo' });
    expect(none.code).toBe(1);
  });

  it('takes a thick and a thin snapshot', async ({ signal }) => {
    const copies = await guest.run(
      `set -e
lvcreate -qq -y -s -n thick_copy -l 64 vg0/files
lvcreate -qq -y -s -n thin_copy vg0/thin
lvchange -qq -ay -K vg0/thin_copy
mkdir -p /run/look
mount -t xfs -o ro,nouuid /dev/vg0/thick_copy /run/look
cmp /run/look/documents/note.txt /srv/files/documents/note.txt
umount /run/look
mount -t ext4 -o ro /dev/vg0/thin_copy /run/look
cmp /run/look/documents/note.txt /srv/thin/documents/note.txt
umount /run/look
rmdir /run/look
lvremove -qq -y vg0/thick_copy
lvremove -qq -y vg0/thin_copy`,
      { signal },
    );
    expect(copies).toMatchObject({ code: 0, stdout: '' });
  });

  it('has a writer whose journal bounds what a snapshot contains', async ({ signal }) => {
    await using writer = await startWriter(guest, { pauseMs: 5 }, signal);
    await writer.waitForOrders(60, signal);
    const times = await guest.must(
      `set -e
cat /proc/uptime
lvcreate -qq -y -s -n live_copy -l 128 vg0/files
cat /proc/uptime`,
      { signal },
    );
    await writer.waitForOrders(60, signal);
    const journal = await writer.stop(signal);
    const [before, after] = times.split('\n').map(uptimeNs);

    const folder = await mkdtemp(join(tmpdir(), 'lab-test-'));
    try {
      for (const name of ['appended.log', 'rewritten.bin']) {
        const content = await execa(
          'ssh',
          [
            '-F',
            guest.sshConfigFile,
            'lab',
            `unshare -m sh -c 'mount -o ro,nouuid /dev/vg0/live_copy /mnt && cat /mnt/live/${name}'`,
          ],
          { encoding: 'buffer', cancelSignal: signal },
        );
        await writeFile(join(folder, name), content.stdout);
      }
      const appended = await readLiveBlocks(join(folder, 'appended.log'));
      const rewritten = await readLiveBlocks(join(folder, 'rewritten.bin'));
      expect(appended.torn).toEqual([]);
      expect(rewritten.torn).toEqual([]);
      expect(appended.sequences).toEqual(appended.sequences.map((_, index) => index + 1));
      for (const [kind, newest] of [
        ['append', Math.max(...appended.sequences)],
        ['rewrite', Math.max(...rewritten.sequences)],
      ] as const) {
        expect(newest, kind).toBeGreaterThanOrEqual(committedBefore(journal, kind, before ?? 0n));
        expect(newest, kind).toBeLessThanOrEqual(startedBefore(journal, kind, (after ?? 0n) + 10_000_000n));
        expect(committedBefore(journal, kind, before ?? 0n), kind).toBeGreaterThan(0);
      }
    } finally {
      await rm(folder, { recursive: true });
      await guest.must('lvremove -qq -y vg0/live_copy', { signal });
    }

    const orders = journal.filter((entry) => entry.kind === 'order').map((entry) => entry.sequence);
    expect(orders).toEqual(orders.map((_, index) => index + 1));
    const [count, lowest, highest, wrong] = (await guest.must(`mariadb -N -B -e "${ordersCheck}"`, { signal }))
      .trim()
      .split('\t');
    expect([count, lowest, highest, wrong]).toEqual([String(orders.length), '1', String(orders.length), '0']);
  });

  it('sees a row and a block that have been tampered with', async ({ signal }) => {
    const largest = await guest.must('mariadb -N -B -e "SELECT MAX(id) FROM shop.orders"', { signal });
    await guest.must(
      `mariadb -e "UPDATE shop.orders SET payload = CONCAT(payload, 'x') WHERE id = ${largest.trim()}"`,
      { signal },
    );
    expect((await guest.must(`mariadb -N -B -e "${ordersCheck}"`, { signal })).trim().split('\t')[3]).toBe('1');
    const block = await guest.must(`head -c 65536 ${liveFolder}/appended.log`, { signal });
    const path = join(guest.directory, 'torn');
    await writeFile(path, `${block.slice(0, 65_000)}${'x'.repeat(536)}${block}`);
    expect(await readLiveBlocks(path)).toEqual({ sequences: [1], torn: [0] });
  });

  it('reports a trace of every kind, and none when all is clean', async ({ signal }) => {
    expect(await guest.traces({ signal })).toEqual([]);
    await guest.must(
      `set -e
lvcreate -qq -y -s -n sp_11112222_33334444 -l 32 --addtag stillpoint --addtag sp.run=11112222 vg0/mysql
lvcreate -qq -y -n innocent -l 8 --addtag sp.owner=me vg0
dmsetup suspend --noflush vg0-innocent
mkdir -p /run/stillpoint/lease /run/elsewhere
echo 1 >/run/stillpoint/lease/record
systemd-run --quiet --unit=stillpoint-deadman.service sleep 300
systemd-run --quiet --unit=unrelated.service unshare -m sh -c 'mount --make-rslave /; mount -o ro /dev/vg0/sp_11112222_33334444 /run/elsewhere && exec sleep 300'
setsid sh -c 'sleep 300' </dev/null >/dev/null 2>&1 &
until grep -q sp_11112222 /proc/[0-9]*/mountinfo; do sleep 0.1; done`,
      { signal },
    );
    const traces = await guest.traces({ signal });
    const described = (kind: string): string =>
      traces
        .filter((trace) => trace.kind === kind)
        .map((trace) => trace.description)
        .join('\n');
    expect(described('volume')).toMatch(/vg0\/sp_11112222_33334444 /);
    expect(described('volume')).toMatch(/vg0\/innocent tags=sp\.owner=me/);
    expect(described('device')).toMatch(/^vg0-sp_11112222_33334444$/m);
    expect(described('suspended')).toBe('vg0-innocent');
    expect(described('mount')).toMatch(/^\/run\/elsewhere from \/dev\/mapper\/vg0-sp_11112222_33334444 in mnt:/m);
    expect(described('file')).toContain('/run/stillpoint/lease/record');
    expect(described('process')).toMatch(/outlived its ssh session\): sleep.300/);
    expect(described('unit')).toContain('stillpoint-deadman.service');

    await guest.must(
      `set -e
dmsetup resume vg0-innocent
lvremove -qq -y vg0/innocent
systemctl stop stillpoint-deadman.service unrelated.service
pkill -x sleep
rm -r /run/stillpoint /run/elsewhere
lvremove -qq -y vg0/sp_11112222_33334444`,
      { signal },
    );
    expect(await guest.traces({ signal })).toEqual([]);
  });

  it('notices a frozen file system and a locked database', async ({ signal }) => {
    const states = async (): Promise<Record<string, boolean>> =>
      Object.fromEntries(
        (await guest.freezeState({ seconds: 4, signal })).map(({ target, isAccepted }) => [target, isAccepted]),
      );
    const writable = { '/': true, '/var/lib/mysql': true, '/srv/files': true, '/srv/thin': true, database: true };
    expect(await states()).toEqual(writable);
    await guest.must(
      `set -e
systemd-run --quiet --unit=locker.service mariadb -e 'FLUSH TABLES WITH READ LOCK; DO SLEEP(300)'
until mariadb -N -B -e 'SHOW PROCESSLIST' | grep -q SLEEP; do sleep 0.1; done
fsfreeze --freeze /srv/files`,
      { signal },
    );
    expect(await states()).toEqual({ ...writable, '/srv/files': false, database: false });
    await guest.must(
      'fsfreeze --unfreeze /srv/files; systemctl stop locker.service; mariadb -e "DROP DATABASE IF EXISTS lab_probe"',
      { signal },
    );
    expect(await states()).toEqual(writable);
  });

  it('cuts, stalls and refuses connections through its proxy', async ({ signal }) => {
    const throughProxy = async (script: string, signal: AbortSignal) =>
      await guest.run(script, { signal, as: 'lab-proxied' });
    expect(await throughProxy('echo passed', signal)).toMatchObject({ code: 0, stdout: 'passed\n' });

    const running = throughProxy('echo $$ >/run/held; sleep 300', signal);
    await guest.must('until [ -s /run/held ]; do sleep 0.1; done', { signal });
    guest.proxy.cut();
    expect((await running).code).toBe(255);

    guest.proxy.cutAfterBytes(2 * 1024 * 1024);
    const start = guest.proxy.bytesPassed();
    const long = await throughProxy("head -c 8388608 /dev/zero | tr '\\\\0' x", signal);
    expect(long.code).toBe(255);
    expect(guest.proxy.bytesPassed() - start).toBe(2 * 1024 * 1024);

    guest.proxy.stall();
    await expect(throughProxy('echo never', AbortSignal.timeout(3000))).rejects.toThrow('timeout');
    guest.proxy.resume();
    guest.proxy.refuse();
    expect((await throughProxy('echo never', signal)).code).toBe(255);
    guest.proxy.resume();
    expect((await throughProxy('echo again', signal)).stdout).toBe('again\n');
    await guest.must('pkill -x sleep; rm -f /run/held', { signal });
  });

  it('hangs when suspended and answers again when resumed', async ({ signal }) => {
    await guest.suspend();
    await expect(guest.run('true', { signal: AbortSignal.timeout(2000) })).rejects.toThrow('timeout');
    await guest.resume();
    expect((await guest.run('echo back', { signal })).stdout).toBe('back\n');
  });

  it('comes back after a power cut with a new boot, its data and what was left on it', async ({ signal }) => {
    const bootId = async (): Promise<string> => await guest.must('cat /proc/sys/kernel/random/boot_id', { signal });
    const before = await bootId();
    await guest.must(
      `set -e
lvcreate -qq -y -s -n sp_11112222_33334444 -l 32 --addtag stillpoint vg0/files
echo kept >/srv/files/kept
sync`,
      { signal },
    );
    await guest.reboot({ signal });
    expect(await bootId()).not.toBe(before);
    expect(await guest.must('cat /srv/files/kept', { signal })).toBe('kept\n');
    expect((await guest.traces({ signal })).map((trace) => trace.kind)).toEqual(['volume', 'device', 'device']);
    expect((await guest.run('echo passed', { signal, as: 'lab-proxied' })).stdout).toBe('passed\n');
    await guest.must('lvremove -qq -y vg0/sp_11112222_33334444', { signal });
  });

  it('dies at once when killed, and leaves nothing on the machine', async ({ signal }) => {
    await guest.kill();
    await expect(guest.run('true', { signal })).rejects.toThrow('The guest has ended');
    await guest[Symbol.asyncDispose]();
    expect(existsSync(guest.directory)).toBe(false);
    expect(processesNaming(guest.directory)).toEqual([]);
  });
});

function uptimeNs(line: string): bigint {
  const [seconds = '0', hundredths = '00'] = (line.split(' ')[0] ?? '').split('.');
  return BigInt(seconds || '0') * 1_000_000_000n + BigInt(hundredths) * 10_000_000n;
}
