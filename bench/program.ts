/** One use of what is measured as a program of its own, so that its time and memory are its own too. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { never } from '../shared/base/cancel.ts';
import { systemClock } from '../shared/base/clock.ts';
import { silentLogger } from '../shared/base/log.ts';
import { restore } from '../shared/pipeline/restore.ts';
import { connectHost } from '../shared/remote/connect-host.ts';
import type { Backend } from '../shared/repository/backend/backend.ts';
import { createLocalBackend } from '../shared/repository/backend/local.ts';
import { openSftpBackend } from '../shared/repository/backend/sftp.ts';
import { checkRepository } from '../shared/repository/check/check.ts';
import { verifyRepository } from '../shared/repository/check/verify.ts';
import { createRepository, openRepository } from '../shared/repository/open-repository.ts';
import type { OpenedRepository } from '../shared/repository/opened-repository.ts';

export interface ProgramOrder {
  readonly do: 'start' | 'list' | 'init' | 'backup' | 'restore' | 'check' | 'verify' | 'pack';
  readonly repository: string;
  readonly password: string;
  /** To back up, to restore into, or to pack. */
  readonly folder?: string;
  readonly workers?: number;
  /** With a host "local": where the folder to back up lies, or with `isFar` the repository. */
  readonly sshConfigFile?: string;
  readonly isFar?: boolean;
}

export interface ProgramFigures {
  readonly result: unknown;
  readonly peakBytes: number;
  /** How late the thread that reads and hands out came to what was due. */
  readonly lateMs: { readonly p99: number; readonly most: number };
}

/** What `list` prints: the memory that the index took beyond what an open repository takes. */
export interface ListFigures {
  readonly blobs: number;
  readonly entries: number;
  readonly grownBytes: number;
}

const HOST_PORTS = { logger: silentLogger, clock: systemClock, agentSocket: undefined, homeFolder: '/' } as const;
/** Of the histogram, which counts its own waiting as well. */
const TICK_MS = 10;

async function carryOut(order: ProgramOrder): Promise<unknown> {
  const open = async (): Promise<OpenedRepository> => openRepository(await openBackend(order), order.password, never);
  if (order.do === 'init')
    return await (await createRepository(await openBackend(order), order.password, never)).close();
  if (order.do === 'backup') return await backUp(order);
  if (order.do === 'restore') return await restoreAll(order.folder ?? '', open);
  await using repository = await open();
  switch (order.do) {
    case 'start':
      return undefined;
    case 'list':
      return await list(repository);
    case 'check':
      return (await checkRepository(repository, never)).findings.length;
    case 'verify':
      return (await verifyRepository(repository, { signal: never })).findings.length;
    case 'pack':
      return await pack(repository, order.folder ?? '', order.workers ?? 1);
  }
}

async function openBackend({ repository, sshConfigFile, isFar }: ProgramOrder): Promise<Backend> {
  if (isFar !== true || sshConfigFile === undefined) return createLocalBackend(repository);
  const host = { name: 'local', ssh: 'local', sshConfigFile };
  const place = { host, folder: repository, location: `sftp:local:${repository}` };
  return await openSftpBackend(place, { ...HOST_PORTS, prompter: () => undefined }, never);
}

async function backUp({ sshConfigFile, folder = '', repository, password }: ProgramOrder): Promise<unknown> {
  const { readLiveFolder } = await import('../test/support/live-reader.ts');
  const order = { sshConfigFile, dir: folder, repository, password, workFolder: join(repository, '..') };
  const { report, events: _, ...figures } = await readLiveFolder(order);
  return { ...figures, files: report.files };
}

async function list(repository: OpenedRepository): Promise<ListFigures> {
  const before = residentBytes();
  const point = await repository.findRestorePoint('latest', never);
  await repository.loadIndex(never);
  const { nodes } = await repository.loadTree(point.tree, never);
  return { blobs: repository.index.blobCount, entries: nodes.length, grownBytes: residentBytes() - before };
}

function residentBytes(): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
}

async function restoreAll(target: string, open: () => Promise<OpenedRepository>): Promise<unknown> {
  const ports = {
    openRepository: open,
    openHost: (signal: AbortSignal) =>
      connectHost({ name: 'here', ssh: undefined, sudo: 'none' }, { ...HOST_PORTS, prompter: undefined }, signal),
    clock: systemClock,
    logger: silentLogger,
    emit: () => undefined,
  };
  return await restore({ restorePoint: 'latest', paths: [], target }, ports, never);
}

/** The writer alone: files into blobs, without metadata. */
async function pack(repository: OpenedRepository, folder: string, workers: number): Promise<unknown> {
  await using lock = await repository.lock('shared', never);
  await using writer = await repository.openWriter(lock, { workers });
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const bytes = readFileSync(join(entry.parentPath, entry.name));
    using content = writer.openContent(bytes.length);
    await content.add(bytes, never);
    await content.end(never);
  }
  return await writer.flush(never);
}

const late = monitorEventLoopDelay({ resolution: TICK_MS });
late.enable();
const result = await carryOut(JSON.parse(process.argv[2] ?? '{}') as ProgramOrder);
late.disable();
const lateMs = (ns: number): number => Math.max(0, ns / 1e6 - TICK_MS);
const figures: ProgramFigures = {
  result,
  peakBytes: process.resourceUsage().maxRSS * 1024,
  lateMs: { p99: lateMs(late.percentile(99)), most: lateMs(late.max) },
};
console.log(JSON.stringify(figures));
