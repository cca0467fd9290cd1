/** From what a person asked of a restore point to the walk that gives it out. Everything that is asked in vain ends here. */
import type { LeftByPatterns, PatternChoice } from '../../domain/verbs/restore.ts';
import type { Repository } from '../../repository/repository.ts';
import type { RestorePoint } from '../../repository/restore-point.ts';
import { OpenedPoint } from '../open-point.ts';
import { choiceOf, tryPatterns } from './choice.ts';
import { selectPaths } from './selection.ts';
import { stripFolders } from './strip.ts';
import type { WalkStart } from './walk.ts';

export interface Asked extends PatternChoice {
  /** As the restore point holds them, in bytes; none means everything. */
  readonly paths: readonly Buffer[];
  readonly strip?: number;
}

export interface Wanted {
  readonly start: WalkStart;
  readonly byPatterns: LeftByPatterns | undefined;
}

/** Errors: `repository.path-not-found`, `usage.invalid`. */
export async function findWanted(
  repository: Repository,
  point: RestorePoint,
  asked: Asked,
  signal: AbortSignal,
): Promise<Wanted> {
  const selection = await selectPaths(new OpenedPoint(repository, point), asked.paths, signal);
  const top: WalkStart = { tree: point.tree, selection, way: [], node: undefined };
  const byPatterns = await tryPatterns(repository, top, asked, signal);
  const choice = choiceOf(asked);
  const start = await stripFolders(
    repository,
    choice === undefined ? top : { ...top, choice },
    asked.strip ?? 0,
    signal,
  );
  return { start, byPatterns };
}
