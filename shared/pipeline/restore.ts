/**
 * The restore: from a restore point to a folder, with everything that was kept.
 *
 * The repository's tree becomes a tar stream, in bounded memory, and `tar -x` of the machine makes the files; so the
 * same verb can restore onto a host over SSH, and owners, attributes and ACLs are set by a program that has done so
 * for decades.
 *
 * Invariants. Nothing is written outside of the target, whatever the repository says and whatever other users do there
 * meanwhile (`restore/target.ts`). Nothing is overwritten, since the folder is empty or new, but what a plan names that was
 * asked for (`restore/target-plan.ts`), and that only when all that comes is there. Content was proved against its id before it is sent; a file whose content is damaged is left out and named. What is reported as restored
 * was accepted by tar and counted afterwards.
 *
 * Crash story. Dying in the middle leaves the work folder in the target (`restore/work.ts`). The repository is only read.
 */
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { EmitEvent } from '../domain/events.ts';
import type { Overwrite } from '../domain/restore-plan.ts';
import type { RestoreReport } from '../domain/verbs/restore.ts';
import { describeGaps, wholenessOf } from '../domain/wholeness.ts';
import type { RemoteHost } from '../remote/remote-host.ts';
import type { Node } from '../repository/node.ts';
import type { Repository } from '../repository/repository.ts';
import { phases } from './backup/phases.ts';
import { openResources } from './resources.ts';
import { planOnly } from './restore/dry-run.ts';
import { extract } from './restore/extraction.ts';
import type { TargetTraits } from './restore/fit-node.ts';
import { fitInto } from './restore/fitting.ts';
import { HardLinks } from './restore/hard-links.ts';
import { judgeTarget } from './restore/judge-target.ts';
import { Outcome } from './restore/outcome.ts';
import { probeTarget } from './restore/probe.ts';
import { prove } from './restore/proof.ts';
import { inStoredOrder } from './restore/stored-order.ts';
import { inTheWay, targetOpen } from './restore/target-errors.ts';
import { planTarget, type TargetPlan } from './restore/target-plan.ts';
import { type Renames, type WalkStart, walkSelected } from './restore/walk.ts';
import { type Asked, findWanted } from './restore/wanted.ts';
import { openMerge, openWork } from './restore/work.ts';
import { removeBroken } from './restore/work-commands.ts';

export interface RestorePorts {
  /** The machine that gets the files: this one. */
  openHost(signal: AbortSignal): Promise<RemoteHost>;
  openRepository(signal: AbortSignal): Promise<Repository>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly emit: EmitEvent;
}

export interface RestoreRequest extends Asked {
  /** An id, the start of one, or "latest". */
  readonly restorePoint: string;
  /** An absolute path to a folder. Without `overwrite` it is empty or does not exist. */
  readonly target: string;
  /** Gives other names to what the target cannot hold, or not beside others; otherwise that is `restore.target`. */
  readonly rename?: boolean;
  readonly noLock?: boolean | undefined;
  /** What becomes of what is there. */
  readonly overwrite?: Overwrite;
  /** Says what would be done, and does nothing. */
  readonly dryRun?: boolean;
}

/**
 * Fails with `restore.target` before anything is restored or when the disk is full, with `restore.failed` when nothing
 * came, and with `repository.…` errors. A restore that leaves out entries ends well and names them in its report.
 */
export async function restore(
  request: RestoreRequest,
  ports: RestorePorts,
  signal: AbortSignal,
): Promise<RestoreReport> {
  const { target, overwrite } = request;
  let plan: TargetPlan | undefined;
  const phase = phases<'restore'>(ports.emit, ports.clock, signal);
  await using resources = openResources(ports.emit);
  const opened = await phase('open', async () => {
    await judgeTarget(target, overwrite !== undefined);
    const repository = resources.use(await ports.openRepository(signal));
    const options = { noLock: request.noLock === true, whenLost: 'go on' } as const;
    const lock = resources.use(await repository.lockForReading(signal, options));
    await repository.loadIndex(signal);
    const point = await repository.findRestorePoint(request.restorePoint, signal);
    const { start, byPatterns } = await findWanted(repository, point, request, signal);
    const outcome = new Outcome(start, ports.emit);
    const host = resources.use(await ports.openHost(signal));
    const workPorts = { host, outcome, emit: ports.emit, plan: () => plan };
    const open = overwrite === undefined ? openWork : openMerge;
    const work = request.dryRun === true ? undefined : resources.use(await open(target, workPorts, signal));
    return { repository, lock, point, start, byPatterns, outcome, host, work };
  });

  const { repository, point, byPatterns, outcome, host, work } = opened;
  const held = AbortSignal.any([signal, opened.lock.signal]);
  const gaps = describeGaps(wholenessOf(point));
  const what = { kind: 'restore', restorePoint: point.id, target } as const;
  if (work === undefined) {
    const planned = await phase('plan', () => planOnly(repository, opened.start, request, host, held));
    const { leftOut, notKept, renamed } = outcome;
    const none = { files: 0, folders: 0, others: 0, bytes: 0 };
    return { ...what, ...none, leftOut, notKept, renamed, byPatterns, gaps, plan: planned, isPlan: true };
  }
  const { folder } = work;
  if (gaps !== undefined) outcome.remark(`The restore point is not whole. ${gaps}`, GAPS_ADVICE);
  const { probed, fitted } = await phase('plan', async () => {
    const found = await host.run(probeTarget(folder, work.facts), held);
    if (!work.facts.isPrivate && found.traits.symlinks) warnOrRefuse(target, found.traits, outcome);
    const fitting = { host, repository, folder, probed: found, outcome, rename: request.rename === true };
    if (overwrite === undefined) return { probed: found, fitted: await fitInto(opened.start, point, fitting, held) };
    const room = found.room.bytes;
    const planWith = async (renames: Renames | undefined): Promise<WalkStart> => {
      const { hardLinks } = found.traits;
      const order = { host, target: work.target, overwrite, room, hardLinks, renames };
      plan = await planTarget(repository, opened.start, order, held);
      if (plan.report.inTheWay.count > 0) throw inTheWay(target, plan.report.inTheWay);
      const chosen = { ...opened.start, choice: plan };
      outcome.starts[0] = chosen;
      return chosen;
    };
    const fitted = await fitInto(await planWith(undefined), point, fitting, held);
    // Under other names there may be something else.
    if (fitted.renames !== undefined) await planWith(fitted.renames);
    return { probed: found, fitted };
  });
  const { traits } = probed;
  const onProgress = (): void =>
    ports.emit({
      type: 'progress',
      phase: 'restore',
      filesDone: outcome.sent.files,
      filesTotal: fitted.files,
      bytesDone: outcome.sent.bytes,
      bytesTotal: fitted.bytes,
    });
  await phase('restore', async () => {
    work.begin();
    const links = new HardLinks();
    const extraction = { host, repository, folder, traits, outcome, links, logger: ports.logger, onProgress };
    for (let next = outcome.starts.shift(); next !== undefined; next = outcome.starts.shift()) {
      outcome.beginWalk(next);
      const order = (nodes: readonly Node[]) => inStoredOrder(nodes, repository.index);
      const entries = walkSelected(repository, next, outcome, { renames: fitted.renames, order, signal: held });
      await extract(entries, next.way, extraction, held);
      if (outcome.broken.length > 0) await host.run(removeBroken(folder, next.way, outcome.broken), held);
      links.nextWalk();
    }
  });
  const figures = await phase('verify', async () => {
    const failure = outcome.failure(target);
    if (failure !== undefined) throw failure;
    const counted = await prove(host, folder, outcome, held);
    const left = await work.finish(held);
    outcome.tellNotKept();
    const bytes = outcome.sent.bytes - left.bytes;
    const files = counted.files - left.files;
    return { files, folders: counted.folders - left.folders, others: counted.others - left.others, bytes };
  });
  const { leftOut, notKept, renamed } = outcome;
  return { ...what, ...figures, leftOut, notKept, renamed, byPatterns, gaps, ...(plan && { plan: plan.report }) };
}

const GAPS_ADVICE = 'Another restore point may have what this one lacks; "list" shows which are whole.';

/** Root's rights are worth leading astray; an ordinary user may continue, as with every other program there. */
function warnOrRefuse(target: string, { uid }: TargetTraits, outcome: Outcome): void {
  if (uid === 0) throw targetOpen(target);
  outcome.remark(
    `The file system of "${target}" does not close a folder to other users.`,
    'Restore there only while no one else can write to it, or others could divert your files elsewhere.',
  );
}
