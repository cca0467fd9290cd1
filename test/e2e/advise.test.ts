/**
 * The readiness advisor on a real host with planted faults: it names each, what it says mends each, and then it names it no
 * more. And setup: from a name of the SSH configuration to a first backup, with three answers.
 */
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostFinding, HostReadiness } from '../../shared/domain/readiness.ts';
import { type Guest, startGuest } from '../lab/guest.ts';
import { reasonLabCannotRun } from '../lab/requirements.ts';
import { atTerminal } from '../support/at-terminal.ts';
import { CLI, type InstalledUser, installedUser } from '../support/installed-user.ts';
import { needing } from '../support/needing.ts';

const signalOf = (): AbortSignal => AbortSignal.timeout(220_000);

/** A name with a newline, a quote and a byte that is no text, as mountinfo has it. */
const ODD = `"$(printf "/srv/odd\\n'\\377")"`;

describe('a host with faults', needing(await reasonLabCannotRun()), () => {
  let guest: Guest;
  let user: InstalledUser;
  const sh = (script: string): Promise<string> => guest.must(script, { signal: signalOf() });
  const advise = async (host: string): Promise<HostReadiness> =>
    ((await user.ask(['advise', host], signalOf())) as { readiness: HostReadiness }).readiness;

  beforeAll(async () => {
    guest = await startGuest({}, AbortSignal.timeout(280_000));
    user = await installedUser();
    const { sshConfigFile } = guest;
    await user.configure({
      hosts: {
        lab: { ssh: 'lab', sshConfigFile },
        clerk: { ssh: 'lab-nosudo', sshConfigFile, sudo: 'passwordless' },
      },
    });
    // The owner of what runs of this user make is known with the first look at jobs.
    await advise('lab');
  }, 300_000);
  afterAll(async () => {
    await user?.[Symbol.asyncDispose]();
    await guest?.[Symbol.asyncDispose]();
  });

  /** Runs the lines as the person would, where they belong. */
  async function mend({ remedy }: HostFinding): Promise<void> {
    expect(remedy.lines).not.toEqual([]);
    for (const line of remedy.lines) {
      // LVM asks before it removes; what is left of a clock that was set back must not stop make.
      if (remedy.where === 'host') await guest.run(`yes | { ${line}\n}`, { signal: signalOf() });
      else if (remedy.where === 'here')
        await execa('sh', ['-c', `stillpoint() { "${process.execPath}" "${CLI}" "$@"; }; ${line}`], {
          env: user.environment,
          extendEnv: false,
          cancelSignal: signalOf(),
        });
      else throw new Error(`no shell takes ${line}`);
    }
  }

  test('has each of them named, and the lines that come with them mend them', async () => {
    const owner = await ownerOf(user);
    await sh(`
dd if=/dev/zero of=/srv/thin/filler bs=1M count=860 2>/dev/null; sync
lvcreate -q -y -s -n old-state -L 64m vg0/files
lvcreate -q -y -s -n sp_0123abcd_01234567 -L 64m --addtag stillpoint --addtag sp.run=0123abcd --addtag sp.owner=${owner} vg0/mysql
dd if=/dev/zero of=/srv/files/filler bs=1M count=880 2>/dev/null
for name in under bad frozen; do lvcreate -q -y -n $name -L 64m vg0; mkfs.ext4 -q /dev/vg0/$name; mkdir -p /srv/$name; done
mkdir -p /srv/over/inner; mount /dev/vg0/under /srv/over/inner; mount -t tmpfs none /srv/over
mount -o errors=continue /dev/vg0/bad /srv/bad
echo planted > /sys/fs/ext4/$(basename $(readlink -f /dev/vg0/bad))/trigger_fs_error
echo '/dev/vg0/frozen /srv/frozen ext4 nofail 0 0' >> /etc/fstab; mount /srv/frozen; mount -o remount,ro /srv/frozen
lvchange --monitor n vg0/pool0
date -s '+10 minutes'`);

    const planted: readonly (readonly [kind: string, object: string, severity: string])[] = [
      ['pool-data', 'vg0/pool0', 'dangerous'],
      ['file-system-errors', 'vg0/bad', 'dangerous'],
      ['read-only', 'vg0/frozen', 'dangerous'],
      ['hidden', 'vg0/under', 'left-out'],
      ['pool-fixed', 'vg0/pool0', 'advice'],
      ['left-snapshot', 'vg0/old-state', 'advice'],
      ['own-traces', 'lab', 'advice'],
      ['clock', 'clock', 'advice'],
      ['full', 'vg0/files', 'advice'],
    ];
    const before = await advise('lab');
    const found = planted.map(([kind, object]) =>
      before.findings.find((finding) => finding.kind === kind && finding.object === object),
    );
    expect(found.map((each) => each && [each.kind, each.object, each.severity])).toEqual(planted);
    const refused = await advise('clerk');
    const noRoot = refused.findings.find(({ kind }) => kind === 'no-root');
    expect(noRoot).toMatchObject({ object: 'nosudo', severity: 'left-out', remedy: { where: 'host' } });
    expect([before.isRoot, refused.isRoot]).toEqual([true, false]);
    const severities = before.findings.map(({ severity }) => severity);
    const order = ['dangerous', 'left-out', 'inconsistent', 'advice'];
    expect(severities).toEqual(severities.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)));

    for (const finding of [...found, noRoot]) if (finding !== undefined) await mend(finding);

    const after = await advise('lab');
    const kinds = (readiness: HostReadiness): string[] =>
      readiness.findings.map(({ kind, object }) => `${kind} ${object}`);
    const left = kinds(after).filter((each) => planted.some(([kind, object]) => each === `${kind} ${object}`));
    expect(left).toEqual([]);
    const clerk = await advise('clerk');
    expect([clerk.isRoot, kinds(clerk).filter((each) => each.startsWith('no-root'))]).toEqual([true, []]);
    expect(await guest.traces({ signal: signalOf() })).toEqual([]);
  });

  test('is shown with names of any bytes, and no line is made of what cannot be typed', async () => {
    await sh(`mkdir -p ${ODD}; mount -t tmpfs none ${ODD}`);
    const { findings, proposedSources } = await advise('lab');
    const odd = findings.find(({ kind, object }) => kind === 'in-memory' && object.startsWith('/srv/odd'));
    expect(odd?.object).toBe(String.raw`/srv/odd\x0a'\xff`);
    expect(JSON.stringify(proposedSources)).not.toContain('odd');
    const { stdout } = await user.run(['advise', 'lab'], signalOf());
    expect(stdout).toContain(String.raw`"/srv/odd\x0a'\xff" is in memory`);
    await sh(`umount ${ODD}`);
  });

  test('has its databases found, on the volumes that hold them', async () => {
    const { stores, proposedSources } = await advise('lab');
    expect(stores).toContainEqual({
      ...{ what: 'MariaDB or MySQL', path: '/var/lib/mysql', service: 'mariadb', volume: 'vg0/mysql' },
    });
    // It answers, lets us do what it takes, and has all of its files there.
    expect(proposedSources.find(({ entry }) => entry.paths.includes('/var/lib/mysql'))?.entry.quiesce).toEqual([
      { of: 'mariadb' },
    ]);
  });

  describe('by setup', () => {
    const QUESTION = /(Which of these sources|Where shall the repository lie|Type yes to continue)[^\n]*: $/;
    const answering = (words: readonly string[], answers: readonly string[]) =>
      atTerminal(user, words, { question: QUESTION, answers, sshConfigFile: guest.sshConfigFile }, signalOf());

    // An average since the start of the guest, and what the faults took would be long to read.
    beforeAll(() => sh('rm -f /srv/thin/filler /srv/files/filler; sync'), 60_000);

    const EMPTY = '// Mine.\n{\n\t"assistants": {"sshHosts": true}, // and theirs\n}\n';

    test('comes from a name of the SSH configuration to a first backup with three answers', async () => {
      await writeFile(user.configFile, EMPTY);
      await chmod(user.configFile, 0o640);
      const location = join(user.home, 'first');
      const { screen, exitCode, unasked } = await answering(['setup', 'lab'], ['lab\r', `${location}\r`, 'yes\r']);
      expect(exitCode, screen).toBe(0);
      expect(unasked).toBe(0);
      expect(screen).toMatch(/Restore point [0-9a-f]{64}/);
      const written = await readFile(user.configFile, 'utf8');
      expect(written).toMatch(
        /^\/\/ Mine\.\n\{\n\t"assistants": \{"sshHosts": true\}, \/\/ and theirs\n\t"hosts": \{\n\t\t"lab": \{/,
      );
      expect((await stat(user.configFile)).mode & 0o777).toBe(0o640);
      const password = join(user.configFile, '../main.password');
      expect((await stat(password)).mode & 0o777).toBe(0o600);
      const { restorePoints } = (await user.ask(['list'], signalOf())) as {
        restorePoints: { paths: string[]; consistency: string }[];
      };
      expect(restorePoints).toMatchObject([
        { paths: expect.arrayContaining(['/srv/files', '/srv/thin', '/var/lib/mysql']) as unknown },
      ]);
    });

    test('leaves nothing behind where a question is answered by Ctrl-C or by no', async () => {
      await writeFile(user.configFile, EMPTY);
      const location = join(user.home, 'second');
      const there = await readdir(user.home, { recursive: true });
      for (const answers of [
        ['\u0003'],
        ['lab\r', '\u0003'],
        ['lab\r', `${location}\r`, '\u0003'],
        ['lab\r', `${location}\r`, 'no\r'],
      ]) {
        const { screen, exitCode } = await answering(['setup', 'lab'], answers);
        expect(exitCode, screen).toBe(130);
        expect(await readFile(user.configFile, 'utf8')).toBe(EMPTY);
      }
      const isOurs = (name: string): boolean => !name.includes('state/');
      expect((await readdir(user.home, { recursive: true })).filter(isOurs)).toEqual(there.filter(isOurs));
    });

    test('shows what it would write where nobody can be asked, and writes it with --yes', async () => {
      await user.configure({ hosts: { lab: { ssh: 'lab', sshConfigFile: guest.sshConfigFile } } });
      const text = await readFile(user.configFile, 'utf8');
      const words = ['setup', 'lab', '--source', 'lab'];
      const refused = await user.run(words, signalOf());
      expect(refused.exitCode, refused.stderr).toBe(2);
      expect(refused.stdout).toContain('"sources": {\n    "lab": {');
      expect(refused.stderr).toContain('[usage.invalid]');
      expect(await readFile(user.configFile, 'utf8')).toBe(text);
      const done = (await user.ask([...words, '--yes'], signalOf())) as { setup: { sources: string[] } };
      expect(done.setup.sources).toEqual(['lab']);
      expect(JSON.parse(await readFile(user.configFile, 'utf8'))).toMatchObject({
        sources: { lab: { repository: 'main' } },
      });
    });
  });
});

/** The mark of what runs of this user make. */
async function ownerOf({ home }: InstalledUser): Promise<string> {
  const folder = join(home, '.local/state/stillpoint');
  for (const name of await readdir(folder, { recursive: true })) {
    const content = await readFile(join(folder, name), 'utf8').catch(() => '');
    const [, owner] = /^"?([0-9a-f]{12})"?\n?$/.exec(content) ?? [];
    if (owner !== undefined) return owner;
  }
  throw new Error('no owner is known');
}
