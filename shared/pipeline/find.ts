/**
 * Files by name over many restore points. Matches are reported as they are found, newest restore point first. Restore
 * points share most of their folders: one in which nothing was found is not read again. Not recursive: a deep tree must
 * not exhaust the stack.
 */
import { displayName } from '../base/bytes.ts';
import { isStillpointError, StillpointError } from '../base/errors.ts';
import { Pauses } from '../base/pauses.ts';
import type { Take } from '../base/take.ts';
import type { FindMatch, FindRequest, FindSummary } from '../domain/find.ts';
import { refuseNoPoint } from '../domain/id-start.ts';
import type { ConfiguredNames } from '../domain/known-names.ts';
import { unreadablePoints } from '../domain/unreadable-point.ts';
import { BlobSet } from '../repository/blob-set.ts';
import type { BlobId } from '../repository/ids.ts';
import type { Node } from '../repository/node.ts';
import type { PointReader } from '../repository/point-reader.ts';
import type { RestorePoint } from '../repository/restore-point.ts';
import { timestampToDate } from '../repository/timestamp.ts';
import { toEntry } from './browse.ts';
import { checkedId, IdMatcher } from './find/id-matcher.ts';
import { compilePatterns, type MatchState, PathMatcher } from './find/path-matcher.ts';
import { NodeCursor } from './node-cursor.ts';
import { OpenedPoint } from './open-point.ts';
import { selectPoints } from './select-points.ts';

/** What needs no repository to be seen to be wrong. Errors: `usage.invalid`. */
export function refuseSenseless({ patterns, ids, oldest, newest, restorePoints }: FindRequest): void {
  for (const wanted of restorePoints) refuseNoPoint(wanted);
  for (const id of ids) checkedId(id);
  compilePatterns(patterns);
  spanOf({ oldest, newest });
}

/** Restore points before the index, so that what is saved meanwhile is not missed. */
export async function find(
  repository: PointReader,
  request: FindRequest,
  { configured, onMatch }: { readonly configured: ConfiguredNames; readonly onMatch: Take<FindMatch> },
  signal: AbortSignal,
): Promise<FindSummary> {
  const selection = { points: request.restorePoints, filter: request.filter, configured };
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

/** A folder that is being gone through. */
interface OpenFolder {
  readonly id: BlobId;
  readonly path: string;
  readonly state: MatchState;
  readonly nodes: NodeCursor;
  /** Whether something was found in or below it. */
  found: boolean;
}

class Search {
  readonly #repository: PointReader;
  readonly #matcher: PathMatcher;
  readonly #ids: IdMatcher;
  readonly #oldestMs: number;
  readonly #newestMs: number;
  readonly #onMatch: Take<FindMatch>;
  readonly #signal: AbortSignal;
  readonly #pauses: Pauses;
  /** For each place in the patterns, the folders without a match in or below them. */
  readonly #barren = new Map<string, BlobSet>();
  matches = 0;

  constructor(
    repository: PointReader,
    { patterns, ids, ignoreCase, oldest, newest }: FindRequest,
    onMatch: Take<FindMatch>,
    signal: AbortSignal,
  ) {
    this.#repository = repository;
    this.#matcher = new PathMatcher(patterns, ignoreCase);
    this.#ids = new IdMatcher(repository, ids);
    [this.#oldestMs, this.#newestMs] = spanOf({ oldest, newest });
    this.#onMatch = onMatch;
    this.#signal = signal;
    this.#pauses = new Pauses(signal);
  }

  async look(point: RestorePoint): Promise<void> {
    if (this.#ids.matchesTree(point.tree)) await this.#tell(point, '/', undefined);
    const opened = new OpenedPoint(this.#repository, point);
    const open: OpenFolder[] = [];
    const enter = (id: BlobId, path: string, state: MatchState): void => {
      if (this.#barrenFor(state).has('tree', id)) return;
      const nodes = new NodeCursor(opened.entries(id, () => path || '/', this.#signal));
      open.push({ id, path, state, nodes, found: false });
    };
    enter(point.tree, '', this.#matcher.start);
    for (let here = open.at(-1); here !== undefined; here = open.at(-1)) {
      await this.#pauses.pause();
      const node = await here.nodes.take();
      if (node === undefined) {
        open.pop();
        const above = open.at(-1);
        if (!here.found) this.#barrenFor(here.state).add('tree', here.id);
        else if (above !== undefined) above.found = true;
        continue;
      }
      const next = this.#matcher.step(here.state, node.name);
      const path = `${here.path}/${displayName(node.name)}`;
      if ((next.isMatch || this.#ids.matches(node)) && this.#isTimely(node)) {
        here.found = true;
        await this.#tell(point, path, node);
      }
      if (node.subtree !== undefined) enter(node.subtree, path, next);
    }
  }

  #barrenFor({ key }: MatchState): BlobSet {
    let barren = this.#barren.get(key);
    if (barren === undefined) this.#barren.set(key, (barren = new BlobSet(this.#repository.index)));
    return barren;
  }

  #isTimely(node: Node): boolean {
    const ms = timestampToDate(node.mtime).getTime();
    return ms >= this.#oldestMs && ms <= this.#newestMs;
  }

  async #tell({ id, time, hostname = '' }: RestorePoint, path: string, node: Node | undefined): Promise<void> {
    this.matches += 1;
    await this.#onMatch({
      restorePoint: id,
      time: timestampToDate(time).toISOString(),
      hostname,
      path,
      entry: node && toEntry(node),
    });
  }
}

function spanOf({ oldest, newest }: Pick<FindRequest, 'oldest' | 'newest'>): readonly [fromMs: number, toMs: number] {
  const fromMs = oldest === undefined ? Number.NEGATIVE_INFINITY : timeOf(oldest);
  const toMs = newest === undefined ? Number.POSITIVE_INFINITY : timeOf(newest);
  if (fromMs <= toMs) return [fromMs, toMs];
  throw new StillpointError('usage.invalid', `Nothing is younger than "${oldest}" and older than "${newest}".`, {
    advice: 'Give the earlier time as the oldest and the later one as the newest.',
    cause: undefined,
  });
}

const DAY_OR_MOMENT = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:\d\d)?)?$/;

/** UTC where no zone is said: a bare time would otherwise mean whatever zone this machine is in. */
function timeOf(text: string): number {
  const [, day, time = '00:00', zone = 'Z'] = DAY_OR_MOMENT.exec(text) ?? [];
  const ms = day === undefined ? Number.NaN : Date.parse(`${day}T${time}${zone}`);
  if (!Number.isNaN(ms)) return ms;
  throw new StillpointError('usage.invalid', `"${text}" is not a time.`, {
    advice: 'Give a day as 2026-11-23, or a moment as 2026-11-23T04:45:00Z.',
    cause: undefined,
  });
}
