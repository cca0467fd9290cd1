/**
 * A program for kill tests: waits for one command on standard input, does that work on a repository, and says how far it
 * is. It kills itself at a given write or removal, or is killed from outside at any moment.
 */
import { createInterface } from 'node:readline';
import { systemClock } from '../../shared/base/clock.ts';
import { EVERY_POINT } from '../../shared/domain/point-filter.ts';
import { copy } from '../../shared/pipeline/copy.ts';
import { forget } from '../../shared/pipeline/forget.ts';
import { prune } from '../../shared/pipeline/prune.ts';
import type { Backend } from '../../shared/repository/backend/backend.ts';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import { NOTHING_CONFIGURED } from './configured-names.ts';
import { repair } from './damage/repair-lab.ts';
import { hastyClock } from './repository-copies.ts';
import { chanceFrom } from './seeded.ts';
import { backUp, PASSWORD, type TestTree, testSignal } from './test-repository.ts';

export const WORK = ['backup', 'forget', 'forget and prune', 'prune', 'copy', 'repair index'] as const;
export type Work = (typeof WORK)[number];

export interface WorkOrder {
  readonly work: Work;
  readonly seed: number;
  /** Restore points for `forget`. */
  readonly points: readonly string[];
  /** The number of the write or removal, from 1 on, at which to die; 0 for none. */
  readonly dieAt: number;
  readonly dieAfter: boolean;
}

export type WorkNews =
  | { readonly kind: 'ready' | 'begun' }
  | { readonly kind: 'saved'; readonly point: string }
  | { readonly kind: 'done'; readonly changes: number };

const say = (news: WorkNews): boolean => process.stdout.write(`${JSON.stringify(news)}\n`);
const signal = testSignal();
const [mainFolder = '', otherFolder = ''] = process.argv.slice(2);
let changes = 0;

function mortal(backend: Backend, { dieAt, dieAfter }: WorkOrder): Backend {
  return new Proxy(backend, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      if (key !== 'save' && key !== 'remove') return value.bind(target) as unknown;
      return async (...call: unknown[]) => {
        changes += 1;
        const isLast = changes === dieAt;
        if (isLast && !dieAfter) process.kill(process.pid, 'SIGKILL');
        await (value.apply(target, call) as Promise<void>);
        if (isLast) process.kill(process.pid, 'SIGKILL');
      };
    },
  });
}

async function work(order: WorkOrder): Promise<void> {
  const main = mortal(createLocalBackend(mainFolder), order);
  const open = (backend: Backend) => (stop: AbortSignal) =>
    openRepository(backend, PASSWORD, stop, { clock: hastyClock });
  const ports = { openRepository: open(main), clock: systemClock, emit: () => undefined };
  const options = { maxUnused: '0%' };
  switch (order.work) {
    case 'backup': {
      await using repository = await open(main)(signal);
      const { id } = await backUp(repository, treeOf(order.seed), { packSizeBytes: 50_000 }, signal);
      say({ kind: 'saved', point: id });
      return;
    }
    case 'forget':
    case 'forget and prune': {
      const selection = { by: 'points', points: order.points } as const;
      const scope = order.work === 'forget' ? { selection } : { selection, prune: options };
      await forget(scope, { ...ports, configured: NOTHING_CONFIGURED }, signal);
      return;
    }
    case 'prune':
      await prune({ options }, ports, signal);
      return;
    case 'copy': {
      const other = mortal(createLocalBackend(otherFolder), order);
      const copyPorts = { ...ports, openSource: open(main), openTarget: open(other), workers: 1 };
      await copy(
        { from: 'main', to: 'other', points: [], filter: EVERY_POINT, configured: NOTHING_CONFIGURED },
        copyPorts,
        signal,
      );
      return;
    }
    case 'repair index':
      await leaveUnnamedPack(order.seed);
      await repair(main, { part: 'index', readAll: true });
  }
}

/** Something for the repair to find: a pack that no index names, as an interrupted backup leaves it. */
async function leaveUnnamedPack(seed: number): Promise<void> {
  const repository = await openRepository(createLocalBackend(mainFolder), PASSWORD, signal, { clock: hastyClock });
  await using lock = await repository.lock('shared', signal);
  await using writer = await repository.openWriter(lock, { workers: 1, packSizeBytes: 1 });
  await (await writer.put('data', chanceFrom(seed).bytes(9000), signal)).saved;
  while (writer.stats.packs === 0) await systemClock.sleep(5, signal);
}

/** Some content that is new, some that other trees have too. */
export function treeOf(seed: number): TestTree {
  const chance = chanceFrom(seed);
  const folder = (name: string): TestTree =>
    Object.fromEntries(
      Array.from({ length: 5 }, (_, n) => {
        const shared = chanceFrom(1 + chance.below(12));
        return [`${name}-${n}`, chance.below(2) === 0 ? shared.bytes(20_000) : chance.bytes(1 + chance.below(40_000))];
      }),
    );
  return { srv: { a: folder('a'), b: folder('b'), [`run-${seed % 1000}`]: { name: `seed ${seed}` } } };
}

if (process.argv[1] === import.meta.filename) {
  say({ kind: 'ready' });
  for await (const line of createInterface({ input: process.stdin })) {
    say({ kind: 'begun' });
    await work(JSON.parse(line) as WorkOrder);
    say({ kind: 'done', changes });
    break;
  }
  process.exit(0);
}
