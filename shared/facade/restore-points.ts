/** Restore points over all repositories of the configuration. */
import { isStillpointError, StillpointError } from '../base/errors.ts';
import type { RepositoryName, SourceName } from '../domain/names.ts';
import type { FileListing, RestorePointListing, RestorePointSummary } from '../domain/restore-point.ts';
import type { RepositorySpec } from '../domain/source.ts';
import { unreadablePoints } from '../domain/unreadable-point.ts';
import { type ListingRequest, listFolder, summarise } from '../pipeline/browse.ts';
import type { Repository } from '../repository/repository.ts';
import type { RepositoryShelf } from './repository-shelf.ts';

export interface RestorePointFilter {
  readonly repository?: RepositoryName;
  readonly source?: SourceName;
  readonly hostname?: string;
}

export class RestorePoints {
  readonly #shelf: RepositoryShelf;

  constructor(shelf: RepositoryShelf) {
    this.#shelf = shelf;
  }

  /**
   * A repository that cannot be read is an error, and a restore point that cannot be read is named: a list that lacks
   * them would look complete.
   */
  async list(
    repositories: readonly RepositorySpec[],
    { source, hostname }: RestorePointFilter,
    signal: AbortSignal,
  ): Promise<RestorePointListing> {
    const lists: RestorePointListing[] = [];
    for (const spec of repositories) {
      lists.push(await this.#ask(repositories, spec, signal, (repository) => listOne(spec, repository, signal)));
    }
    return {
      restorePoints: lists
        .flatMap(({ restorePoints }) => restorePoints)
        .filter((point) => source === undefined || point.source === source)
        .filter((point) => hostname === undefined || point.hostname === hostname)
        .toSorted(newestFirst),
      unreadable: lists.flatMap(({ unreadable }) => unreadable),
    };
  }

  /** `wanted` is an id, the start of one, or "latest". Errors: `repository.unknown-point`, `repository.ambiguous-point`, `repository.damaged`. */
  async find(
    repositories: readonly RepositorySpec[],
    wanted: string,
    signal: AbortSignal,
  ): Promise<RestorePointSummary> {
    const found: RestorePointSummary[] = [];
    for (const spec of repositories) {
      const point = await this.#ask(repositories, spec, signal, (repository) => findIn(repository, wanted, signal));
      if (point !== undefined) found.push(summarise(point, spec.name));
    }
    const [first, ...others] = found.toSorted(newestFirst);
    if (first === undefined) throw unknownPoint(wanted, repositories);
    if (wanted === 'latest' || others.length === 0) return first;
    throw new StillpointError(
      'repository.ambiguous-point',
      `"${wanted}" fits restore points of several repositories.`,
      {
        advice: `Name the repository: ${found.map(({ repository }) => `"${repository}"`).join(' or ')}.`,
        details: { matches: found.map(({ repository, id }) => ({ repository, id })) },
        cause: undefined,
      },
    );
  }

  browse(spec: RepositorySpec, id: string, listing: ListingRequest, signal: AbortSignal): Promise<FileListing> {
    return this.#shelf.use(spec, signal, async (repository) => {
      const point = await repository.findRestorePoint(id, signal);
      await repository.loadIndex(signal);
      return listFolder(repository, point, listing, signal);
    });
  }

  /** Where several are asked, an error of one says that the others can be asked without it. */
  async #ask<T>(
    asked: readonly RepositorySpec[],
    spec: RepositorySpec,
    signal: AbortSignal,
    work: (repository: Repository) => Promise<T>,
  ): Promise<T> {
    try {
      return await this.#shelf.use(spec, signal, work);
    } catch (error) {
      if (asked.length === 1 || !isStillpointError(error)) throw error;
      const others = asked.filter((other) => other !== spec).map(({ name }) => `"${name}"`);
      throw new StillpointError(error.code, error.message, {
        advice: `${error.advice} To ask without "${spec.name}", name another repository: ${others.join(', ')}.`,
        details: error.details,
        cause: error,
        retry: error.retry,
      });
    }
  }
}

async function listOne(
  { name }: RepositorySpec,
  repository: Repository,
  signal: AbortSignal,
): Promise<RestorePointListing> {
  const { points, findings } = await repository.listRestorePoints(signal);
  return {
    restorePoints: points.map((point) => summarise(point, name)),
    unreadable: unreadablePoints(findings).map((point) => ({ repository: name, ...point })),
  };
}

async function findIn(repository: Repository, wanted: string, signal: AbortSignal) {
  try {
    return await repository.findRestorePoint(wanted, signal);
  } catch (error) {
    if (isStillpointError(error, 'repository.unknown-point')) return undefined;
    throw error;
  }
}

function newestFirst(a: RestorePointSummary, b: RestorePointSummary): number {
  return Date.parse(b.time) - Date.parse(a.time) || (a.id < b.id ? -1 : 1);
}

function unknownPoint(wanted: string, repositories: readonly RepositorySpec[]): StillpointError {
  const names = repositories.map(({ name }) => `"${name}"`).join(', ');
  const place = repositories.length === 1 ? `The repository ${names}` : `None of the repositories ${names}`;
  const message =
    wanted === 'latest' ? `${place} holds a restore point.` : `${place} holds a restore point "${wanted}".`;
  const none = repositories.length === 1 ? message.replace('holds a', 'holds no') : message;
  return new StillpointError('repository.unknown-point', none, {
    advice: 'List the restore points to see their ids.',
    details: { wanted, repositories: repositories.map(({ name }) => name) },
    cause: undefined,
  });
}
