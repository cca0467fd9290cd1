/** A prepared backup as its plan: the scripts are made by the same calls as those that run. */
import { displayName } from '../base/bytes.ts';
import type { BackupPlan } from '../domain/backup-plan.ts';
import { describeSkew } from '../domain/clock-skew.ts';
import { foreseenConsistency } from '../domain/consistency.ts';
import type { RunId } from '../domain/names.ts';
import type { PlanStep } from '../domain/plan.ts';
import { backupPlanId } from '../domain/plan-id.ts';
import type { HostSpec, Source } from '../domain/source.ts';
import { HOLD_WORDS } from '../quiesce/hold-words.ts';
import type { PlannedHold } from '../quiesce/hook.ts';
import type { RemoteScript } from '../remote/command.ts';
import { takeSnapshots } from '../snapshot/critical-section.ts';
import { armLease, releaseLease, sweepHost } from '../snapshot/host/commands.ts';
import { RUN_ROOT } from '../snapshot/host/run-folder.ts';
import { mountSnapshots } from '../snapshot/mounting.ts';
import type { Registry } from '../snapshot/registry.ts';
import { changesNothing, sectionOf } from '../snapshot/snapshot-set.ts';
import { termsOf } from './backup/terms.ts';
import type { Preparation } from './prepare.ts';

export interface PlanRequest {
  readonly source: Source;
  readonly host: HostSpec;
}

export function describePlan(
  { source, host }: PlanRequest,
  prepared: Preparation,
  dead: readonly RunId[],
  registry: Registry,
): BackupPlan {
  const { survey, coverage, snapshots } = prepared;
  const live = coverage.trees.filter(({ isLive }) => isLive).map(({ path }) => displayName(path));
  const skew = describeSkew(source.host, survey.clockSkew);
  const used = coverage.volumes.map((volume) => volume.volume.usedBytes);
  const reading = live.length === 0 ? [] : [readingLive(live)];
  const steps = changesNothing(snapshots) ? reading : stepsOf(prepared, { host, dead, reading, registry });
  const deed = {
    kind: 'backup' as const,
    ...{ run: snapshots.run, source: source.name, host: source.host, repository: source.repository },
    paths: coverage.trees.map((tree) => displayName(tree.path)).reverse(),
    snapshots: snapshots.items.map((item) => item.planned),
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
    rollback:
      'What is made on the host goes with the run, whatever happens to it. A restore point is removed with "forget".',
    steps,
    consistency: foreseenConsistency(
      snapshots.items.map(({ instant, planned }) => instant ?? planned.volumeId),
      snapshots.holds.map(({ label, guarantees }) => ({ what: label, guarantees })),
      live,
    ),
    estimate: {
      bytesOnVolumes:
        live.length === 0 && used.every((bytes) => bytes !== undefined)
          ? used.reduce((sum, bytes) => sum + bytes, 0)
          : undefined,
    },
    risks: [...(skew === undefined ? [] : [skew]), ...coverage.notes, ...snapshots.risks],
  };
}

const WHEN: Readonly<Record<PlannedHold['holds'], string>> = {
  'until-snapshots': '',
  'until-read': ' when all is read',
};

const readingLive = (paths: readonly string[]): PlanStep => ({
  does: paths.map((path) => `read "${path}" where it lies, while it may be changing`),
});

/**
 * The very scripts that a backup runs, those that only look left out. The sweep comes first: what it finds is not the
 * plan's, whose id it is no part of.
 */
function stepsOf(
  { snapshots, removes }: Preparation,
  {
    host,
    dead,
    reading,
    registry: { scripts },
  }: {
    readonly host: HostSpec;
    readonly dead: readonly RunId[];
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
    shown(armLease(scripts, terms), [
      `start a watchman, ${folder}/watch.sh, who takes everything back when nothing is heard of us for ${terms.leaseSeconds} s`,
    ]),
    shown(takeSnapshots(sectionOf(snapshots), scripts), [
      ...holds.map(
        (hold) => `${HOLD_WORDS[hold.guarantees].begin(hold.label)}, for ${hold.deadlineSeconds} s at the most`,
      ),
      ...items.map(({ lines }) => lines.create),
      ...holds.map((hold) => `${HOLD_WORDS[hold.guarantees].end(hold.label)}${WHEN[hold.holds]}`),
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
