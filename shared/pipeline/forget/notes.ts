/** What a person should know of a plan to forget, and what such a plan must not do. */
import { StillpointError } from '../../base/errors.ts';
import { nearestNames } from '../../base/nearest.ts';
import type { PlannedGroup, PlannedPoint } from '../../domain/forget-plan.ts';
import type { KeepRules } from '../../domain/keep-rules.ts';
import type { FilteredFacts } from '../../domain/point-filter.ts';
import type { TimeDoubt } from '../../domain/point-order.ts';

/** As restic since 0.17: what would take the last restore point of a group is a mistake until a person names it. */
export function refuseEmptying(groups: readonly PlannedGroup[]): void {
  const emptied = groups.filter(({ points }) => points.length > 0 && points.every(({ forget }) => forget));
  const [first] = emptied;
  if (first === undefined) return;
  const others = emptied.length === 1 ? '' : ` and of ${emptied.length - 1} other groups`;
  const facts = [
    ...(first.source === undefined ? [] : [`source ${first.source}`]),
    ...(first.host === undefined ? [] : [`host ${first.host}`]),
    ...(first.paths === undefined ? [] : [`paths ${first.paths.join(' ')}`]),
    ...(first.tags === undefined ? [] : [`tags ${first.tags.join(' ') || 'none'}`]),
  ];
  const group = facts.length === 0 ? 'the only group' : facts.join(', ');
  throw new StillpointError('usage.invalid', `The rules keep no restore point of ${group}${others}.`, {
    advice: 'Add a rule that keeps some, such as --keep-last 1; to forget them all, name them with --point.',
    details: { groups: emptied.length },
    cause: undefined,
  });
}

/** Who resolves it is a person: by the clock that is wrong, or by the restore point that is. */
export function doubtNotes(points: readonly PlannedPoint[], doubts: ReadonlyMap<string, TimeDoubt>): string[] {
  const future = points.filter(({ id }) => doubts.get(id)?.kind === 'future');
  const others = points.filter(({ id }) => doubts.get(id)?.kind !== 'future');
  const notes: string[] = [];
  if (future.length > 0) {
    notes.push(
      `${named(future)} ${future.length === 1 ? 'is' : 'are'} dated later than the clock of this machine shows. No rule counts or forgets such restore points. If this clock is right, look at them and forget them with --point; if it is not, set it.`,
    );
  }
  if (others.length > 0) {
    notes.push(
      `${named(others)} ${others.length === 1 ? 'has a time' : 'have times'} that cannot be right, because a restore point names as its parent one that is dated later. No rule counts or forgets them. Where it is clear which of them was made while a clock was wrong, forget that one with --point, and the others count again.`,
    );
  }
  return notes;
}

function named(points: readonly PlannedPoint[]): string {
  const first = points.slice(0, 4).map(({ id, time }) => `${id.slice(0, 8)} of ${time.slice(0, 10)}`);
  const more = points.length > first.length ? ` and ${points.length - first.length} others` : '';
  return `${points.length === 1 ? 'Restore point' : 'Restore points'} ${first.join(', ')}${more}`;
}

/** The user asked for it; it is said all the same, since one broken-in host can then push out the others' points. */
export function mixedHosts(groups: readonly PlannedGroup[]): string[] {
  const isMixed = ({ points }: PlannedGroup): boolean => new Set(points.map(({ hostname }) => hostname)).size > 1;
  return groups.some(isMixed)
    ? ['Restore points of several hosts are in one group, so those of one host can push out those of another.']
    : [];
}

/** "0 would be forgotten, 0 kept" alone would look like a repository that is empty. */
export function noneOfSources(groups: readonly PlannedGroup[], points: number): string[] {
  if (points === 0 || groups.some((group) => group.points.length > 0)) return [];
  const which =
    points === 1 ? 'The restore point of the repository is' : `The ${points} restore points of the repository are`;
  return [
    `${which} of no source whose keep rules count here. Rules on the command line, such as --keep-daily 7, count for all.`,
  ];
}

/**
 * A tag of `--keep-tag` that no restore point has may be one that is not in use yet; where it is near an existing
 * one, warn.
 */
export function mistypedTags(rules: readonly KeepRules[], points: readonly FilteredFacts[]): string[] {
  const known = [...new Set(points.flatMap(({ tags = [] }) => tags))];
  const wanted = new Set(rules.flatMap(({ tags = [] }) => tags.flat()));
  return [...wanted].flatMap((tag) => {
    const [near] = tag === '' || known.includes(tag) ? [] : nearestNames(tag, known);
    return near === undefined
      ? []
      : [`No restore point has the tag "${tag}" that is to be kept by; there is "${near}".`];
  });
}
