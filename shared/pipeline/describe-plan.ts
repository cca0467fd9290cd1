/** A prepared backup as its plan: the scripts are made by the same calls as those that run. */
import { displayName } from '../base/bytes.ts';
import type { BackupPlan, ExportPlan, RunPlan } from '../domain/backup-plan.ts';
import { describeSkew } from '../domain/clock-skew.ts';
import type { RunId } from '../domain/names.ts';
import type { PlanStep } from '../domain/plan.ts';
import { backupPlanId } from '../domain/plan-id.ts';
import type { HostSpec, Source } from '../domain/source.ts';
import { type ExportTarget, placeOf } from '../domain/verbs/export.ts';
import type { PlannedDump } from '../dump/dump.ts';
import { beginningsOf, endingsOf } from '../quiesce/hold-words.ts';
import type { RemoteScript } from '../remote/command.ts';
import { RUN_ROOT } from '../remote/run-root.ts';
import { takeSnapshots } from '../snapshot/critical-section.ts';
import { armLease, releaseLease, sweepHost } from '../snapshot/host/commands.ts';
import { mountSnapshots } from '../snapshot/mounting.ts';
import type { Registry } from '../snapshot/registry.ts';
import { changesNothing, sectionOf } from '../snapshot/snapshot-set.ts';
import { termsOf } from './backup/terms.ts';
import { dumpCommand } from './dump/dump-stream.ts';
import { plannedFile } from './dump/take-dumps.ts';
import { foreseenOf, livePaths } from './foreseen.ts';
import type { Preparation } from './prepare.ts';

export interface PlanRequest {
  readonly source: Source;
  readonly host: HostSpec;
}

interface Planned {
  /** What dead runs a sweep is going to take. */
  readonly dead: readonly RunId[];
  readonly registry: Registry;
}

export function describePlan(request: PlanRequest, prepared: Preparation, planned: Planned): BackupPlan {
  const { repository } = request.source;
  return describeRun(request, prepared, planned, {
    what: { kind: 'backup', repository },
    rollback: 'A restore point is removed with "forget".',
    last: [],
  });
}

export function describeExport(
  request: PlanRequest & { readonly to: ExportTarget },
  prepared: Preparation,
  planned: Planned,
): ExportPlan {
  const { to } = request;
  return describeRun(request, prepared, planned, {
    what: { kind: 'export', to },
    rollback: ROLLBACKS[to.kind],
    last: [stepOf(to)],
  });
}

const ROLLBACKS: Readonly<Record<ExportTarget['kind'], string>> = {
  archive: 'An archive is removed like any file.',
  mirror: 'The states that the mirror had stay until the new one is proved, and then as many as are to be kept.',
};

/** Where it goes, for people: this is a step on another machine than the host's. */
function stepOf(to: ExportTarget): PlanStep {
  const place = `"${placeOf(to)}"`;
  if (to.kind === 'archive') {
    const over = to.overwrite === true ? `, and replace what has that name` : '';
    return { does: [`read the archive back, and then give it its name ${place}${over}`] };
  }
  const then = to.keep === undefined ? [] : [`remove older states than the last ${to.keep}`];
  return { does: [`read the new state of the mirror ${place} back, and then make it the latest`, ...then] };
}

interface Described<What> {
  readonly what: What;
  readonly rollback: string;
  /** Beside the host. */
  readonly last: readonly PlanStep[];
}

function describeRun<What extends { readonly kind: string }>(
  { source, host }: PlanRequest,
  prepared: Preparation,
  { dead, registry }: Planned,
  { what, rollback, last }: Described<What>,
): RunPlan<What['kind']> & What {
  const { survey, coverage, devices, snapshots, dumps } = prepared;
  const live = livePaths(coverage);
  const skew = describeSkew(source.host, survey.clockSkew);
  const used = coverage.volumes.map((volume) => volume.volume.usedBytes);
  const reading = [
    ...(source.system === true ? [ASKING_LAYOUT] : []),
    ...(live.length === 0 ? [] : [readingLive(live)]),
  ];
  const dumping = dumps.map((dump) => takingDump(dump, host));
  const onHost = changesNothing(snapshots)
    ? [...dumping, ...reading]
    : stepsOf(prepared, { host, dead, dumping, reading, registry });
  const steps = [...onHost, ...last];
  const deed = {
    ...what,
    ...{ run: snapshots.run, source: source.name, host: source.host },
    paths: [...coverage.trees.toReversed(), ...devices].map(({ path }) => displayName(path)),
    snapshots: snapshots.items.map((item) => item.planned),
    ...(dumps.length === 0 ? {} : { dumps: dumps.map(plannedFile) }),
  };
  return {
    ...deed,
    id: backupPlanId(snapshots.run, {
      ...deed,
      exclude: source.exclude,
      leaveOut: source.leaveOut,
      steps: steps.filter((step) => step.command?.name !== 'sweep-host'),
    }),
    basis: 'the host, the configuration',
    rollback: changesNothing(snapshots)
      ? rollback
      : `What is made on the host goes with the run, whatever happens to it. ${rollback}`,
    steps,
    consistency: foreseenOf(prepared),
    estimate: {
      bytesOnVolumes:
        live.length + dumps.length === 0 && used.every((bytes) => bytes !== undefined)
          ? used.reduce((sum, bytes) => sum + bytes, 0)
          : undefined,
    },
    risks: [...(skew === undefined ? [] : [skew]), ...coverage.notes, ...snapshots.risks],
  };
}

/** It changes nothing, but goes beyond what a backup looks at. */
const ASKING_LAYOUT: PlanStep = {
  does: ['ask how the disks are laid out: partition tables, volumes, file systems, packages, what starts the machine'],
};

const readingLive = (paths: readonly string[]): PlanStep => ({
  does: paths.map((path) => `read "${path}" where it lies, while it may be changing`),
});

/** The last step before the host is changed, if it is. */
function takingDump(dump: PlannedDump, { leaseSeconds }: HostSpec): PlanStep {
  const { path } = plannedFile(dump);
  const { does, command } = shown(dumpCommand(dump, leaseSeconds), [`${dump.line} > ${path}`]);
  return command === undefined ? { does } : { does, command: { ...command, changesNothing: true } };
}

/**
 * The very scripts that a backup runs, those that only look left out. The sweep comes first: what it finds is not the
 * plan's, whose id it is no part of.
 */
function stepsOf(
  { snapshots, removes }: Preparation,
  {
    host,
    dead,
    dumping,
    reading,
    registry: { scripts },
  }: {
    readonly host: HostSpec;
    readonly dead: readonly RunId[];
    readonly dumping: readonly PlanStep[];
    readonly reading: readonly PlanStep[];
    readonly registry: Registry;
  },
): readonly PlanStep[] {
  const { run, owner, items, holds } = snapshots;
  const terms = termsOf(snapshots, host);
  const folder = `${RUN_ROOT}/${run}`;
  const mounting = shown(
    mountSnapshots(run, items, scripts),
    items.map(({ lines }, index) => lines.mount(`${folder}/mnt/${index}`)),
  );
  return [
    shown(sweepHost(scripts, owner, dead), ['look for what earlier runs left, and remove it', ...removes]),
    ...dumping,
    shown(armLease(scripts, terms), [
      `start a watchman, ${folder}/watch.sh, who takes everything back when nothing is heard of us for ${terms.leaseSeconds} s`,
    ]),
    shown(takeSnapshots(sectionOf(snapshots), scripts), [
      ...beginningsOf(holds),
      ...items.map(({ lines }) => lines.create),
      ...endingsOf(holds),
    ]),
    ...(items.length === 0 ? [] : [mounting]),
    ...reading,
    shown(releaseLease(scripts, run, owner), [
      ...items.map(({ lines }) => lines.remove),
      `remove ${folder} and end the watchman`,
    ]),
  ];
}

function shown({ name, needs, script, args }: RemoteScript, does: readonly string[]): PlanStep {
  const words = args.map((arg) => (typeof arg === 'string' ? arg : displayName(Buffer.from(arg))));
  return { does, command: { name, needs, script, args: words } };
}
