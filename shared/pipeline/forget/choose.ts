/**
 * From what is asked for and the restore points that are there to what goes and what stays, each with its reason.
 *
 * No host's restore points push out those of another one: where a source has moved to another host, or another host's
 * restore points name it, each host's are a group of their own. What has a time that cannot be believed neither counts
 * nor goes; only a person who names it by its id removes it.
 */
import { StillpointError } from '../../base/errors.ts';
import type { ForgetPlan, ForgetSelection, PlannedGroup, PlannedPoint } from '../../domain/forget-plan.ts';
import type { KeepRules } from '../../domain/keep-rules.ts';
import type { ConfiguredNames } from '../../domain/known-names.ts';
import { readLabels } from '../../domain/labels.ts';
import { type RestorePointId, restorePointId } from '../../domain/names.ts';
import { fitsFilter } from '../../domain/point-filter.ts';
import { describeDoubt, type TimeDoubt } from '../../domain/point-order.ts';
import { applyKeepRules, type Decision, type RetentionFrame, type RetentionPoint } from '../../domain/retention.ts';
import { unreadablePoints } from '../../domain/unreadable-point.ts';
import type { RestorePointList } from '../../repository/point-reader.ts';
import type { RestorePoint } from '../../repository/restore-point.ts';
import { refuseUnknown } from '../select-points.ts';
import { doubtNotes, mistypedTags, mixedHosts, noneOfSources, refuseEmptying } from './notes.ts';

type Choice = Pick<ForgetPlan, 'groups' | 'forget' | 'keep' | 'notes' | 'unreadable'>;

type Doubts = ReadonlyMap<string, TimeDoubt>;

export interface ChoiceFrame {
  readonly title: string;
  readonly now: Date;
  readonly configured: ConfiguredNames;
}

interface Candidate extends RetentionPoint {
  readonly id: RestorePointId;
  readonly source: string | undefined;
}

export function chooseForgotten(
  list: RestorePointList,
  selection: ForgetSelection,
  { title, now, configured }: ChoiceFrame,
): Choice {
  const candidates = list.points.map(candidateOf);
  const frame = { now, setAside: list.doubts };
  switch (selection.by) {
    case 'points':
      return choosePoints(list, candidates, selection.points, title);
    case 'rules': {
      refuseUnknown(list, selection.filter, configured);
      const fitting = candidates.filter((point) => fitsFilter(point, selection.filter));
      const { rules, groupBy } = selection;
      return choiceOf(list, byRules(fitting, rules, { ...frame, groupBy }, list.doubts, undefined), [rules]);
    }
    case 'sources': {
      const groups = selection.sources.flatMap(({ source, rules }) =>
        byRules(
          candidates.filter((point) => point.source === source),
          rules,
          { ...frame, groupBy: ['host'] },
          list.doubts,
          source,
        ),
      );
      const rules = selection.sources.map(({ rules: own }) => own);
      const choice = choiceOf(list, groups, rules);
      return { ...choice, notes: [...choice.notes, ...noneOfSources(groups, list.points.length)] };
    }
  }
}

function candidateOf(point: RestorePoint): Candidate {
  const { id, time, hostname = '', paths, tags = [], original } = point;
  return { id, time, hostname, paths, tags, original, source: readLabels(tags).source };
}

function byRules(
  candidates: readonly Candidate[],
  rules: KeepRules,
  frame: RetentionFrame,
  doubts: Doubts,
  source: string | undefined,
): PlannedGroup[] {
  return applyKeepRules(candidates, rules, frame).map(({ decisions, ...shared }) => ({
    ...shared,
    source,
    points: decisions.map((decision) => plannedPoint(decision, doubts)),
  }));
}

function plannedPoint({ point, keptBy }: Decision<Candidate>, doubts: Doubts): PlannedPoint {
  const doubt = doubts.get(point.id);
  if (doubt !== undefined) return { ...planned(point, false, `not counted: ${describeDoubt(doubt)}`), setAside: true };
  return planned(point, keptBy.length === 0, keptBy.length === 0 ? 'no rule keeps it' : keptBy.join(', '));
}

function planned({ id, time, hostname, paths, tags }: Candidate, forget: boolean, reason: string): PlannedPoint {
  return { id, time, hostname, paths, tags, forget, reason, setAside: false };
}

function choosePoints(
  { points, findings }: RestorePointList,
  candidates: readonly Candidate[],
  wanted: readonly string[],
  title: string,
): Choice {
  // One that cannot be read may go too: naming it by its id is deliberate.
  const broken = findings.flatMap(({ affects }) => affects);
  const names = [...points.map(({ id }) => id as string), ...broken];
  const chosen = new Set(wanted.map((text) => resolve(text, names, title)));
  const readable = candidates.filter(({ id }) => chosen.has(id)).toReversed();
  const group: PlannedGroup = {
    ...{ host: undefined, paths: undefined, tags: undefined, source: undefined },
    points: readable.map((point) => planned(point, true, 'chosen by its id')),
  };
  const unread = broken.filter((id) => chosen.has(id)).toSorted();
  const notes = unread.map((id) => `Restore point ${id.slice(0, 8)} cannot be read; what is in it is unknown.`);
  const forget = [...unread.map(restorePointId), ...readable.map(({ id }) => id).toReversed()];
  return { groups: [group], forget, keep: names.length - forget.length, notes, unreadable: [] };
}

function resolve(text: string, names: readonly string[], title: string): string {
  const prefix = text.toLowerCase();
  const matches = /^[0-9a-f]{1,64}$/.test(prefix) ? names.filter((name) => name.startsWith(prefix)) : [];
  const [only] = matches;
  if (only !== undefined && matches.length === 1) return only;
  const [code, what] =
    only === undefined
      ? (['repository.unknown-point', `The ${title} has no restore point "${text}".`] as const)
      : (['repository.ambiguous-point', `"${text}" fits ${matches.length} restore points.`] as const);
  throw new StillpointError(code, what, {
    advice: 'List the restore points and give their ids, or enough of each to be sure.',
    details: { matches: matches.slice(0, 20) },
    cause: undefined,
  });
}

function choiceOf(list: RestorePointList, groups: readonly PlannedGroup[], rules: readonly KeepRules[]): Choice {
  refuseEmptying(groups);
  const points = groups.flatMap((group) => group.points);
  const gone = points.filter(({ forget }) => forget);
  const forget = gone.toSorted((left, right) => Date.parse(left.time) - Date.parse(right.time)).map(({ id }) => id);
  const doubted = points.filter(({ setAside }) => setAside);
  const notes = [...doubtNotes(doubted, list.doubts), ...mixedHosts(groups), ...mistypedTags(rules, list.points)];
  return { groups, forget, keep: points.length - forget.length, notes, unreadable: unreadablePoints(list.findings) };
}
