/**
 * Snapshots that stay: made as those of a backup are, by the same section under the same watchman, and then given the names
 * under which they stay.
 *
 * Invariant: what has not got its new name goes with the run, whatever happens to it. Crash story: cut between two of the
 * names, a part of the set stays; where we live on, it is removed at once, else every list shows that it is not whole.
 */
import { cleanupSignal } from '../../base/cancel.ts';
import { StillpointError, toErrorRecord } from '../../base/errors.ts';
import { whoWeAre } from '../../base/who-we-are.ts';
import { judgeConsistency } from '../../domain/consistency.ts';
import { type KeptMarks, marksToWords, requireReason } from '../../domain/kept-marks.ts';
import { type KeptId, keptBy } from '../../domain/kept-name.ts';
import type { KeepPlan } from '../../domain/kept-plans.ts';
import { type HostName, newRunId, type RunId } from '../../domain/names.ts';
import { requireApproved } from '../../domain/plan.ts';
import { runOfPlan } from '../../domain/plan-id.ts';
import type { KeepReport } from '../../domain/verbs/keep.ts';
import { lastLines } from '../../remote/host-errors.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import { keepSnapshots } from '../../snapshot/keep-set.ts';
import type { KeepSteps } from '../../snapshot/kept-port.ts';
import type { TakenSnapshot } from '../../snapshot/provider.ts';
import type { Survey } from '../../snapshot/survey.ts';
import { takeUnderLease } from '../backup/freeze.ts';
import { phases } from '../backup/phases.ts';
import { requireProof } from '../backup/require-proof.ts';
import type { RunPorts } from '../backup/run.ts';
import { evidenceOf, freezeMs } from '../backup/snapshot-report.ts';
import { foreseenOf } from '../foreseen.ts';
import { waitsOf } from '../plan-waits.ts';
import { type Preparation, type PreparePorts, prepare } from '../prepare.ts';
import { openResources } from '../resources.ts';
import { sweepOwn } from '../sweep.ts';
import { describeKeep } from './describe.ts';
import { dropFound } from './drop.ts';
import { findKept, lookForKept } from './listing.ts';
import type { KeepRequest } from './request.ts';
import { keptScope } from './scope.ts';

type KeepPorts = Omit<RunPorts, 'workFolder'>;

/** Changes nothing. */
export async function planKeep(
  request: KeepRequest,
  { owner, dead }: Pick<KeepPorts, 'owner'> & { readonly dead: readonly RunId[] },
  ports: PreparePorts,
  signal: AbortSignal,
): Promise<KeepPlan> {
  const prepared = await prepareKeep(request, { run: newRunId(), owner }, dead, ports, signal);
  const plan = describeKeep(request, prepared);
  return { ...plan, risks: [...plan.risks, ...(await waitsOf(prepared, { dead, spec: request.host }, ports, signal))] };
}

function prepareKeep(
  { host, paths, source, lifetimeSeconds, reason }: KeepRequest,
  identity: Parameters<typeof prepare>[1],
  dead: readonly RunId[],
  ports: PreparePorts,
  signal: AbortSignal,
): Promise<Preparation> {
  requireReason(reason);
  const wish = { ...identity, lifetimeSeconds: lifetimeSeconds ?? FOREVER };
  return prepare(keptScope({ host: host.name, paths }, source), wish, dead, { ...ports, isKept: true }, signal);
}

/** For what is sized by how long it lives. */
const FOREVER = 365 * 24 * 3600;

export async function keep(request: KeepRequest, ports: KeepPorts, signal: AbortSignal): Promise<KeepReport> {
  const { emit, clock, owner, registry } = ports;
  const run = request.plan === undefined ? newRunId() : runOfPlan(request.plan);
  const phase = phases<'keep-snapshots'>(emit, clock, signal);
  await using resources = openResources(emit);
  const host = await phase('connect', async () => resources.use(await ports.openHost(signal)));
  const prepared = await phase('preflight', async () => {
    await sweepOwn(host, ports, signal);
    const ready = await prepareKeep(request, { run, owner }, [], { host, clock, registry }, signal);
    requireApproved(request.plan, describeKeep(request, ready));
    await requireNew(keptBy(run), ready, host, signal);
    return ready;
  });
  const { snapshots, survey } = prepared;
  const taking = { host, ports, phase, resources };
  const { hold, set, held } = await takeUnderLease(snapshots, request.host, taking, signal);
  const takenAt = Math.floor(clock.now().getTime() / 1000);
  const evidence = evidenceOf(set.taken, snapshots.holds, set.held);
  requireProof(
    keptScope({ host: request.host.name, paths: request.paths }, request.source),
    foreseenOf(prepared),
    evidence,
  );
  const about = { ...marksOf(request, takenAt), owner };
  const steps = set.taken.map((taken, index) => {
    const words = marksToWords({ ...about, part: index + 1, parts: set.taken.length });
    return stepsOf(taken, words, survey);
  });
  await phase('keep', async () => {
    held.throwIfAborted();
    await giveNames(set.taken, steps, { host, name: request.host.name }, ports);
    hold.keep(set.taken.map(({ planned }, index) => ({ volume: planned.volume, id: steps[index]?.id ?? '' })));
  });
  await phase('release', () => hold.release());
  const { consistency, skewMs } = judgeConsistency(evidence);
  return {
    ...{
      kind: 'keep-snapshots',
      host: request.host.name,
      set: keptBy(run),
      consistency,
      skewMs,
      holds: evidence.holds,
    },
    time: new Date(takenAt * 1000).toISOString(),
    expires: about.expires === undefined ? undefined : new Date(about.expires * 1000).toISOString(),
    snapshots: set.taken.map((taken, index) => ({
      ...{ volume: taken.planned.volume, id: steps[index]?.id ?? '' },
      ...{ freezeMs: freezeMs(taken), sizeBytes: taken.planned.sizeBytes },
    })),
  };
}

/** A plan is good for one set. Where its job is long forgotten, the host still knows. */
async function requireNew(set: KeptId, { survey }: Preparation, host: RemoteHost, signal: AbortSignal): Promise<void> {
  const found = await lookForKept(survey.storages, host, signal);
  if (found.every(({ object }) => object.set !== set)) return;
  throw new StillpointError('plan.used', `Snapshots are kept on "${host.name}" as ${set} already.`, {
    advice: 'Make the plan again; each is good for one set.',
    details: { host: host.name, set },
    cause: undefined,
  });
}

function marksOf(
  { reason, lifetimeSeconds, pair }: KeepRequest,
  taken: number,
): Omit<KeptMarks, 'owner' | 'part' | 'parts'> {
  const expires = lifetimeSeconds === undefined ? undefined : taken + lifetimeSeconds;
  return { by: whoWeAre(), reason, taken, expires, pair };
}

function stepsOf(taken: TakenSnapshot, words: readonly string[], { storages }: Survey): KeepSteps {
  const storage = storages.find(({ provider }) => provider.kind === taken.provider);
  if (storage === undefined) throw new Error(`no storage is called ${taken.provider}`);
  return storage.kept.keep(taken, words);
}

interface NamedHost {
  readonly host: RemoteHost;
  readonly name: HostName;
}

/** All or none. Once it has begun it is not cancelled: a second is not worth half a set. */
async function giveNames(
  taken: readonly TakenSnapshot[],
  steps: readonly KeepSteps[],
  { host, name }: NamedHost,
  ports: KeepPorts,
): Promise<void> {
  const [first] = taken;
  if (first === undefined) return;
  ports.emit({ type: 'snapshots-keeping', host: host.name });
  try {
    const answer = await host.run(keepSnapshots(first.run, steps, ports.registry.scripts), cleanupSignal(600_000));
    if ('kept' in answer) return;
    const { part, stderr } = answer.failed;
    const snapshot = taken[part % taken.length] ?? first;
    throw new StillpointError(
      'snapshot.create-failed',
      `The snapshot of "${snapshot.planned.volume}" on "${host.name}" could not be kept.${lastLines(stderr)}`,
      {
        advice: 'Correct on the host what it complains of, or give it more room, and do it again.',
        details: { ...answer.failed },
        cause: undefined,
      },
    );
  } catch (error) {
    await takeBack(steps, { host, name }, ports);
    throw error;
  }
}

/** What has got its name by then is removed. Where even that fails, a person has to know. */
async function takeBack(steps: readonly KeepSteps[], { host, name }: NamedHost, ports: KeepPorts): Promise<void> {
  try {
    const { found } = await findKept(name, { ...ports, host }, cleanupSignal());
    const own = found.filter(({ object }) => steps.some(({ id, proof }) => id === object.id && proof === object.proof));
    const { left } = await dropFound(own, host, ports, cleanupSignal());
    const [stays] = left;
    if (stays !== undefined) throw new Error(`${stays.object}: ${stays.reason}`);
  } catch (error) {
    ports.emit({
      type: 'cleanup-failed',
      what: `removing ${steps.map(({ id }) => id).join(', ')} on ${host.name}`,
      error: toErrorRecord(error),
    });
  }
}
