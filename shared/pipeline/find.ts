/**
 * Files by name over many restore points. Matches are told as they are found, newest restore point first. Restore
 * points share most of their folders: one in which nothing was found is not read again.
 */
import { displayName } from '../base/bytes.ts';
import { isStillpointError, StillpointError } from '../base/errors.ts';
import type { FindMatch, FindRequest, FindSummary } from '../domain/find.ts';
import { unreadablePoints } from '../domain/unreadable-point.ts';
import type { BlobId } from '../repository/format/ids.ts';
import type { Node } from '../repository/format/node.ts';
import { timestampToDate } from '../repository/format/timestamp.ts';
import { BlobSet } from '../repository/index/blob-set.ts';
import type { OpenedRepository } from '../repository/opened-repository.ts';
import type { RestorePoint } from '../repository/restore-point.ts';
import { toEntry } from './browse.ts';
import { IdMatcher } from './find/id-matcher.ts';
import { type MatchState, PathMatcher } from './find/path-matcher.ts';
import { selectPoints } from './select-points.ts';

/** Restore points before the index, so that what is saved meanwhile is not missed. */
export async function find(
  repository: OpenedRepository,
  request: FindRequest,
  onMatch: (match: FindMatch) => void,
  signal: AbortSignal,
): Promise<FindSummary> {
  const selection = { points: request.restorePoints, filter: request.filter };
  const { points, findings } = await selectPoints(repository, selection, signal);
  await repository.loadIndex(signal);
  const search = new Search(repository, request, onMatch, signal);
  const unreadable = unreadablePoints(findings);
  for (const point of points.toReversed()) {
    try {
      await search.look(point);
    } catch (error) {
      if (!isStillpointError(error, 'repository.damaged')) throw error;
      unreadable.push({ restorePoint: point.id, reason: error.message });
    }
  }
  return { restorePoints: points.length, matches: search.matches, unreadable };
}

class Search {
  readonly #repository: OpenedRepository;
  readonly #matcher: PathMatcher;
  readonly #ids: IdMatcher;
  readonly #oldestMs: number;
  readonly #newestMs: number;
  readonly #onMatch: (match: FindMatch) => void;
  readonly #signal: AbortSignal;
  /** For each place in the patterns, the folders without a match in or below them. */
  readonly #barren = new Map<string, BlobSet>();
  matches = 0;

  constructor(
    repository: OpenedRepository,
    { patterns, ids, ignoreCase, oldest, newest }: FindRequest,
    onMatch: (match: FindMatch) => void,
    signal: AbortSignal,
  ) {
    this.#repository = repository;
    this.#matcher = new PathMatcher(patterns, ignoreCase);
    this.#ids = new IdMatcher(repository, ids);
    this.#oldestMs = oldest === undefined ? Number.NEGATIVE_INFINITY : timeOf(oldest);
    this.#newestMs = newest === undefined ? Number.POSITIVE_INFINITY : timeOf(newest);
    this.#onMatch = onMatch;
    this.#signal = signal;
  }

  async look(point: RestorePoint): Promise<void> {
    if (this.#ids.matchesTree(point.tree)) this.#tell(point, '/', undefined);
    await this.#tree(point, point.tree, '', this.#matcher.start);
  }

  /** Whether something was found in it. */
  async #tree(point: RestorePoint, id: BlobId, path: string, state: MatchState): Promise<boolean> {
    let barren = this.#barren.get(state.key);
    if (barren === undefined) this.#barren.set(state.key, (barren = new BlobSet(this.#repository.index)));
    if (barren.has('tree', id)) return false;
    this.#signal.throwIfAborted();
    let found = false;
    for (const node of (await this.#repository.loadTree(id, this.#signal)).nodes) {
      const next = this.#matcher.step(state, node.name);
      const inner = `${path}/${displayName(node.name)}`;
      if ((next.isMatch || this.#ids.matches(node)) && this.#isTimely(node)) {
        found = true;
        this.#tell(point, inner, node);
      }
      if (node.subtree !== undefined && (await this.#tree(point, node.subtree, inner, next))) found = true;
    }
    if (!found) barren.add('tree', id);
    return found;
  }

  #isTimely(node: Node): boolean {
    const ms = timestampToDate(node.mtime).getTime();
    return ms >= this.#oldestMs && ms <= this.#newestMs;
  }

  #tell({ id, time, hostname = '' }: RestorePoint, path: string, node: Node | undefined): void {
    this.matches += 1;
    this.#onMatch({
      restorePoint: id,
      time: timestampToDate(time).toISOString(),
      hostname,
      path,
      entry: node && toEntry(node),
    });
  }
}

const DAY_OR_MOMENT = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:\d\d)?)?$/;

/** UTC where no zone is said: a bare time would otherwise mean whatever zone this machine is in. */
function timeOf(text: string): number {
  const [, day, time = '00:00', zone = 'Z'] = DAY_OR_MOMENT.exec(text) ?? [];
  const ms = day === undefined ? Number.NaN : Date.parse(`${day}T${time}${zone}`);
  if (!Number.isNaN(ms)) return ms;
  throw new StillpointError('usage.invalid', `"${text}" is no time.`, {
    advice: 'Give a day as 2026-11-23, or a moment as 2026-11-23T04:45:00Z.',
    cause: undefined,
  });
}
