/** Repairs as the pipeline does them, one part after the other, and what a repository holds before and after. */
import { type Clock, systemClock } from '../../../shared/base/clock.ts';
import type { RepairPart, RepairPlan, RepairScope } from '../../../shared/domain/repair-plan.ts';
import type { Backend } from '../../../shared/repository/backend/backend.ts';
import { verifyRepository } from '../../../shared/repository/check/verify.ts';
import { openRepository } from '../../../shared/repository/open-repository.ts';
import type { OpenedRepository } from '../../../shared/repository/opened-repository.ts';
import { planRepair } from '../../../shared/repository/repair/plan-repair.ts';
import type { RestorePoint } from '../../../shared/repository/restore-point.ts';
import { PASSWORD, testSignal } from '../test-repository.ts';
import { walkTree } from '../walk-tree.ts';

export const WISHES: Readonly<Record<RepairPart, RepairScope>> = {
  index: { part: 'index', readAll: true },
  packs: { part: 'packs' },
  points: { part: 'points', forget: true },
};

/** Tells the time, and does not wait for a store to settle. */
const CLOCK: Clock = { ...systemClock, sleep: () => Promise.resolve() };

export async function repair(backend: Backend, scope: RepairScope): Promise<RepairPlan> {
  const signal = testSignal();
  const repository = await openRepository(backend, PASSWORD, signal, { clock: CLOCK });
  await using lock = await repository.lock('exclusive', signal);
  const onProgress = (): void => undefined;
  const prepared = await planRepair(repository, scope, { signal, onProgress });
  await prepared.apply({ lock, signal, onProgress });
  return prepared.plan;
}

export async function repairAll(backend: Backend): Promise<readonly RepairPlan[]> {
  const plans: RepairPlan[] = [];
  for (const scope of Object.values(WISHES)) plans.push(await repair(backend, scope));
  return plans;
}

/** "1a2b3c4d:/path" → what is there, for every file and folder of every restore point; copies count for originals. */
export async function contents(backend: Backend): Promise<ReadonlyMap<string, string>> {
  const signal = testSignal();
  const repository = await openRepository(backend, PASSWORD, signal);
  await repository.loadIndex(signal);
  const found = new Map<string, string>();
  for (const point of (await repository.listRestorePoints(signal)).points) {
    const name = (point.original ?? point.id).slice(0, 8);
    found.set(`${name}:/`, 'a restore point');
    for (const [path, content] of await filesOf(repository, point)) found.set(`${name}:/${path}`, content);
  }
  return found;
}

async function filesOf(repository: OpenedRepository, point: RestorePoint): Promise<[string, string][]> {
  const files: [string, string][] = [];
  for await (const { path, node } of walkTree(repository, point.tree, testSignal())) {
    const pieces: string[] = [];
    for (const id of node.content ?? [])
      pieces.push((await repository.loadBlob('data', id, testSignal())).toString('hex'));
    files.push([path.join('/'), `${node.type} ${node.size} ${pieces.join('')}`]);
  }
  return files;
}

/** What is hit, by a verify of all data. */
export async function victimsIn(backend: Backend): Promise<readonly string[]> {
  const repository = await openRepository(backend, PASSWORD, testSignal());
  const { findings } = await verifyRepository(repository, { signal: testSignal() });
  return findings.filter(({ severity }) => severity === 'damage').flatMap(({ affects }) => affects);
}
