/**
 * A walk through what is wanted before anything is restored: how much room it takes, and which of its names may not be
 * possible in the target. Memory grows with the names that are in doubt and with hard links, not with the restore.
 */
import type { PointReader } from '../../repository/point-reader.ts';
import { planFile, ZeroBlobs } from './file-plan.ts';
import type { TargetTraits } from './fit-node.ts';
import { HardLinks } from './hard-links.ts';
import type { DoubtfulFolder } from './name-trial.ts';
import { doubtfulNames } from './names.ts';
import { type WalkedTrees, type WalkNotes, type WalkStart, walkSelected } from './walk.ts';

export interface Survey {
  readonly entries: number;
  readonly files: number;
  /** Sizes of the files, as they will be reported. */
  readonly bytes: number;
  /** What the content takes at least: without holes. */
  readonly room: number;
  readonly doubtful: readonly DoubtfulFolder[];
  readonly isOverLimit: boolean;
  /** Far over the limit the walk ends early; what it counted is then the least that there is. */
  readonly isWhole: boolean;
}

type Blobs = Pick<PointReader, 'blobSize'> & WalkedTrees;

export interface SurveyLimits {
  readonly bytes: number;
  readonly entries: number;
  /** Each file takes whole blocks of this size. */
  readonly block: number;
}

/** Over the limit so many entries more are counted, so that mostly the whole sum is known, and never walked for ever. */
const COUNTED_ON = 100_000;

export async function survey(
  repository: Blobs,
  start: WalkStart,
  traits: TargetTraits,
  limits: SurveyLimits,
  signal: AbortSignal,
): Promise<Survey> {
  const doubtful = new Map<string, DoubtfulFolder>();
  const starts = [start];
  const onFolder: WalkNotes['onFolder'] = (path, tree, all) => {
    const names = doubtfulNames(all);
    const known = doubtful.get(tree);
    // The same folder may be wanted in part here and as a whole there.
    if (names.length > (known?.names.length ?? 0)) doubtful.set(tree, { tree, path, names });
  };
  const notes: WalkNotes = {
    onChildrenOfNoFolder: () => undefined,
    onLostFolder: () => undefined,
    onFarFolder: (far) => void starts.push(far),
    ...(traits.exactNames ? {} : { onFolder }),
  };
  const zeros = new ZeroBlobs();
  const links = new HardLinks();
  let [entries, files, bytes, needed] = [0, 0, 0, 0];
  const isOver = (): boolean => needed > limits.bytes || entries > limits.entries;
  let further = COUNTED_ON;
  const isEnough = (): boolean => isOver() && --further < 0;
  let isWhole = true;
  for (let next = starts.shift(); next !== undefined; next = starts.shift()) {
    for await (const { path, node } of walkSelected(repository, next, notes, { signal })) {
      if (traits.hardLinks && links.claim(node, path) !== undefined) continue;
      entries += 1;
      if (isEnough()) {
        isWhole = false;
        break;
      }
      if (node.type !== 'file') continue;
      files += 1;
      const file = planFile(node.content ?? [], repository, zeros);
      if ('missing' in file) continue;
      bytes += file.size;
      needed += Math.ceil(file.storedBytes / limits.block) * limits.block;
    }
    if (!isWhole) break;
  }
  return { entries, files, bytes, room: needed, doubtful: [...doubtful.values()], isOverLimit: isOver(), isWhole };
}
