import type { Volume } from '../../../shared/domain/host.ts';
import type { Job } from '../../../shared/domain/job.ts';
import { hostName, jobId, repositoryName, restorePointId, sourceName } from '../../../shared/domain/names.ts';
import type { RestorePointSummary } from '../../../shared/domain/restore-point.ts';
import type { Source } from '../../../shared/domain/source.ts';

export function aVolume(changes: Partial<Volume> = {}): Volume {
  return {
    id: 'lvm:Yb1kCe',
    kind: 'lvm-thick',
    kindWords: 'LVM volume',
    label: 'vg0/mysql',
    mountpoints: ['/var/lib/mysql'],
    fsType: 'ext4',
    sizeBytes: 1024 ** 3,
    usedBytes: 512 * 1024 ** 2,
    snapshot: { possible: true, provider: 'lvm-thick' },
    ...changes,
  };
}

export function aSource(changes: Partial<Source> = {}): Source {
  return {
    name: sourceName('shop'),
    host: hostName('db1'),
    paths: [Buffer.from('/var/lib/mysql'), Buffer.from('/srv/files')],
    repository: repositoryName('main'),
    exclude: [],
    ...changes,
  };
}

export function aRestorePoint(changes: Partial<RestorePointSummary> = {}): RestorePointSummary {
  return {
    id: restorePointId('ab'.repeat(32)),
    repository: repositoryName('main'),
    time: '2026-11-23T04:05:06.789Z',
    hostname: 'db1',
    paths: ['/var/lib/mysql', '/srv/files'],
    tags: ['stillpoint'],
    source: 'shop',
    consistency: 'crash',
    skewMs: 0,
    wholeness: { state: 'whole', missing: [], missingCount: 0 },
    bytesTotal: 3 * 1024 ** 2,
    filesTotal: 12,
    program: 'stillpoint 0.1.0',
    ...changes,
  };
}

export function aJob(changes: Partial<Job> = {}): Job {
  return {
    id: jobId('0123456789abcdef'),
    request: { kind: 'backup', source: sourceName('shop') },
    configFile: '/home/ann/.config/stillpoint/config.jsonc',
    state: 'running',
    createdAt: '2026-11-23T04:05:00.000Z',
    startedAt: '2026-11-23T04:05:01.000Z',
    finishedAt: undefined,
    phase: 'read',
    progress: { filesDone: 3, filesTotal: 10, bytesDone: 250, bytesTotal: 1000 },
    result: undefined,
    error: undefined,
    facts: undefined,
    lastSeq: 7,
    ...changes,
  };
}
