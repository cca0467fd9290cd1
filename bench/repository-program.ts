/** One use of a repository as a program of its own, so that its time and memory are its own too. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { never } from '../shared/base/cancel.ts';
import { systemClock } from '../shared/base/clock.ts';
import { silentLogger } from '../shared/base/log.ts';
import { restore } from '../shared/pipeline/restore.ts';
import { connectHost } from '../shared/remote/connect-host.ts';
import { createLocalBackend } from '../shared/repository/backend/local.ts';
import { checkRepository } from '../shared/repository/check/check.ts';
import { verifyRepository } from '../shared/repository/check/verify.ts';
import { openRepository } from '../shared/repository/open-repository.ts';
import type { OpenedRepository } from '../shared/repository/opened-repository.ts';

export interface RepositoryOrder {
  readonly do: 'start' | 'list' | 'restore' | 'check' | 'verify' | 'pack';
  readonly repository: string;
  readonly password: string;
  /** To restore into, or to pack. */
  readonly folder?: string;
  readonly workers?: number;
}

/** What `list` prints: the memory that the index took beyond what an open repository takes. */
export interface ListFigures {
  readonly blobs: number;
  readonly entries: number;
  readonly grownBytes: number;
}

async function carryOut(order: RepositoryOrder): Promise<unknown> {
  const open = (): Promise<OpenedRepository> =>
    openRepository(createLocalBackend(order.repository), order.password, never);
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
      connectHost(
        { name: 'here', ssh: undefined, sudo: 'none' },
        { prompter: undefined, logger: silentLogger, clock: systemClock, agentSocket: undefined, homeFolder: '/' },
        signal,
      ),
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

console.log(JSON.stringify(await carryOut(JSON.parse(process.argv[2] ?? '{}') as RepositoryOrder)));
