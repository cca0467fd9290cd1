/**
 * Questions that go through the trees of many restore points. They hold no lock, so a repository that cannot be written
 * to can be asked too; when another process prunes meanwhile, the answer is an error and not a wrong figure.
 */
import type { Take } from '../base/take.ts';
import type { DiffChange, DiffRequest, DiffSummary } from '../domain/diff.ts';
import type { FindMatch, FindRequest, FindSummary } from '../domain/find.ts';
import { refuseNoPoint } from '../domain/id-start.ts';
import type { ConfiguredNames } from '../domain/known-names.ts';
import type { RepositorySpec } from '../domain/source.ts';
import type { StatsAnswer, StatsRequest } from '../domain/stats.ts';
import { diffPoints } from '../pipeline/diff.ts';
import { find, refuseSenseless } from '../pipeline/find.ts';
import { findPoint } from '../pipeline/select-points.ts';
import { stats } from '../pipeline/stats.ts';
import type { RepositoryShelf } from './repository-shelf.ts';

export interface ComparedPlace {
  readonly spec: RepositorySpec;
  readonly configured: ConfiguredNames;
}

export class Comparisons {
  readonly #shelf: RepositoryShelf;

  constructor(shelf: RepositoryShelf) {
    this.#shelf = shelf;
  }

  async diff(
    { spec, configured }: ComparedPlace,
    { before, after, filter, path, exact }: DiffRequest,
    onChange: Take<DiffChange>,
    signal: AbortSignal,
  ): Promise<DiffSummary> {
    for (const wanted of [before, after]) refuseNoPoint(wanted);
    return this.#shelf.use(spec, signal, async (repository) => {
      const left = await findPoint(repository, before, { filter, configured }, signal);
      const right = await findPoint(repository, after, { filter, configured }, signal);
      await repository.loadIndex(signal);
      return diffPoints(repository, left, right, { path, exact, onChange }, signal);
    });
  }

  async find(
    { spec, configured }: ComparedPlace,
    request: FindRequest,
    onMatch: Take<FindMatch>,
    signal: AbortSignal,
  ): Promise<FindSummary> {
    refuseSenseless(request);
    return this.#shelf.use(spec, signal, (repository) => find(repository, request, { configured, onMatch }, signal));
  }

  async stats({ spec, configured }: ComparedPlace, request: StatsRequest, signal: AbortSignal): Promise<StatsAnswer> {
    for (const wanted of request.restorePoints) refuseNoPoint(wanted);
    return this.#shelf.use(spec, signal, (repository) => stats(repository, request, configured, signal));
  }
}
