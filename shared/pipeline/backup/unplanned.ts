/** Warnings for volumes that came to be between the look at the host and the snapshots, inside of what is saved. */
import { displayName } from '../../base/bytes.ts';
import type { EmitEvent } from '../../domain/events.ts';
import { isWithin } from '../../snapshot/mountinfo.ts';
import type { TakenSnapshot } from '../../snapshot/provider.ts';
import type { Preparation } from '../prepare.ts';
import { belowTree } from './grafts.ts';
import { isExcluded, joined } from './select.ts';

export function tellUnplanned(
  { coverage, exclude }: Pick<Preparation, 'coverage' | 'exclude'>,
  taken: readonly Pick<TakenSnapshot, 'volume' | 'standing'>[],
  emit: EmitEvent,
): void {
  for (const { volume, standing } of taken) {
    for (const path of standing.unplanned ?? []) {
      for (const tree of coverage.trees.filter((each) => each.volume === volume)) {
        const text = belowTree(path, tree.pathInVolume);
        const below = text === undefined ? undefined : Buffer.from(text, 'latin1');
        if (below === undefined && !isWithin(tree.pathInVolume, path)) continue;
        if (below !== undefined && isExcluded(tree.path, below, exclude)) continue;
        emit({
          type: 'warning',
          code: 'source.note',
          message: `"${displayName(below === undefined ? tree.path : joined(tree.path, below))}" became a volume of its own when the backup had begun; it is an empty folder in this restore point.`,
          advice: 'Back up again, and it is saved with the rest.',
        });
      }
    }
  }
}
