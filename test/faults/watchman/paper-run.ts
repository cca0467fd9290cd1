/**
 * One run at a time on a paper host, under a shell of choice: what the suites of the watchman share. Whatever a test
 * leaves running ends with it.
 */
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { StillpointError } from '../../../shared/base/errors.ts';
import { newRunId, ownerId, type RunId } from '../../../shared/domain/names.ts';
import { identifyAccount } from '../../../shared/remote/identify-account.ts';
import { type MadeSnapshot, takeSnapshots } from '../../../shared/snapshot/critical-section.ts';
import { armLease } from '../../../shared/snapshot/host/commands.ts';
import { createSnapshot, type SnapshotOrder } from '../../../shared/snapshot/lvm/thick/create.ts';
import { REGISTRY } from '../../../shared/snapshot/registry.ts';
import { eventually, type PaperHost, type Shell, startPaperHost } from '../../support/snapshot/paper-lvm.ts';

export const { scripts } = REGISTRY;
export const owner = ownerId('00112233aabb');
export const other = ownerId('ffeeddccbbaa');

export interface PaperRun {
  readonly shell: Shell;
  readonly paper: () => PaperHost;
  readonly run: () => RunId;
  readonly folder: () => string;
  readonly ourTags: () => string;
  readonly order: () => SnapshotOrder;
  /** Makes these in one critical section; a part that fails is an error with its exit code and what was said. */
  readonly create: (orders?: readonly SnapshotOrder[], signal?: AbortSignal) => Promise<readonly MadeSnapshot[]>;
  readonly arm: (leaseSeconds: number, mounts?: number) => Promise<void>;
  readonly exists: (path: string) => Promise<boolean>;
  /** Waits until the folder of the run is gone. */
  readonly gone: () => Promise<void>;
  /** A process inside the run's namespace with something mounted, as a reader has. Its pid. */
  readonly startReader: () => Promise<string>;
  /** A zombie is dead: no process here waits for it. */
  readonly lives: (pid: string) => Promise<boolean>;
  /** Everything but the host's own first process and the one that asks. */
  readonly processes: () => Promise<string>;
}

/** Registers the hooks of a suite. */
export function paperRun(shell: Shell, whyNot: string | undefined): PaperRun {
  let paper: PaperHost;
  let run: RunId;
  const folder = (): string => `/run/stillpoint/${run}`;
  const ourTags = (): string => `sp.owner=${owner},sp.run=${run},stillpoint`;
  const order = (): SnapshotOrder => ({
    group: 'vg0',
    origin: 'files',
    name: `sp_${run}_11111111`,
    extents: 64,
    leastExtents: 16,
    reserveExtents: 100,
    extentBytes: 4_194_304,
  });
  const create = async (
    orders: readonly SnapshotOrder[] = [order()],
    signal: AbortSignal = never,
  ): Promise<readonly MadeSnapshot[]> => {
    const identity = { run, owner };
    const section = { ...identity, holds: [], creates: orders.map((each) => createSnapshot(identity, each)) };
    const answer = await paper.host.run(takeSnapshots(section, scripts), signal);
    if ('result' in answer) return answer.result.made;
    if ('taken' in answer) throw new Error(`another run has ${answer.taken.what}`);
    const facts = { advice: '', details: { ...answer.failed }, cause: undefined };
    throw new StillpointError('snapshot.create-failed', 'a part failed', facts);
  };
  const arm = async (leaseSeconds: number, mounts = 1): Promise<void> => {
    await paper.host.run(armLease(scripts, { run, owner, leaseSeconds, mounts, holds: 0 }), never);
  };
  const exists = async (path: string): Promise<boolean> => (await paper.sh(`[ ! -e '${path}' ] || echo yes`)) === 'yes';
  const gone = (): Promise<void> => eventually(async () => !(await exists(folder())), 'the run is gone');
  const startReader = async (): Promise<string> => {
    const script = `read -r pid ns < ${folder()}/keeper
nsenter --mount=/proc/$pid/ns/mnt -- mount -t tmpfs reader ${folder()}/mnt/0
setsid nsenter --mount=/proc/$pid/ns/mnt -- sleep 4242 </dev/null >/dev/null 2>&1 & echo $!`;
    return await paper.sh(script);
  };
  const lives = async (pid: string): Promise<boolean> =>
    (await paper.sh(`grep -qs '^State:.[^Z]' /proc/${pid}/status && echo yes || :`)) === 'yes';
  const processes = async (): Promise<string> =>
    await paper.sh(
      `for p in /proc/[0-9]*; do [ "\${p#/proc/}" = 1 ] || [ "\${p#/proc/}" = $$ ] || tr '\\0' ' ' < $p/cmdline 2>/dev/null || :; done`,
    );

  beforeAll(async () => {
    if (whyNot === undefined) paper = await startPaperHost(shell);
  });
  afterAll(async () => {
    await paper?.[Symbol.asyncDispose]();
  });
  beforeEach(async ({ skip }) => {
    skip(whyNot !== undefined, whyNot);
    await paper.reset();
    run = newRunId();
  });
  afterEach(async () => {
    if (whyNot !== undefined) return;
    const everybody =
      'for p in /proc/[0-9]*; do p=${p#/proc/}; [ $p = 1 ] || [ $p = $$ ] || kill -KILL $p 2>/dev/null || :; done';
    await paper.sh(`${everybody}; rm -rf /run/stillpoint`);
    await eventually(async () => (await processes()) === '', 'the last watchman has ended');
    // The shell that answered last was killed, too: what may run again finds that out, and arming a lease would fail of it.
    await paper.host.run(identifyAccount, never);
  });

  return {
    ...{ shell, folder, ourTags, order, create, arm, exists, gone, startReader, lives, processes },
    paper: () => paper,
    run: () => run,
  };
}
