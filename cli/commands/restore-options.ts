/** What `stillpoint restore` is asked with. */
import { type Command, Option } from 'commander';
import { OVERWRITE, type Overwrite } from '../../shared/domain/restore-plan.ts';
import type { WantedPart } from '../../shared/domain/verbs/restore.ts';
import { pathInPoint, wholeNumber } from '../arguments.ts';
import type { DetachOption } from './detach.ts';
import { type FilterOptions, gather } from './filter.ts';
import type { NoLockOption } from './no-lock.ts';

export interface RestoreOptions extends DetachOption, FilterOptions, NoLockOption {
  readonly to: string;
  readonly repository?: string;
  readonly rename?: boolean;
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly strip?: string;
  readonly overwrite?: Overwrite;
  readonly dryRun?: boolean;
}

/** What becomes of a folder that is not empty. */
export function withTargetPart(command: Command): Command {
  const overwrite = new Option('--overwrite <which>', 'restore into a folder with other things, over which of them');
  return command
    .addOption(overwrite.choices(OVERWRITE))
    .option('--dry-run', 'only say what would be written, what is there already and what is in the way');
}

export function targetPart({ overwrite, dryRun }: Pick<RestoreOptions, 'overwrite' | 'dryRun'>): {
  readonly overwrite?: Overwrite;
  readonly dryRun?: true;
} {
  return { ...(overwrite !== undefined && { overwrite }), ...(dryRun === true && { dryRun }) };
}

/** Which part of a restore point. */
export function withWantedPart(command: Command): Command {
  return command
    .option('--include <pattern>', 'only what fits this pattern, with all below it; may be repeated', gather)
    .option('--exclude <pattern>', 'not what fits this pattern, nor anything below it; may be repeated', gather)
    .option('--strip <n>', 'do not make so many leading folders, in which all that is wanted has to lie');
}

export function wantedPart(
  paths: readonly string[],
  { include, exclude, strip }: Pick<RestoreOptions, 'include' | 'exclude' | 'strip'>,
): WantedPart {
  return {
    paths: paths.map(pathInPoint),
    ...(include && { include }),
    ...(exclude && { exclude }),
    ...(strip !== undefined && { strip: wholeNumber('--strip', strip, 1, 1000) }),
  };
}
