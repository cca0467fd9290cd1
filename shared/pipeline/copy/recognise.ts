/**
 * Which restore points a repository holds already as copies. As restic: a copy names the restore point that it was made
 * of, through all generations of copies, and says the same of itself.
 */

import type { RestorePoint, RestorePointDraft } from '../../repository/restore-point.ts';
import { timestampToNs } from '../../repository/timestamp.ts';

export class KnownCopies {
  readonly #byOriginal = new Map<string, RestorePoint[]>();

  constructor(points: readonly RestorePoint[]) {
    for (const point of points) {
      for (const id of new Set([point.id, originOf(point)])) {
        const copies = this.#byOriginal.get(id);
        if (copies === undefined) this.#byOriginal.set(id, [point]);
        else copies.push(point);
      }
    }
  }

  has(point: RestorePoint): boolean {
    return (this.#byOriginal.get(originOf(point)) ?? []).some((copy) => saysTheSame(copy, point));
  }
}

/** Whether one is a copy of the other, or both are copies of a third. */
export function isSamePoint(left: RestorePoint, right: RestorePoint): boolean {
  return originOf(left) === originOf(right) && saysTheSame(left, right);
}

/** The parent is not kept: it is a restore point of the other repository. */
export function draftOfCopy(point: RestorePoint): RestorePointDraft {
  const { id, parent: _parent, ...draft } = point;
  return { ...draft, original: draft.original ?? id };
}

const originOf = ({ id, original }: RestorePoint): string => original ?? id;

function saysTheSame(left: RestorePoint, right: RestorePoint): boolean {
  return (
    timestampToNs(left.time) === timestampToNs(right.time) &&
    left.tree === right.tree &&
    (left.hostname ?? '') === (right.hostname ?? '') &&
    (left.username ?? '') === (right.username ?? '') &&
    (left.uid ?? 0) === (right.uid ?? 0) &&
    (left.gid ?? 0) === (right.gid ?? 0) &&
    sameTexts(left.paths.toSorted(), right.paths.toSorted()) &&
    sameTexts(left.excludes ?? [], right.excludes ?? []) &&
    sameTexts((left.tags ?? []).toSorted(), (right.tags ?? []).toSorted())
  );
}

function sameTexts(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((text, index) => text === right[index]);
}
