/** Choosing the packs of a share. */
import { randomInt } from 'node:crypto';
import type { VerifySubset } from '../../domain/verify-subset.ts';
import type { PackId } from '../ids.ts';

const DAY_MS = 24 * 60 * 60_000;

export interface ChosenSubset {
  readonly chosen: ReadonlySet<PackId>;
  /** For people; undefined for all. */
  readonly label: string | undefined;
}

export function chooseSubset(subset: VerifySubset | undefined, packs: readonly PackId[], now: Date): ChosenSubset {
  switch (subset?.kind) {
    case undefined:
      return { chosen: new Set(packs), label: undefined };
    case 'percent':
      return { chosen: sample(packs, Math.ceil((packs.length * subset.percent) / 100)), label: `${subset.percent} %` };
    case 'share':
      return { chosen: partOf(packs, subset.share, subset.of), label: `${subset.share}/${subset.of}` };
    case 'daily': {
      const share = (Math.floor(now.getTime() / DAY_MS) % subset.days) + 1;
      return { chosen: partOf(packs, share, subset.days), label: `${share}/${subset.days}` };
    }
  }
}

/** By the first byte of the name, as restic does it; hence at most 256 parts. A pack stays in its part forever. */
function partOf(packs: readonly PackId[], share: number, of: number): ReadonlySet<PackId> {
  return new Set(packs.filter((id) => Number.parseInt(id.slice(0, 2), 16) % of === share - 1));
}

function sample(packs: readonly PackId[], count: number): ReadonlySet<PackId> {
  const left = [...packs];
  const chosen = new Set<PackId>();
  while (chosen.size < count && left.length > 0) {
    const at = randomInt(left.length);
    chosen.add(left[at] as PackId);
    left[at] = left.at(-1) as PackId;
    left.pop();
  }
  return chosen;
}
