/** Restore points over all repositories of the configuration. */
import { asksPerson } from '../access/repository-secrets.ts';
import type { Clock } from '../base/clock.ts';
import { isStillpointError, StillpointError } from '../base/errors.ts';
import type { Configuration } from '../config/configuration.ts';
import { allRepositories, configuredNames, findRepository } from '../config/look-up.ts';
import { refuseNoPoint } from '../domain/id-start.ts';
import { type ConfiguredNames, refuseUnconfigured, refuseUnknownNames } from '../domain/known-names.ts';
import { EVERY_POINT, fitsFilter } from '../domain/point-filter.ts';
import { orderPoints } from '../domain/point-order.ts';
import type {
  BrowseRequest,
  FileListing,
  FoundPoint,
  PointScope,
  RestorePointListing,
} from '../domain/restore-point.ts';
import type { RepositorySpec } from '../domain/source.ts';
import { unreadablePoints } from '../domain/unreadable-point.ts';
import { type ListingRequest, listFolder, summarise } from '../pipeline/browse.ts';
import { OpenedPoint } from '../pipeline/open-point.ts';
import { findPoint } from '../pipeline/select-points.ts';
import type { PointReader, RestorePointList } from '../repository/point-reader.ts';
import type { RestorePoint } from '../repository/restore-point.ts';
import { type Asking, askRepositories, type Unavailable } from './ask-repositories.ts';
import {
  type Asked,
  chooseLatest,
  chooseNamed,
  latestUnknown,
  mayGetTheLatest,
  notAsked,
  notesOn,
  notFoundElsewhere,
  placed,
  unknownPoint,
} from './choose-point.ts';
import type { RepositoryShelf } from './repository-shelf.ts';

export interface ResolvedScope extends Asked {
  readonly configured: ConfiguredNames;
}

/** What a filter and a repository's name stand for in this configuration. */
export function resolveScope(
  { repository, filter = EVERY_POINT }: PointScope,
  configuration: Configuration,
): ResolvedScope {
  const configured = configuredNames(configuration);
  const specs = repository === undefined ? allRepositories(configuration) : [findRepository(configuration, repository)];
  if (specs.length > 1) refuseUnconfigured(filter, configured);
  return { specs, filter, sources: [...configuration.sources.values()], configured };
}

const LISTING_LIMIT = 1000;

/** For so long a repository is waited for that can have the latest only as a copy. */
const COPIES_MS = 5000;

function listingOf({ path, limit = LISTING_LIMIT, cursor }: BrowseRequest): ListingRequest {
  if (path.startsWith('/') && Number.isSafeInteger(limit) && limit >= 1) return { path, limit, cursor };
  throw new StillpointError('usage.invalid', 'A listing needs a path that begins with "/" and a limit of 1 or more.', {
    advice: 'Give "/" for the top of the restore point.',
    details: { path, limit },
    cause: undefined,
  });
}

export class RestorePoints {
  readonly #shelf: RepositoryShelf;
  readonly #clock: Clock;

  constructor(shelf: RepositoryShelf, clock: Clock) {
    this.#shelf = shelf;
    this.#clock = clock;
  }

  /**
   * What cannot be read, a repository or a restore point, is named beside the others: a list that lacks it would look
   * complete. Where no repository could be asked, the error of the first is the answer.
   */
  async list({ specs, filter, configured }: ResolvedScope, signal: AbortSignal): Promise<RestorePointListing> {
    const { answers, unavailable } = await this.#lists(specs, signal);
    const [missing] = unavailable;
    if (missing !== undefined && answers.length === 0) throw missing.error;
    const points = answers.flatMap(({ spec, value }) => placed(value.points, spec));
    const unreadable = answers.flatMap(({ spec, value }) =>
      unreadablePoints(value.findings).map((point) => ({ repository: spec.name, ...point })),
    );
    if (unreadable.length + unavailable.length === 0) refuseUnknownNames(filter, points, configured);
    return {
      restorePoints: orderPoints(points, this.#clock.now())
        .points.filter((point) => fitsFilter(point, filter))
        .map((point) => summarise(point, point.spec.name))
        .toReversed(),
      unreadable,
      unavailable: unavailable.map(({ spec, error }) => ({
        repository: spec.name,
        code: error.code,
        reason: error.message,
      })),
    };
  }

  /** Errors: `repository.unknown-point`, `repository.ambiguous-point`, `repository.damaged`, and of what is unreachable. */
  async find(scope: ResolvedScope, wanted: string, signal: AbortSignal): Promise<FoundPoint> {
    refuseNoPoint(wanted);
    const [only, ...others] = scope.specs;
    if (only !== undefined && others.length === 0) return this.#findIn(only, scope, wanted, signal);
    return wanted === 'latest' ? this.#findLatest(scope, signal) : this.#findNamed(scope, wanted, signal);
  }

  async browse(spec: RepositorySpec, request: BrowseRequest, signal: AbortSignal): Promise<FileListing> {
    const listing = listingOf(request);
    return this.#shelf.use(spec, signal, async (repository) => {
      const point = await repository.findRestorePoint(request.restorePoint, signal);
      await repository.loadIndex(signal);
      return listFolder(new OpenedPoint(repository, point), listing, signal);
    });
  }

  #lists(
    specs: readonly RepositorySpec[],
    signal: AbortSignal,
    asking: Pick<Asking<unknown>, 'among' | 'patienceMs'> = {},
  ) {
    const ask = (repository: PointReader, within: AbortSignal): Promise<RestorePointList> =>
      repository.listRestorePoints(within);
    return askRepositories(specs, { shelf: this.#shelf, ask, ...asking }, signal);
  }

  /**
   * Those that decide which is the latest come first, then those that may have a copy. What a person has to open for a copy is
   * asked only where nothing that fits has been found.
   */
  async #listsForLatest(scope: ResolvedScope, signal: AbortSignal) {
    const { specs: among, filter } = scope;
    const decisive = among.filter((spec) => mayGetTheLatest(spec, scope));
    const others = among.filter((spec) => !decisive.includes(spec));
    const quiet = others.filter((spec) => !asksPerson(spec));
    const first = await this.#lists(decisive, signal, { among });
    const second = await this.#lists(quiet, signal, { among, patienceMs: () => COPIES_MS });
    const asked = [...first.answers, ...second.answers];
    const isFound = asked.some(({ value }) => value.points.some((point) => fitsFilter(point, filter)));
    const locked = others.filter(asksPerson);
    const third = await this.#lists(isFound ? [] : locked, signal, { among });
    return {
      answers: [...asked, ...third.answers],
      unavailable: [...first.unavailable, ...second.unavailable, ...third.unavailable],
      unasked: isFound ? locked : [],
    };
  }

  async #findIn(spec: RepositorySpec, scope: ResolvedScope, wanted: string, signal: AbortSignal): Promise<FoundPoint> {
    const point = await this.#shelf.use(spec, signal, async (repository) => {
      try {
        return await findPoint(repository, wanted, scope, signal);
      } catch (error) {
        if (isStillpointError(error, 'repository.unknown-point')) throw unknownPoint(wanted, scope);
        throw error;
      }
    });
    return { point: summarise(point, spec.name), notes: [] };
  }

  async #findLatest(scope: ResolvedScope, signal: AbortSignal): Promise<FoundPoint> {
    const { answers, unavailable, unasked } = await this.#listsForLatest(scope, signal);
    const doubtful = answers.flatMap(({ spec, value }) =>
      value.findings.length === 0 ? [] : [{ spec, error: unreadableIn(spec, value), isPartly: true }],
    );
    const missing: readonly Unavailable[] = [...unavailable, ...doubtful];
    const decisive = missing.filter(({ spec }) => mayGetTheLatest(spec, scope));
    const points = answers.flatMap(({ spec, value }) => placed(value.points, spec));
    if (decisive.length > 0) throw latestUnknown(decisive, missing, scope, points);
    if (missing.length === 0) refuseUnknownNames(scope.filter, points, scope.configured);
    const chosen = chooseLatest(points, scope, this.#clock.now());
    if (chosen === undefined) {
      throw missing.length === 0 ? unknownPoint('latest', scope) : notFoundElsewhere('latest', missing, scope);
    }
    const { point, notes } = chosen;
    return {
      point: summarise(point, point.spec.name),
      notes: [...notes, ...notesOn(missing, 'latest'), ...unasked.map(notAsked)],
    };
  }

  async #findNamed(scope: ResolvedScope, wanted: string, signal: AbortSignal): Promise<FoundPoint> {
    const ask = (repository: PointReader): Promise<RestorePoint | undefined> => findIn(repository, wanted, signal);
    // A full id names one restore point at most, so no other repository has to be asked.
    const isEnough = (found: RestorePoint | undefined): boolean => found?.id.length === wanted.length;
    // Where one is enough, nobody is asked for a password that is not needed.
    const specs = scope.specs.toSorted((a, b) => Number(asksPerson(a)) - Number(asksPerson(b)));
    const { answers, unavailable } = await askRepositories(specs, { shelf: this.#shelf, ask, isEnough }, signal);
    const found = answers.flatMap(({ spec, value }) => (value === undefined ? [] : placed([value], spec)));
    if (found.length === 0) {
      throw unavailable.length === 0 ? unknownPoint(wanted, scope) : notFoundElsewhere(wanted, unavailable, scope);
    }
    const point = chooseNamed(found, wanted, scope);
    return { point: summarise(point, point.spec.name), notes: notesOn(unavailable, wanted) };
  }
}

async function findIn(repository: PointReader, wanted: string, signal: AbortSignal): Promise<RestorePoint | undefined> {
  try {
    return await repository.findRestorePoint(wanted, signal);
  } catch (error) {
    if (isStillpointError(error, 'repository.unknown-point')) return undefined;
    throw error;
  }
}

/** One that cannot be read may be the latest: an older one in its place would pass for it. */
function unreadableIn({ name }: RepositorySpec, { findings }: RestorePointList): StillpointError {
  const ids = findings.flatMap(({ affects }) => affects);
  const short = ids.slice(0, 4).map((id) => id.slice(0, 8));
  const which = ids.length > short.length ? `${short.join(', ')} and others` : short.join(', ');
  return new StillpointError('repository.damaged', `Of its restore points, ${which} cannot be read.`, {
    advice: `"stillpoint check ${name}" says what is wrong with it.`,
    details: { unreadable: ids.slice(0, 20) },
    cause: undefined,
  });
}
