/**
 * What a backup does to somebody who writes meanwhile, for each storage: how long his longest write waited while the snapshot was
 * made, how long the snapshot lived, and how much slower his writes were while it did. On a guest, whose processor is as fast
 * as this machine's and whose system calls are not: compare the rows with each other.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ConsistencyEvidence } from '../shared/domain/consistency.ts';
import type { BackupReport } from '../shared/domain/verbs/backup.ts';
import { type Guest, startGuest } from '../test/lab/guest.ts';
import type { GuestKind } from '../test/lab/guest-kind.ts';
import { installRecords } from '../test/lab/ordered-writer.ts';
import { zfsGuest } from '../test/lab/zfs/zfs-guest.ts';
import { backupsOf, type GuestBackups, type GuestOrder } from '../test/support/guest-backups.ts';

const QUIET_SECONDS = 10;

interface Storage extends Omit<GuestOrder, 'paths'> {
  readonly name: string;
  readonly folder: string;
}

const THICK: Storage = { name: 'LVM thick, XFS', folder: '/srv/files' };

interface Machine {
  readonly setup: string;
  readonly storages: readonly Storage[];
  readonly kind?: GuestKind;
}

/** Rows of one machine can be compared; those of two cannot. */
const MACHINES = {
  usual: {
    setup: `modprobe btrfs; lvcreate -qq -y -n tree -L 900m vg0; mkfs.btrfs -q /dev/vg0/tree; mkdir -p /srv/tree /srv/plain
mount /dev/vg0/tree /srv/tree`,
    storages: [
      THICK,
      { name: 'LVM thin, ext4', folder: '/srv/thin' },
      { name: 'Btrfs', folder: '/srv/tree' },
      { name: 'read live, ext4', folder: '/srv/plain', withoutSnapshot: 'read-live' },
      { name: 'LVM thick, writer stopped', folder: '/srv/files', stop: ['records'] },
    ],
  },
  zfs: {
    kind: zfsGuest,
    // On a disk of its own, as volumes of LVM are, and not on a file of another file system.
    setup: `modprobe zfs; lvcreate -qq -y -n pool -L 900m vg0
zpool create -O compression=off -O mountpoint=/srv/tank tank /dev/vg0/pool`,
    storages: [THICK, { name: 'ZFS', folder: '/srv/tank' }],
  },
} as const satisfies Record<string, Machine>;

interface Write {
  /** Seconds since the guest's boot. */
  readonly begun: number;
  readonly done: number;
}

export async function measureWriter(
  on: keyof typeof MACHINES,
  rounds: number,
  mebibytes: number,
  signal: AbortSignal,
): Promise<void> {
  const { setup, storages, kind }: Machine = MACHINES[on];
  await using guest = await startGuest({ ...(kind && { kind }) }, signal);
  const must = (script: string): Promise<string> => guest.must(script, { signal });
  await must(setup);
  const program = await installRecords(guest, signal);
  console.log('| storage | longest write | snapshot lived | a write before | while it is read | |');
  console.log('| --- | ---: | ---: | ---: | ---: | ---: |');
  for (const storage of storages) {
    const backups = await backupsOf(guest, signal);
    const figures: Figures[] = [];
    for (let round = 0; round < rounds; round += 1) {
      await must(`head -c ${mebibytes}M /dev/urandom > ${storage.folder}/data; sync`);
      figures.push(await measureRound(storage, { guest, backups, program }, signal));
    }
    await must(`rm -f ${storage.folder}/data ${storage.folder}/records.*`);
    print(storage, figures);
  }
}

interface Figures {
  readonly longestMs: number;
  readonly livedSeconds: number | undefined;
  readonly beforeMs: number;
  readonly duringMs: number | undefined;
}

async function measureRound(
  { name: _name, folder, ...order }: Storage,
  { guest, backups, program }: { readonly guest: Guest; readonly backups: GuestBackups; readonly program: string },
  signal: AbortSignal,
): Promise<Figures> {
  const must = (script: string): Promise<string> => guest.must(script, { signal });
  await must(`rm -f ${folder}/records.* /run/lab/journal
cat > /etc/systemd/system/records.service <<'END'
[Service]
ExecStart=/usr/bin/perl ${program} /run/lab/journal 5 ${folder}
END
systemctl daemon-reload; systemctl start records`);
  await delay(QUIET_SECONDS * 1000, undefined, { signal });
  const report = await backups.save({ ...order, paths: [folder] });
  const journal = await must('systemctl stop records; cat /run/lab/journal');
  const writes = journal
    .trimEnd()
    .split('\n')
    .map((line): Write => {
      const [, begun = 0, done = 0] = line.split(' ').map((word) => Number(word) / 1e9);
      return { begun, done };
    });
  return figuresOf(writes, report, await evidenceOf(backups, report, signal));
}

async function evidenceOf(
  backups: GuestBackups,
  report: BackupReport,
  signal: AbortSignal,
): Promise<ConsistencyEvidence> {
  await using repository = await backups.open();
  const { extra } = await repository.findRestorePoint(report.restorePoint, signal);
  return (extra as { stillpoint: { evidence: ConsistencyEvidence } }).stillpoint.evidence;
}

/** The longest write is looked for around the instant, with the time that somebody was stopped in it. */
function figuresOf(writes: readonly Write[], report: BackupReport, evidence: ConsistencyEvidence): Figures {
  const spans = [
    ...evidence.instants.map(({ afterUptime, beforeUptime }) => [afterUptime, beforeUptime] as const),
    ...(evidence.live ?? []).map(({ fromUptime, untilUptime }) => [fromUptime, untilUptime] as const),
  ];
  const first = Math.min(...spans.map(([from]) => from));
  const last = Math.max(...spans.map(([, until]) => until));
  const lived = report.snapshots[0]?.lifetimeMs;
  const end = lived === undefined ? last : last + lived / 1000;
  const began = writes[0]?.begun ?? 0;
  const before = writes.filter(({ done }) => done < Math.min(first, began + QUIET_SECONDS));
  const during = writes.filter(({ begun }) => begun > (lived === undefined ? first : last) && begun < end);
  const waits = writes.map((write, at) => ({ from: writes[at - 1]?.done ?? write.begun, until: write.done }));
  const around = waits.filter(({ from, until }) => until > first && from < last);
  return {
    longestMs: Math.max(0, ...around.map(({ from, until }) => (until - from) * 1000)),
    livedSeconds: lived === undefined ? undefined : lived / 1000,
    beforeMs: meanMs(before),
    duringMs: during.length === 0 ? undefined : meanMs(during),
  };
}

const meanMs = (writes: readonly Write[]): number =>
  (writes.reduce((sum, { begun, done }) => sum + done - begun, 0) / Math.max(1, writes.length)) * 1000;

function print({ name }: Storage, figures: readonly Figures[]): void {
  const median = (values: readonly (number | undefined)[]): number | undefined =>
    values
      .filter((value) => value !== undefined)
      .toSorted((one, other) => one - other)
      .at(Math.floor(values.length / 2));
  const longest = median(figures.map(({ longestMs }) => longestMs));
  const lived = median(figures.map(({ livedSeconds }) => livedSeconds));
  const before = median(figures.map(({ beforeMs }) => beforeMs));
  const during = median(figures.map(({ duringMs }) => duringMs));
  const shown = (value: number | undefined, digits: number, unit: string): string =>
    value === undefined ? '–' : `${value.toFixed(digits)} ${unit}`;
  const ratio = before === undefined || during === undefined ? '' : `×${(during / before).toFixed(1)}`;
  const cells = [shown(longest, 0, 'ms'), shown(lived, 1, 's'), shown(before, 1, 'ms'), shown(during, 1, 'ms'), ratio];
  console.log(`| ${name} | ${cells.join(' | ')} |`);
}
