/**
 * A process that works on a repository is killed at moments of chance: at a write or removal by number, or at any
 * instant by the clock. Each time every earlier restore point reads the same, the next work goes through by itself and
 * takes the dead process's locks away, and restic finds nothing that matters.
 *
 * A usual run kills twelve times; STILLPOINT_KILL=all kills two hundred times. A failure prints the seed, and
 * STILLPOINT_SEED repeats the orders that it gave.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { prune } from '../../shared/pipeline/prune.ts';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import type { OpenedRepository } from '../../shared/repository/opened-repository.ts';
import { hastyClock } from '../support/repository-copies.ts';
import { treeOf, WORK, type Work, type WorkNews, type WorkOrder } from '../support/repository-work.ts';
import { resticFinds, resticOk } from '../support/restic.ts';
import { chanceFrom } from '../support/seeded.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { backUp, createTestRepository, PASSWORD } from '../support/test-repository.ts';
import { walkTree } from '../support/walk-tree.ts';

const isLong = process.env['STILLPOINT_KILL'] === 'all';
const KILLS = isLong ? 200 : 12;
const BUDGET_MS = isLong ? 30 * 60_000 : 4 * 60_000;
const RESTORE_EVERY = isLong ? 20 : 6;
const SEED = Number(process.env['STILLPOINT_SEED'] ?? Date.now() % 2 ** 31);
const PROGRAM = new URL('../support/repository-work.ts', import.meta.url).pathname;
/** More would only make each look slower. */
const MOST_POINTS = 8;

/** What an interrupted backup, copy or prune leaves: packs that no index names, and packs that two of them name. */
const HARMLESS = /not referenced in any index|additional files were found|contained in several indexes/;

const chance = chanceFrom(SEED);
const signal = AbortSignal.timeout(BUDGET_MS);
let folder: TemporaryFolder;
/** Every restore point that must be there, with what it holds. */
const points = new Map<string, string>();
/** How many writes and removals a kind of work does when it is not killed, and how long that takes. */
const usual = new Map<Work, { changes: number; ms: number }>();

const place = (name: 'main' | 'other'): string => join(folder.path, name);
const open = (name: 'main' | 'other'): Promise<OpenedRepository> =>
  openRepository(createLocalBackend(place(name)), PASSWORD, signal, { clock: hastyClock });

/** A worker that has loaded its program and waits for its order. */
class Worker {
  readonly #process;
  readonly #news: AsyncIterator<string>;

  constructor() {
    this.#process = execa(process.execPath, [PROGRAM, place('main'), place('other')], {
      reject: false,
      forceKillAfterDelay: false,
    });
    this.#news = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  async *run(order: WorkOrder): AsyncGenerator<WorkNews> {
    this.#process.stdin.end(`${JSON.stringify(order)}\n`);
    for (let line = await this.#news.next(); line.done !== true; line = await this.#news.next()) {
      yield JSON.parse(line.value) as WorkNews;
    }
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }

  /** Whether it was killed, and did not come to its end. */
  async wasKilled(): Promise<boolean> {
    const { signal: by, exitCode, stderr } = await this.#process;
    if (by !== 'SIGKILL' && (exitCode !== 0 || stderr !== '')) throw new Error(`the work failed: ${stderr}`);
    return by === 'SIGKILL';
  }
}

/** Runs it, and kills it `killAfterMs` after its begin, unless that is undefined. */
async function runOrder(worker: Worker, order: WorkOrder, killAfterMs: number | undefined) {
  let begun = 0;
  let changes = 0;
  const saved: string[] = [];
  for await (const news of worker.run(order)) {
    if (news.kind === 'begun') {
      begun = performance.now();
      if (killAfterMs !== undefined) void wait(killAfterMs).then(() => worker.kill());
    } else if (news.kind === 'saved') saved.push(news.point);
    else if (news.kind === 'done') changes = news.changes;
  }
  return { saved, changes, ms: performance.now() - begun, isKilled: await worker.wasKilled() };
}

const digestOf = (lines: readonly string[]): string =>
  createHash('sha256').update(lines.toSorted().join('\n')).digest('hex');
const lineOf = (path: string, content: Buffer): string =>
  `${path} ${createHash('sha256').update(content).digest('hex')}`;

async function digestOfPoint(repository: OpenedRepository, id: string): Promise<string> {
  const { tree } = await repository.findRestorePoint(id, signal);
  const lines: string[] = [];
  for await (const { path, node } of walkTree(repository, tree, signal)) {
    if (node.content === undefined) continue;
    const pieces: Buffer[] = [];
    for (const blob of node.content) pieces.push(await repository.loadBlob('data', blob, signal));
    lines.push(lineOf(path.join('/'), Buffer.concat(pieces)));
  }
  return digestOf(lines);
}

async function digestOfFolder(top: string): Promise<string> {
  const lines: string[] = [];
  for (const entry of await readdir(top, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    lines.push(lineOf(path.slice(top.length + 1), await readFile(path)));
  }
  return digestOf(lines);
}

async function expectNoLocks(repository: OpenedRepository): Promise<void> {
  expect(await repository.files.listNames('locks', signal)).toEqual([]);
}

/** @param leaving restore points that may or may not be gone by now */
async function expectAllWhole(repository: OpenedRepository, leaving: readonly string[]): Promise<void> {
  const there = new Set((await repository.listRestorePoints(signal)).points.map(({ id }) => String(id)));
  await repository.loadIndex(signal);
  for (const id of leaving) if (!there.has(id)) points.delete(id);
  expect([...points.keys()].filter((id) => !there.has(id))).toEqual([]);
  for (const id of there) {
    const digest = await digestOfPoint(repository, id);
    // One that was saved in the last instant, before the process could say so.
    if (!points.has(id)) points.set(id, digest);
    expect([id, digest]).toEqual([id, points.get(id)]);
  }
}

async function expectCopiesWhole(): Promise<void> {
  await using other = await open('other');
  {
    await using _lock = await other.lock('exclusive', signal);
  }
  await expectNoLocks(other);
  const copies = (await other.listRestorePoints(signal)).points;
  await other.loadIndex(signal);
  for (const { id, original = '' } of copies) {
    const digest = await digestOfPoint(other, id);
    const expected = points.get(original);
    if (expected !== undefined) expect([id, digest]).toEqual([id, expected]);
  }
  expect((await resticFinds(place('other'))).filter((line) => !HARMLESS.test(line))).toEqual([]);
}

async function expectRestored(): Promise<void> {
  const id = chance.pick([...points.keys()]);
  const target = join(folder.path, 'restored');
  await resticOk(place('main'), 'restore', id, '--target', target);
  expect([id, await digestOfFolder(target)]).toEqual([id, points.get(id)]);
  await rm(target, { recursive: true });
}

function orderFor(work: Work): WorkOrder {
  const old = [...points.keys()];
  const isForgetting = work === 'forget' || work === 'forget and prune';
  const doomed = isForgetting ? Array.from({ length: 1 + chance.below(3) }, () => chance.pick(old)) : [];
  return { work, seed: chance.below(2 ** 31), points: [...new Set(doomed)], dieAt: 0, dieAfter: false };
}

/** What a process does that is not killed; also the next work after each kill, without an `unlock` in between. */
async function backUpHere(): Promise<void> {
  await using repository = await open('main');
  const { id } = await backUp(repository, treeOf(chance.below(2 ** 31)), {}, signal);
  points.set(id, await digestOfPoint(repository, id));
  await expectNoLocks(repository);
}

/** Each kind of work is killed once, then chance decides; with many restore points, some are forgotten. */
function workOf(round: number): Work {
  if (points.size >= MOST_POINTS) return chance.pick(['forget', 'forget and prune'] as const);
  return WORK[round - 1] ?? chance.pick(WORK);
}

beforeAll(async () => {
  folder = await temporaryFolder();
  await createTestRepository(createLocalBackend(place('main')));
  await createTestRepository(createLocalBackend(place('other')));
  await backUpHere();
  for (const work of WORK) {
    if (work !== 'backup') await backUpHere();
    const order = orderFor(work);
    const { changes, ms, isKilled } = await runOrder(new Worker(), order, undefined);
    if (isKilled) throw new Error(`somebody else killed ${work}`);
    usual.set(work, { changes, ms });
    await using repository = await open('main');
    await expectAllWhole(repository, order.points);
  }
}, BUDGET_MS);
afterAll(() => folder[Symbol.asyncDispose]());

test(
  `${KILLS} kills leave every restore point whole (seed ${SEED})`,
  async () => {
    let killed = 0;
    let next = new Worker();
    for (let round = 1; round <= KILLS; round += 1) {
      const work = workOf(round);
      const { changes, ms } = usual.get(work) ?? { changes: 1, ms: 1 };
      const byNumber = chance.below(2) === 0;
      const order = {
        ...orderFor(work),
        dieAt: byNumber ? 1 + chance.below(changes) : 0,
        dieAfter: chance.below(2) === 0,
      };
      const what = `round ${round}: ${JSON.stringify(order)}`;
      const worker = next;
      const end = await runOrder(worker, order, byNumber ? undefined : chance.below(Math.ceil(ms)));
      next = new Worker();
      if (end.isKilled) killed += 1;

      try {
        await using repository = await open('main');
        const there = new Set((await repository.listRestorePoints(signal)).points.map(({ id }) => String(id)));
        expect(end.saved.filter((id) => !there.has(id))).toEqual([]);
        await expectAllWhole(repository, order.points);
        await backUpHere();
        expect((await resticFinds(place('main'))).filter((line) => !HARMLESS.test(line))).toEqual([]);
        if (work === 'copy') await expectCopiesWhole();
        if (round % RESTORE_EVERY === 0) await expectRestored();
      } catch (error) {
        throw new Error(`${what}, seed ${SEED}`, { cause: error });
      }
    }
    next.kill();
    await next.wasKilled();
    expect(killed, 'most were hit while they worked').toBeGreaterThan(KILLS / 2);

    const ports = { openRepository: () => open('main'), clock: hastyClock, emit: () => undefined };
    await prune({ options: { maxUnused: '0%' } }, ports, signal);
    expect(await resticFinds(place('main'), '--read-data')).toEqual([]);
    await using repository = await open('main');
    await expectAllWhole(repository, []);
  },
  BUDGET_MS,
);
