/** What all repairs share: the id of a plan, the words for objects, and what they must not begin with. */
import { StillpointError } from '../../base/errors.ts';
import { planIdOf } from '../../domain/plan-id.ts';
import {
  type RepairLoss,
  type RepairPlan,
  type RepairScope,
  type RepairStep,
  repairPlan,
} from '../../domain/repair-plan.ts';
import { describeFile, type FileType } from '../backend/backend.ts';
import type { Structure } from '../check/structure.ts';
import type { OpenedRepository } from '../opened-repository.ts';
import { folderIsGone } from '../read/pack-listing.ts';

export interface PlanContent {
  readonly writes: readonly RepairStep[];
  readonly removes: readonly RepairStep[];
  readonly lost: readonly RepairLoss[];
  readonly notes: readonly RepairStep[];
  /** What the sentences shorten: whole ids, so that two plans that read alike are not taken for each other. */
  readonly exact: readonly string[];
}

/** The id is over all that the plan says and over the repository that it is for. */
export function makePlan({ id }: OpenedRepository, scope: RepairScope, { exact, ...content }: PlanContent): RepairPlan {
  const { part, packs = [], readAll = false, giveUpFolders = false, forget = false } = scope;
  const steps = [content.writes, content.removes, content.notes].map((list) =>
    list.map(({ object, reason }) => [object, reason]),
  );
  const lost = content.lost.map(({ object, reason, affects }) => [object, reason, affects]);
  const planId = planIdOf({ repository: id, part, packs, readAll, giveUpFolders, forget, steps, lost, exact });
  return repairPlan(planId, { part, ...content });
}

export function step(type: FileType, name: string, reason: string): RepairStep {
  return { object: describeFile({ type, name }), reason };
}

/** Nothing may be called lost, or be left out of a new index, while the index itself cannot be trusted. */
export function indexComesFirst(what: string): StillpointError {
  return new StillpointError('repository.damaged', what, {
    advice: 'Run "stillpoint repair index" first: it may bring back what now looks lost.',
    cause: undefined,
  });
}

/** A place that is not mounted wholly looks like a repository that has lost everything, or whole folders. */
export function assertPacksThere(
  repository: OpenedRepository,
  { packs }: Structure,
  { giveUpFolders = false, part }: RepairScope,
): void {
  const { index, title } = repository;
  if (index.packCount > 0 && packs.sizes.size === 0) {
    throw new StillpointError('repository.damaged', `There is no pack at all in the ${title}.`, {
      advice: 'A repair would give up everything. Check that the whole repository is mounted.',
      cause: undefined,
    });
  }
  if (packs.goneFolders.size === 0 || giveUpFolders) return;
  const next = part === 'index' ? 'add --give-up-folders' : 'run "stillpoint repair index --give-up-folders" first';
  throw folderIsGone(repository, packs, next);
}

/** What cannot be read now may be whole. */
export function cannotRead(object: string, fault: string): StillpointError {
  return new StillpointError('backend.failed', `${object} could not be read: ${fault}`, {
    advice: 'Nothing is given up that may be whole. Check the disk or the connection.',
    cause: undefined,
  });
}

/** What was bad once and is good the next time is not damage of what is stored. */
export function readsDiffer(object: string): StillpointError {
  return new StillpointError('backend.failed', `What is read of ${object} changes from one time to the next.`, {
    advice: 'The store or this machine is not reliable: check the disk and the memory first.',
    cause: undefined,
  });
}
