/**
 * The reading part of a backup on a folder that lives on no volume: connect, lock, arm, list, read, store, commit,
 * release. Instead of a mounted snapshot, the keeper's namespace gets the folder by a bind mount; everything else is
 * what a backup does. Needs root.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { never } from '../../shared/base/cancel.ts';
import { systemClock } from '../../shared/base/clock.ts';
import { silentLogger } from '../../shared/base/log.ts';
import type { RunEventBody } from '../../shared/domain/events.ts';
import { compileExcludes } from '../../shared/domain/exclude-patterns.ts';
import { hostName, newRunId, ownerId, repositoryName, sourceName } from '../../shared/domain/names.ts';
import type { BackupReport } from '../../shared/domain/verbs/backup.ts';
import { phases as phasesOf } from '../../shared/pipeline/backup/phases.ts';
import { beginReading, readTrees } from '../../shared/pipeline/backup/read-trees.ts';
import { openRepositorySink } from '../../shared/pipeline/backup/repository-sink.ts';
import { spoolTrees } from '../../shared/pipeline/backup/spool-trees.ts';
import { connectHost } from '../../shared/remote/connect-host.ts';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import { timestampFromNs } from '../../shared/repository/timestamp.ts';
import { acquireLease } from '../../shared/snapshot/host/lease.ts';
import { mountPath } from '../../shared/snapshot/host/namespace.ts';
import type { DetectedVolume, PlannedItem } from '../../shared/snapshot/provider.ts';
import { REGISTRY } from '../../shared/snapshot/registry.ts';
import type { Survey } from '../../shared/snapshot/survey.ts';

export interface LiveReaderOrder {
  /** With a host "local" in it; undefined means this machine without SSH. */
  readonly sshConfigFile: string | undefined;
  readonly dir: string;
  readonly repository: string;
  readonly password: string;
  readonly workFolder: string;
  readonly exclude?: readonly string[];
}

export interface LiveReaderFigures {
  readonly restorePoint: string;
  readonly peakBytes: number;
  /** Of all threads. */
  readonly cpuSeconds: number;
  readonly phases: Readonly<Record<string, number>>;
  readonly bytesRead: number;
  readonly bytesStored: number;
  readonly unmodified: number;
  readonly report: Omit<BackupReport, 'snapshots'>;
  readonly events: readonly RunEventBody[];
}

/** @param onRead called when all is read and nothing is committed yet */
export async function readLiveFolder(
  order: LiveReaderOrder,
  onRead: () => Promise<void> = () => Promise.resolve(),
): Promise<LiveReaderFigures> {
  const phases: Record<string, number> = {};
  let last = performance.now();
  const ended = (phase: string): void => {
    phases[phase] = Math.round(performance.now() - last);
    last = performance.now();
  };
  const run = newRunId();
  const owner = ownerId('00000be4c400');
  const name = hostName('local');
  await using resources = new AsyncDisposableStack();
  const openIt = () => openRepository(createLocalBackend(order.repository), order.password, never);
  const sink = resources.use(await openRepositorySink({ openRepository: openIt }, never));
  const { sshConfigFile } = order;
  const spec = {
    name,
    ssh: 'local',
    sshConfigFile,
    sudo: 'none',
    leaseSeconds: 600,
    maxClockSkewSeconds: 86_400,
  } as const;
  const address = sshConfigFile === undefined ? { ssh: undefined } : { ssh: spec.ssh, sshConfigFile };
  const base = { prompter: undefined, logger: silentLogger, clock: systemClock, agentSocket: undefined };
  const host = resources.use(
    await connectHost({ name, sudo: spec.sudo, ...address }, { ...base, homeFolder: '/nonexistent' }, never),
  );
  ended('connect');

  const onReleaseFailed = (error: unknown): void => {
    throw error;
  };
  const terms = { run, owner, leaseSeconds: 600, mounts: 1, holds: 0 };
  const lease = resources.use(
    await acquireLease(
      terms,
      { host, scripts: REGISTRY.scripts, clock: systemClock, logger: silentLogger, onReleaseFailed },
      never,
    ),
  );
  const path = mountPath(run, 0);
  await execa('nsenter', [`--mount=/proc/${lease.armed.keeperPid}/ns/mnt`, 'mount', '--bind', order.dir, path]);
  ended('arm');

  const source = {
    name: sourceName('bench'),
    host: name,
    paths: [Buffer.from(order.dir)],
    repository: repositoryName('main'),
    exclude: [],
  };
  const volume = paperVolume(order.dir);
  const identity = { users: await namesIn('/etc/passwd'), groups: await namesIn('/etc/group') };
  const survey = { identity } as unknown as Survey;
  const planned = {
    volume: 'live',
    volumeId: 'live',
    snapshot: 'none',
    sizeBytes: 0,
    freeBytesAfter: 0,
    mountpoint: '/',
  };
  const item = { planned, volume } as unknown as PlannedItem;
  const taken = {
    ...{ ...item, run, owner, path, id: 'live' },
    ...{ beforeUptime: 0, afterUptime: 0, wallClockNs: BigInt(Date.now()) * 1_000_000n },
    standing: { sizeBytes: 0, seen: {} },
    mounted: { mountLine: '', rootInode: '', seen: {} },
  };
  const evidence = { instants: [{ volume: planned.volume, afterUptime: 0, beforeUptime: 0 }], holds: [] };
  const events: RunEventBody[] = [];
  const context = {
    request: { source, host: spec, acceptClockSkew: false },
    host,
    prepared: {
      survey,
      devices: [],
      coverage: {
        trees: [{ path: Buffer.from(order.dir), volume, isLive: false, pathInVolume: Buffer.from('/') }],
        volumes: [volume],
        emptyPlaces: [],
        notes: [],
      },
      exclude: compileExcludes(order.exclude ?? []),
      snapshots: { run, owner, items: [item], holds: [], risks: [] },
      heldPlaces: [],
      removes: [],
      dumps: [],
    },
    readable: [taken],
    instant: {
      time: timestampFromNs(taken.wallClockNs),
      host: { timeNs: taken.wallClockNs, skew: { leastMs: 0, mostMs: 0 }, bootId: '', uptimeSeconds: 0 },
    },
    layout: undefined,
    patience: undefined,
    workFolder: order.workFolder,
    rememberedFile: join(order.workFolder, 'remembered'),
    emit: (event: RunEventBody) => void events.push(event),
    clock: systemClock,
  };
  const listings = resources.use(await spoolTrees(context, never));
  ended('list');
  const begun = await beginReading(await sink.begin(undefined, never), context.request.source, context.emit, never);
  const read = await readTrees(context, listings, begun, never);
  await onRead();
  ended('read');
  const phase = phasesOf<'backup' | 'export'>(() => undefined, systemClock, never);
  const report = await sink.commit({ ...context, run, read, evidence }, phase, never);
  ended('commit');
  await lease[Symbol.asyncDispose]();
  ended('release');
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  return {
    restorePoint: report.restorePoint,
    peakBytes: maxRSS * 1024,
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    phases,
    bytesRead: report.bytesRead,
    bytesStored: report.bytesStored,
    unmodified: report.files.unmodified,
    report,
    events,
  };
}

/** A volume on paper: of a real one, reading needs no more than its name. */
function paperVolume(dir: string): DetectedVolume {
  return { volume: { id: `live:${dir}` }, mounts: [] } as unknown as DetectedVolume;
}

async function namesIn(file: string): Promise<ReadonlyMap<number, string>> {
  const lines = (await readFile(file, 'utf8')).trim().split('\n');
  return new Map(lines.map((line) => line.split(':')).map(([name = '', , id]) => [Number(id), name]));
}
