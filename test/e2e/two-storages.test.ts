/**
 * One run over two storages and an application: a real host with LVM, on which the trivial storage and the trivial hook of
 * the tests are registered by one line. What the plan prints is what the host receives.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BackupPlan } from '../../shared/domain/backup-plan.ts';
import type { PlanId } from '../../shared/domain/plan-id.ts';
import type { BackupReport } from '../../shared/domain/verbs/backup.ts';
import { createRegistry, REGISTRY } from '../../shared/snapshot/registry.ts';
import { type Guest, startGuest } from '../lab/guest.ts';
import { reasonLabCannotRun } from '../lab/requirements.ts';
import { backupsOf, type GuestBackups } from '../support/guest-backups.ts';
import { needing } from '../support/needing.ts';
import { flagFile } from '../support/quiesce/flag-file.ts';
import { type Recording, recordTransport } from '../support/remote/recording.ts';
import { folderCopy, SOURCE } from '../support/snapshot/folder-copy.ts';
import { eventually } from '../support/snapshot/paper-lvm.ts';

const registry = createRegistry([...REGISTRY.providers, folderCopy], [flagFile({ path: '/run/flag' })]);

describe('a run over two storages', needing(await reasonLabCannotRun()), () => {
  let guest: Guest;
  const recordings: Recording[] = [];
  const signal = AbortSignal.timeout(600_000);
  let backups: GuestBackups;
  const paths = ['/srv/files', '/srv/copied'];
  const save = (plan?: PlanId): Promise<BackupReport> => backups.save({ paths, ...(plan && { plan }) });
  const plan = (): Promise<BackupPlan> => backups.plan({ paths });
  /** Names of the scripts that the host was sent, in order, with the scripts. */
  const received = (): { name: string; script: string; args: string[] }[] =>
    recordings
      .flatMap((recording) => recording.exchanges())
      .flatMap(({ script }) =>
        script === undefined ? [] : [{ name: script.name, script: script.script, args: script.args.map(String) }],
      );

  beforeAll(async () => {
    guest = await startGuest({}, AbortSignal.timeout(290_000));
    backups = await backupsOf(guest, signal, {
      registry,
      wrapTransport: (inner) => {
        const recording = recordTransport(inner);
        recordings.push(recording);
        return recording;
      },
    });
    await guest.must(
      `mkdir /srv/copied; mount -t tmpfs ${SOURCE} /srv/copied; echo copied > /srv/copied/note; echo thick > /srv/files/note`,
      { signal },
    );
  }, 300_000);
  afterAll(() => guest?.[Symbol.asyncDispose]());

  test('reads live what no snapshot can hold, and all else from its snapshot', async () => {
    const report = await backups.save({ paths: ['/srv/files', '/etc'], withoutSnapshot: 'read-live' });
    expect(report).toMatchObject({ consistency: 'fuzzy', missingCount: 0, snapshots: [{ volume: 'vg0/files' }] });
    expect(report.skewMs).toBeGreaterThan(0);
  });

  test('makes both snapshots in one script under one hold, with one skew and one consistency', async () => {
    const planned = await plan();
    expect(planned.snapshots.map(({ volume }) => volume)).toEqual(['vg0/files', '/srv/copied']);
    expect(planned.consistency).toBe('application');
    recordings.length = 0;
    const report = await save(planned.id);
    expect(received().filter(({ name }) => name === 'take-snapshots')).toHaveLength(1);
    expect(report).toMatchObject({
      consistency: 'application',
      holds: [{ what: 'the flag /run/flag', provedUptime: expect.any(Number) as unknown }],
      snapshots: { length: 2 },
    });
    expect(report.skewMs).toBeGreaterThan(0);
    expect(report.skewMs).toBeLessThan(60_000);
    await using repository = await backups.open();
    const point = await repository.findRestorePoint(report.restorePoint, signal);
    expect(point.extra).toMatchObject({
      stillpoint: {
        consistency: 'application',
        evidence: { instants: { length: 2 }, holds: [{ guarantees: 'application' }] },
      },
    });
    await eventually(async () => (await guest.traces({ signal })).length === 0, 'the host is as it was');
    expect(await guest.must('ls -A /var/tmp/folder-copies /run/flag 2>/dev/null || :', { signal })).toBe(
      '/var/tmp/folder-copies:\n',
    );
  });

  test('runs byte for byte what the plan printed', async () => {
    const planned = await plan();
    recordings.length = 0;
    await save(planned.id);
    const sent = received();
    const commands = planned.steps.flatMap(({ command }) => command ?? []);
    const changing = commands.map(({ name }) => name);
    const ran = sent.filter(({ name }) => changing.includes(name));
    // The lease has a connection of its own; what was sent is listed by connection.
    const inOrder = commands.flatMap(({ name }) => ran.filter((each) => each.name === name));
    expect(inOrder).toHaveLength(ran.length);
    expect(inOrder).toEqual(commands.map(({ name, script, args }) => ({ name, script, args: [...args] })));
    const looking = new Set(sent.filter(({ name }) => !changing.includes(name)).map(({ name }) => name));
    for (const name of looking) {
      expect(name).toMatch(/^(identify|read|list|measure|resolve|renew|observe|pack|probe)-/);
    }
  });

  test('refuses a plan that no longer fits, and then changes nothing', async () => {
    const planned = await plan();
    await guest.must('lvcreate -qq -y -n wedge -L 1g vg0', { signal });
    recordings.length = 0;
    await expect(save(planned.id)).rejects.toMatchObject({ code: 'plan.stale' });
    expect(received().map(({ name }) => name)).not.toContain('arm-lease');
    await guest.must('lvremove -qq -y vg0/wedge', { signal });
    expect((await save((await plan()).id)).consistency).toBe('application');
  });
});
