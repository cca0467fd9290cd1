import type { Command } from 'commander';
import { cancelled } from '../../shared/base/cancel.ts';
import { StillpointError } from '../../shared/base/errors.ts';
import { isWhole } from '../../shared/domain/kept.ts';
import type { DropPlan } from '../../shared/domain/kept-plans.ts';
import { hostName } from '../../shared/domain/names.ts';
import { parsePlanId } from '../../shared/domain/plan-id.ts';
import type { DropChoice } from '../../shared/domain/verbs/drop.ts';
import type { Stillpoint } from '../../shared/stillpoint.ts';
import { HOST } from '../arguments.ts';
import { renderDropPlan, renderKeepPlan, renderKept } from '../render/kept.ts';
import type { Shell } from '../shell.ts';
import { type DetachOption, withDetach } from './detach.ts';
import { addAround } from './snapshot-around.ts';
import { addCompare } from './snapshot-compare.ts';
import {
  contradiction,
  type KeepOptions,
  keepRequest,
  requireHostOfSource,
  withKeepOptions,
} from './snapshot-options.ts';
import { addTake } from './snapshot-take.ts';

interface CreateOptions extends KeepOptions, DetachOption {
  readonly dryRun?: true;
  readonly plan?: string;
}

interface RemoveOptions {
  readonly expired?: true;
  readonly yes?: true;
  readonly dryRun?: true;
}

/** `stillpoint snapshot create|list|remove|…`: snapshots that are kept on a host on purpose. */
export function addSnapshot(program: Command, shell: Shell): void {
  const snapshot = program
    .command('snapshot')
    .description('keep snapshots on a host, see what is kept there, and remove it');
  addCreate(snapshot, shell);
  addKeptList(snapshot, shell);
  addRemove(snapshot, shell);
  addAround(snapshot, shell);
  addCompare(snapshot, shell);
  addTake(snapshot, shell);
}

function addCreate(snapshot: Command, shell: Shell): void {
  withDetach(
    withKeepOptions(
      snapshot
        .command('create')
        .description('make snapshots of all volumes that hold the paths, in one instant where that can be; they stay'),
    )
      .option('--dry-run', 'only print what would be done')
      .option('--plan <id>', 'do the plan with this id, which --dry-run printed, or nothing'),
  )
    .addHelpText(
      'after',
      '\nNothing on the host removes a kept snapshot, also when its time is over: "snapshot remove HOST --expired" does, from\ncron for instance. Until then it takes room there.\n\nExample:\n  stillpoint snapshot create db1 /srv --reason "before the upgrade" --expires 3d',
    )
    .action(async (host: string, paths: readonly string[], { dryRun, plan, detach, ...options }: CreateOptions) => {
      const request = keepRequest(host, paths, options);
      if (dryRun && plan !== undefined) throw contradiction('--dry-run and --plan');
      if (dryRun) {
        await shell.query(async (stillpoint, signal) => {
          const found = await stillpoint.planKeep(request, signal);
          return { document: { plan: found }, text: (paint) => renderKeepPlan(found, paint) };
        });
        return;
      }
      const approved =
        plan === undefined ? {} : { plan: parsePlanId(plan, '"stillpoint snapshot create" with --dry-run prints it') };
      const start = async (stillpoint: Stillpoint) => {
        await requireHostOfSource(request, stillpoint);
        return { ...request, ...approved };
      };
      await shell.runJob(start, { detach: detach === true });
    });
}

function addKeptList(snapshot: Command, shell: Shell): void {
  snapshot
    .command('list')
    .description('list what is kept on a host, with its reason, how long it is to stay and how full it is')
    .argument('<host>', HOST)
    .addHelpText('after', '\nExample:\n  stillpoint snapshot list db1')
    .action(async (host: string) => {
      await shell.query(async (stillpoint, signal) => {
        const listing = await stillpoint.listKept(hostName(host), signal);
        if (!listing.sets.every(isWhole)) shell.lookAt('snapshot list');
        return { document: listing, text: (paint) => renderKept(listing, paint) };
      });
    });
}

function addRemove(snapshot: Command, shell: Shell): void {
  snapshot
    .command('remove')
    .description('show which kept snapshots would be removed, ask, and remove them')
    .argument('<host>', HOST)
    .argument('[ids...]', 'ids that "stillpoint snapshot list" shows')
    .option('--expired', 'those of this installation whose time is over, by the clock of this machine')
    .option('--yes', 'remove what is shown without asking')
    .option('--dry-run', 'only show it')
    .addHelpText(
      'after',
      '\nOff a terminal, and with --json, nothing is asked, and nothing is removed without --yes.\n\nExample:\n  stillpoint snapshot remove db1 0a1b2c3d\n  stillpoint snapshot remove db1 --expired --yes',
    )
    .action(async (host: string, ids: readonly string[], options: RemoveOptions) => {
      const choice = choiceOf(ids, options);
      const name = hostName(host);
      if (options.dryRun && options.yes) throw contradiction('--dry-run and --yes');
      if (options.dryRun) {
        await shell.query(async (stillpoint, signal) => {
          const plan = await stillpoint.planDrop(name, choice, signal);
          return { document: { plan }, text: (paint) => renderDropPlan(plan, paint) };
        });
        return;
      }
      const approved = await approve(shell, { yes: options.yes === true, name, choice });
      if (approved === undefined) return;
      await shell.runJob(
        async (stillpoint, signal) => {
          const plan = approved.plan ?? (await stillpoint.planDrop(name, choice, signal));
          return { kind: 'drop-snapshots', host: name, choice, plan: plan.id };
        },
        { detach: false },
      );
    });
}

function choiceOf(ids: readonly string[], { expired }: RemoveOptions): DropChoice {
  if (expired && ids.length > 0) throw contradiction('Ids and --expired');
  if (expired) return { by: 'expiry' };
  if (ids.length > 0) return { by: 'ids', ids };
  throw new StillpointError('usage.invalid', 'It is not said what is to be removed.', {
    advice: 'Name ids that "stillpoint snapshot list" shows, or give --expired.',
    cause: undefined,
  });
}

interface Asked {
  readonly yes: boolean;
  readonly name: ReturnType<typeof hostName>;
  readonly choice: DropChoice;
}

/** What a person has said yes to; undefined where there is nothing to be done, or it was refused. */
async function approve(
  shell: Shell,
  { yes, name, choice }: Asked,
): Promise<{ readonly plan: DropPlan | undefined } | undefined> {
  // The report of the job says all that there is to say in JSON.
  if (shell.isJson && yes) return { plan: undefined };
  let approved: DropPlan | undefined;
  await shell.talk(async (stillpoint, signal, say) => {
    const plan = await stillpoint.planDrop(name, choice, signal);
    if (plan.steps.length === 0) return { document: { plan }, text: (paint) => renderDropPlan(plan, paint) };
    say((paint) => renderDropPlan(plan, paint));
    if (!yes) await requireYes(shell, plan, signal);
    approved = plan;
    return { document: { plan }, text: () => '' };
  });
  return approved === undefined ? undefined : { plan: approved };
}

async function requireYes(shell: Shell, plan: DropPlan, signal: AbortSignal): Promise<void> {
  const { ask } = shell.surroundings;
  if (ask === undefined || shell.isJson) {
    throw new StillpointError('usage.invalid', 'What is shown goes only with --yes where nobody can be asked.', {
      advice: 'Look at it with --dry-run, then do the same with --yes.',
      details: { plan },
      cause: undefined,
    });
  }
  const answer = await ask('Remove this? Type yes to continue: ', signal);
  signal.throwIfAborted();
  if (answer?.trim().toLowerCase() !== 'yes') throw cancelled('The removal');
}
