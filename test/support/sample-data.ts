/** One example of everything that the shells show, with figures that a reader can tell apart. */

import type { ErrorRecord } from '../../shared/base/errors.ts';
import type { BackupPlan } from '../../shared/domain/backup-plan.ts';
import type { HoldEvidence } from '../../shared/domain/consistency.ts';
import type { DumpEvidence } from '../../shared/domain/dump.ts';
import type { RunEvent, RunEventBody } from '../../shared/domain/events.ts';
import type { HostInventory, HostSummary } from '../../shared/domain/host.ts';
import type { Job } from '../../shared/domain/job.ts';
import { hostName, jobId, repositoryName, restorePointId, runId, sourceName } from '../../shared/domain/names.ts';
import { parsePlanId } from '../../shared/domain/plan-id.ts';
import type { StreamReport } from '../../shared/domain/point-stream.ts';
import type { FileEntry, RestorePointListing, RestorePointSummary } from '../../shared/domain/restore-point.ts';
import type { RunFacts } from '../../shared/domain/run-facts.ts';
import type { RepositorySpec, Source } from '../../shared/domain/source.ts';
import type { BackupReport } from '../../shared/domain/verbs/backup.ts';
import type { CheckReport } from '../../shared/domain/verbs/check.ts';
import type { CopyReport } from '../../shared/domain/verbs/copy.ts';
import type { ExportReport } from '../../shared/domain/verbs/export.ts';
import type { RestoreReport } from '../../shared/domain/verbs/restore.ts';
import type { SweepReport } from '../../shared/domain/verbs/sweep.ts';
import type { VerifyReport } from '../../shared/domain/verbs/verify.ts';
import type { Wholeness } from '../../shared/domain/wholeness.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

export const sampleHosts: readonly HostSummary[] = [
  { name: hostName('db1'), origin: 'configuration', forAssistants: true, login: '', sources: ['shop'] },
  { name: hostName('web'), origin: 'ssh-config', forAssistants: false, login: '', sources: [] },
];

export const sampleRepositories: readonly RepositorySpec[] = [
  {
    name: repositoryName('main'),
    location: '/srv/backup',
    place: { kind: 'local', path: '/srv/backup' },
    passwordFile: '/etc/pw',
    passwordCommand: undefined,
    store: {},
  },
];

export const sampleSources: readonly Source[] = [
  {
    name: sourceName('shop'),
    host: hostName('db1'),
    paths: [Buffer.from('/var/lib/mysql')],
    repository: repositoryName('main'),
    exclude: [],
  },
];

export const sampleInventory: HostInventory = {
  host: hostName('db1'),
  system: 'Debian GNU/Linux 12, Linux 6.1.0',
  bootId: '5f0c9a1e-0000-4000-8000-000000000001',
  volumes: [
    {
      id: 'lvm:abc',
      kind: 'lvm-thick',
      kindWords: 'LVM volume',
      label: 'vg0/mysql',
      mountpoints: ['/var/lib/mysql'],
      fsType: 'ext4',
      sizeBytes: 10 * GIB,
      usedBytes: 2.5 * GIB,
      snapshot: { possible: true, provider: 'lvm-thick' },
    },
    {
      id: 'dev:8:1',
      kind: 'plain',
      kindWords: 'plain file system',
      label: '/dev/sda1',
      mountpoints: ['/'],
      fsType: 'ext4',
      sizeBytes: 20 * GIB,
      usedBytes: undefined,
      snapshot: {
        possible: false,
        reason: '"/" is on /dev/sda1, a plain device that nothing can snapshot',
        remedy: 'Set up LVM on a disk and keep the data on a logical volume; then a snapshot is possible.',
      },
    },
  ],
  pools: [{ name: 'vg0', kindWords: 'volume group', sizeBytes: 16 * GIB, freeBytes: 6 * GIB }],
  warnings: ['"db1" lacks what a backup needs: GNU tar. Install it there, on Debian with "apt-get install tar".'],
};

export const samplePlan: BackupPlan = {
  kind: 'backup',
  id: parsePlanId('7f3c01ab5d2e9a04'),
  run: runId('7f3c01ab'),
  source: sourceName('shop'),
  host: hostName('db1'),
  repository: repositoryName('main'),
  paths: ['/var/lib/mysql'],
  snapshots: [
    {
      volume: 'vg0/mysql',
      volumeId: 'lvm:abc',
      snapshot: 'sp_7f3c01ab_0a1b2c3d',
      sizeBytes: 2 * GIB,
      freeBytesAfter: 4 * GIB,
      mountpoint: '/var/lib/mysql',
    },
  ],
  consistency: 'crash',
  basis: 'the host, the configuration',
  rollback:
    'What is made on the host goes with the run, whatever happens to it. A restore point is removed with "forget".',
  steps: [
    {
      does: [
        'lvcreate -y -s -n sp_7f3c01ab_0a1b2c3d -l 512 --monitor n --addtag stillpoint --addtag sp.run=7f3c01ab --addtag sp.owner=00112233aabb vg0/mysql',
      ],
      command: {
        ...{ name: 'take-snapshots', needs: 'root', script: 'run=$1 owner=$2\n…' },
        args: ['7f3c01ab', '00112233aabb'],
      },
    },
    {
      does: ['lvremove -y vg0/sp_7f3c01ab_0a1b2c3d', 'remove /run/stillpoint/7f3c01ab and end the watchman'],
      command: { ...{ name: 'release-lease', needs: 'root', script: '…' }, args: ['7f3c01ab', '00112233aabb'] },
    },
  ],
  estimate: { bytesOnVolumes: 2.5 * GIB },
  risks: ['The snapshot of vg0/mysql can hold 2.0 GiB of changes; if more is written while it is read, the run fails.'],
};

export const WHOLE: Wholeness = { state: 'whole', missing: [], missingCount: 0 };

export const samplePoint: RestorePointSummary = {
  id: restorePointId('3a7b9c12'.padEnd(64, '0')),
  repository: repositoryName('main'),
  time: '2026-11-22T21:14:03.000Z',
  hostname: 'db1',
  paths: ['/var/lib/mysql'],
  tags: [],
  source: 'shop',
  consistency: 'crash',
  skewMs: 0,
  wholeness: WHOLE,
  bytesTotal: 2.5 * GIB,
  filesTotal: 10_120,
  program: 'stillpoint 0.1.0',
};

/** What restic wrote: it knows nothing of sources and consistency. */
export const foreignPoint: RestorePointSummary = {
  ...samplePoint,
  id: restorePointId('9f'.repeat(32)),
  time: '2026-11-20T02:00:00.000Z',
  hostname: 'old-nas',
  source: undefined,
  consistency: undefined,
  skewMs: undefined,
  wholeness: { state: 'unknown', missing: [], missingCount: undefined },
  bytesTotal: undefined,
  filesTotal: undefined,
  program: 'restic 0.14.0',
};

/** What a repair left of an older one. */
const repairedPoint: RestorePointSummary = {
  ...samplePoint,
  id: restorePointId('5e'.repeat(32)),
  time: '2026-11-21T21:14:03.000Z',
  consistency: 'crash-skewed',
  skewMs: 1240,
  tags: ['repaired'],
  wholeness: { state: 'repaired', missing: [{ path: '/var/lib/mysql/ibdata1', reason: '' }], missingCount: 1 },
  bytesTotal: undefined,
  filesTotal: undefined,
};

/** With one whose file is damaged. */
export const sampleListing: RestorePointListing = {
  restorePoints: [samplePoint, repairedPoint, foreignPoint],
  unreadable: [
    {
      repository: samplePoint.repository,
      restorePoint: 'c4'.repeat(32),
      reason: 'The file of restore point c4c4c4c4 is damaged.',
    },
  ],
  unavailable: [
    { repository: repositoryName('offsite'), code: 'ssh.unreachable', reason: 'The host "nas" could not be reached.' },
  ],
};

export const sampleEntries: readonly FileEntry[] = [
  entry('shop', { kind: 'dir', mode: 0o2750, mtime: '2026-11-22T20:00:00.000Z' }),
  entry('ibdata1', { sizeBytes: 76 * MIB, mode: 0o660 }),
  entry('latest', { kind: 'symlink', mode: 0o777, linkTarget: 'shop/today' }),
  entry('caf\\xe9', { rawName: '636166e9', sizeBytes: 12 }),
];

export function entry(name: string, more: Partial<FileEntry> = {}): FileEntry {
  return {
    name,
    rawName: undefined,
    kind: 'file',
    sizeBytes: 0,
    mode: 0o644,
    uid: 107,
    gid: 112,
    mtime: '2026-11-22T21:13:59.000Z',
    linkTarget: undefined,
    ...more,
  };
}

export const sampleError: ErrorRecord = {
  code: 'snapshot.full',
  message: 'The snapshot "sp_7f3c01ab_0a1b2c3d" on "db1" filled up while it was being read.',
  advice:
    'More was written to the origin than the snapshot had room for; the origin itself is not affected by that. Give its volume group more free space, or run at a quieter time.',
  details: { host: 'db1', group: 'vg0' },
};

export const sampleBackup: BackupReport = {
  kind: 'backup',
  restorePoint: samplePoint.id,
  parent: foreignPoint.id,
  consistency: 'crash',
  skewMs: 0,
  time: samplePoint.time,
  hostTime: '2026-11-22T21:14:03.25Z',
  clockSkew: { leastMs: -12, mostMs: 250 },
  snapshots: [
    {
      volume: 'vg0/mysql',
      snapshot: 'sp_7f3c01ab_0a1b2c3d',
      freezeMs: 41,
      instant: { afterUptime: 4210.11, beforeUptime: 4210.14 },
      lifetimeMs: 14_200,
      sizeBytes: 2 * GIB,
      peakUsedBytes: 60 * MIB,
    },
  ],
  holds: [],
  files: { new: 12, changed: 3, unmodified: 10_105 },
  folders: 214,
  others: 1,
  bytesTotal: 2.5 * GIB,
  bytesRead: 80 * MIB,
  bytesEqual: 640 * MIB,
  bytesReceived: 81 * MIB,
  bytesStored: 9.5 * MIB,
  blobsNew: 61,
  skipped: [],
  missingCount: 0,
};

export const sampleHolds: readonly HoldEvidence[] = [
  {
    ...{ what: 'MariaDB', guarantees: 'application' },
    ...{ fromUptime: 4210.02, provedUptime: 4210.21, untilUptime: 4210.4 },
    record: { server: '10.11.6-MariaDB', binlog: 'bin.000003:337' },
  },
  { ...{ what: '"caches"', guarantees: 'nothing' }, fromUptime: 4210.01, provedUptime: 4210.21 },
];

export const sampleDumps: readonly DumpEvidence[] = [
  {
    ...{ path: '/.stillpoint-dumps/mariadb/databases.sql', what: 'the databases "shop" of MariaDB' },
    ...{ consistency: 'application', bytes: 9 * MIB, fromUptime: 4209.1, untilUptime: 4209.9 },
  },
  {
    ...{ path: '/.stillpoint-dumps/command/ldap.ldif', what: 'the output of "slapcat"' },
    ...{ consistency: 'fuzzy', bytes: 2 * MIB, fromUptime: 4208.1, untilUptime: 4209.1 },
  },
];

export const sampleSkipped: BackupReport = {
  ...sampleBackup,
  parent: undefined,
  consistency: 'crash-skewed',
  skewMs: 230,
  hostTime: '2026-11-22T20:09:58Z',
  clockSkew: { leastMs: -3_845_260, mostMs: -3_845_000 },
  snapshots: [...sampleBackup.snapshots, { ...sampleBackup.snapshots[0]!, volume: 'vg0/files', freezeMs: 12 }],
  skipped: [{ path: '/srv/files/secret', reason: 'Permission denied.' }],
};

export const sampleExport: ExportReport = {
  kind: 'export',
  to: { kind: 'mirror', folder: '/volume1/shop', host: hostName('nas'), keep: 2 },
  path: 'nas:/volume1/shop/2026-11-22T21-14-03Z',
  ...{ consistency: 'crash', skewMs: 0, time: sampleBackup.time, hostTime: sampleBackup.hostTime },
  ...{ clockSkew: sampleBackup.clockSkew, snapshots: sampleBackup.snapshots, holds: [] },
  ...{ files: 1320, filesUnmodified: 1290, folders: 88, others: 12 },
  ...{ bytesTotal: 4096 * MIB, bytesRead: 96 * MIB, bytesReceived: 97 * MIB, bytesStored: 96 * MIB },
  proved: { files: 30, bytes: 96 * MIB },
  ...{ skipped: [{ path: '/srv/files/socket', reason: 'left out: it is a socket, which its program makes' }] },
  ...{ missingCount: 0, removed: ['2026-11-20T21-14-01Z'] },
  notKept: [{ what: 'owner or group (only root can give files to others)', entries: 2, examples: ['/srv/files'] }],
};

export const samplePartialArchive: ExportReport = {
  ...sampleExport,
  to: { kind: 'archive', file: '/backup/shop.tar.zst' },
  path: '/backup/shop.tar.zst',
  ...{ filesUnmodified: 0, missingCount: 1, removed: [], notKept: [] },
  skipped: [{ path: '/srv/files/secret', reason: 'not saved, because it cannot be read: Permission denied' }],
};

export const sampleRestore: RestoreReport = {
  kind: 'restore',
  restorePoint: samplePoint.id,
  target: '/home/ann/restored',
  files: 3,
  folders: 1,
  others: 0,
  bytes: 88 * MIB,
  leftOut: { count: 0, named: [] },
  notKept: [],
  renamed: { count: 0, named: [] },
  gaps: undefined,
};

export const sampleStream: StreamReport = {
  restorePoint: samplePoint.id,
  ...{ files: 3, folders: 1, others: 0, bytes: 88 * MIB },
  ...{ leftOut: { count: 0, named: [] }, sockets: 0, byPatterns: undefined, gaps: undefined, withoutLock: undefined },
};

export const samplePartialRestore: RestoreReport = {
  ...sampleRestore,
  files: 2,
  leftOut: {
    count: 1,
    named: [{ path: 'srv/files/contract.pdf', reason: 'its content is damaged (Blob 09af1b2c is damaged.)' }],
  },
  notKept: [{ what: 'access control list (the file system has none)', entries: 2, examples: ['srv', 'srv/files'] }],
  renamed: { count: 1, named: [{ path: 'srv/files/a:b', name: 'a_b' }] },
  gaps: 'It is a copy of a damaged restore point, without what was lost. What is missing was not recorded.',
};

export const sampleVerify: VerifyReport = {
  kind: 'verify',
  packs: 14,
  blobs: 2081,
  restorePoints: 2,
  bytesRead: 1.5 * GIB,
  proved: {
    ...{ packs: 14, packsTotal: 14, bytes: 1.5 * GIB, bytesTotal: 1.5 * GIB, subset: undefined },
    missing: { packs: 0, bytes: 0 },
    lostIndexes: 0,
  },
  findings: [],
};

export const sampleLosses: VerifyReport = {
  ...sampleVerify,
  bytesRead: GIB,
  proved: { ...sampleVerify.proved!, packs: 12, packsTotal: 13, bytes: GIB, missing: { packs: 1, bytes: 0.5 * GIB } },
  findings: [{ message: 'The file of pack 09af1b2c is not there.', severity: 'damage', affects: ['3a7b9c12:/etc'] }],
};

export const sampleShare: VerifyReport = {
  ...sampleVerify,
  bytesRead: 0.25 * GIB,
  proved: { ...sampleVerify.proved!, packs: 2, bytes: 0.25 * GIB, subset: '3/7' },
};

const { proved: _proved, ...sampleLook } = sampleVerify;

export const sampleCheck: CheckReport = {
  ...sampleLook,
  kind: 'check',
  bytesRead: 3 * MIB,
  findings: [
    {
      message: 'The file of pack 09af1b2c is not there.',
      severity: 'damage',
      affects: ['3a7b9c12:/etc'],
      advice:
        'If you have a copy of the files of the repository, bring this one back from there. Otherwise run "stillpoint repair index", then "stillpoint repair points".',
    },
    { message: 'Packs that are in no index: 1 (4.0 MiB). They harm nothing.', severity: 'warning', affects: [] },
    {
      message: 'Blobs that are stored more than once: 3 (1.2 MiB).',
      severity: 'information',
      affects: [],
      advice: 'They harm nothing; prune makes one of them.',
    },
  ],
};

export const sampleCopy: CopyReport = {
  kind: 'copy',
  from: 'main',
  to: 'other',
  copied: [{ source: samplePoint.id, copy: 'e1'.repeat(32) }],
  alreadyThere: 1,
  failed: [{ restorePoint: 'c4'.repeat(32), reason: 'The file of restore point c4c4c4c4 is damaged.' }],
  bytesRead: 80 * MIB,
  bytesStored: 79.5 * MIB,
  blobsNew: 61,
};

export const sampleSweep: SweepReport = {
  kind: 'sweep',
  removed: ['vg0/sp_7f3c01ab_0a1b2c3d'],
  kept: [{ object: 'vg0/sp_0000cccc_11111111', reason: 'it does not bear our mark' }],
};

/** What it did that lasts; in the log of a real one are the events for it. */
export const sampleFacts: RunFacts = {
  host: { host: 'db1', sweep: 'done', swept: [], run: '7f3c01ab', state: 'released', snapshotsMade: 1 },
  stores: {
    main: {
      ...{ pointsSaved: [sampleBackup.restorePoint], pointsRemoved: [], unsure: [] },
      ...{ packsSaved: 5, packsRemoved: 0, indexesSaved: 1, indexesRemoved: 0, filesUnsure: 0 },
    },
  },
  left: [],
};

/** A whole backup as its runner tells it. */
export const sampleRun: readonly RunEventBody[] = [
  { type: 'job-started' },
  { type: 'phase-started', phase: 'connect' },
  { type: 'phase-finished', phase: 'connect', durationMs: 412 },
  { type: 'lease-armed', host: 'db1', run: '7f3c01ab', leaseMs: 120_000 },
  { type: 'phase-started', phase: 'snapshot' },
  {
    type: 'snapshot-created',
    volume: 'vg0/mysql',
    snapshot: 'sp_7f3c01ab_0a1b2c3d',
    freezeMs: 41,
    sizeBytes: 2 * GIB,
  },
  { type: 'phase-finished', phase: 'snapshot', durationMs: 1234 },
  { type: 'phase-started', phase: 'read' },
  { type: 'progress', phase: 'read', filesDone: 5, filesTotal: 15, bytesDone: 32 * MIB, bytesTotal: 80 * MIB },
  { type: 'phase-finished', phase: 'read', durationMs: 12_345 },
  { type: 'snapshot-removed', volume: 'vg0/mysql', snapshot: 'sp_7f3c01ab_0a1b2c3d', lifetimeMs: 14_200 },
  { type: 'lease-released', host: 'db1', run: '7f3c01ab' },
  { type: 'job-finished', outcome: 'succeeded', result: sampleBackup, facts: sampleFacts },
];

/** The kinds of event that a good run has none of. */
export const sampleTrouble: readonly RunEventBody[] = [
  { type: 'item-skipped', path: '/srv/files/secret', reason: 'Permission denied.' },
  {
    type: 'warning',
    code: 'snapshot.full',
    message: 'The snapshot is 80 % full.',
    advice: 'It will be extended by 1.0 GiB.',
  },
  { type: 'cleanup-failed', what: 'the mount of vg0/mysql', error: sampleError },
];

/** Numbers events and gives them times, one second apart. */
export function stored(bodies: readonly RunEventBody[], from: number = 1): RunEvent[] {
  return bodies.map((body, index) => ({ ...body, seq: from + index, at: timeOf(from + index) }));
}

export function timeOf(second: number): string {
  return new Date(Date.UTC(2026, 10, 23, 4, 0, second)).toISOString();
}

export function sampleJob(more: Partial<Job> = {}): Job {
  return {
    id: jobId('3f2a9c51d04e7b68'),
    request: { kind: 'backup', source: sourceName('shop') },
    configFile: '/home/ann/.config/stillpoint/config.jsonc',
    state: 'running',
    createdAt: timeOf(0),
    startedAt: timeOf(1),
    finishedAt: undefined,
    phase: 'read',
    progress: { filesDone: 5, filesTotal: 15, bytesDone: 32 * MIB, bytesTotal: 80 * MIB },
    result: undefined,
    error: undefined,
    facts: undefined,
    lastSeq: 9,
    ...more,
  };
}
