/**
 * A name in a filter that no restore point has: a mistake in typing and not a question with an empty answer. Whoever
 * believes that answer takes a host for not backed up, or a job that keeps order for one that found nothing to do.
 *
 * A name is known where a restore point bears it or the configuration says it, so that a source which has not been
 * backed up yet is no mistake. Where not all restore points can be read, what they bear is unknown, and nothing is
 * refused.
 */
import { StillpointError } from '../base/errors.ts';
import { nearestNames } from '../base/nearest.ts';
import { PROGRAM_TAG, readLabels, sourceTag } from './labels.ts';
import { sourceName } from './names.ts';
import type { FilteredFacts, PointFilter } from './point-filter.ts';

/** What the configuration says. */
export interface ConfiguredNames {
  readonly sources: readonly string[];
  readonly hostnames: readonly string[];
  /** As restore points show them. */
  readonly paths: readonly string[];
}

/**
 * Where the configuration is to say which of several repositories matters. A name that it lacks is refused before any of them is
 * waited for; in one repository it is looked for. A configuration without sources, such as one to restore with, says nothing.
 *
 * Errors: `usage.unknown-name`.
 */
export function refuseUnconfigured({ sources }: PointFilter, configured: ConfiguredNames): void {
  if (configured.sources.length === 0) return;
  const known = new Set(configured.sources);
  for (const name of sources) {
    if (known.has(name)) continue;
    const why = 'the configuration has none of that name';
    throw unknownName('source', name, known, why, ' Where it is not configured here, name the repository too.');
  }
}

/** Errors: `usage.unknown-name`. */
export function refuseUnknownNames(
  filter: PointFilter,
  points: readonly FilteredFacts[],
  configured: ConfiguredNames,
): void {
  const sources = names(
    configured.sources,
    points.map(({ tags = [] }) => readLabels(tags).source),
  );
  for (const name of filter.sources) {
    if (!sources.has(name)) {
      throw unknownName(
        'source',
        name,
        sources,
        'no restore point is of it, and the configuration has none of that name',
      );
    }
  }
  const hosts = names(
    configured.hostnames,
    points.map(({ hostname }) => hostname),
  );
  for (const name of filter.hostnames) {
    if (!hosts.has(name)) {
      throw unknownName('host', name, hosts, 'no restore point is of it, and the configuration does not name it');
    }
  }
  const tags = names(
    [PROGRAM_TAG, ...configured.sources.map((name) => sourceTag(sourceName(name)))],
    points.flatMap((point) => point.tags ?? []),
  );
  for (const name of filter.tags.flat()) {
    if (name !== '' && !tags.has(name)) throw unknownName('tag', name, tags, 'no restore point has it');
  }
  const paths = names(
    configured.paths,
    points.flatMap((point) => point.paths),
  );
  for (const name of filter.paths) {
    if (!paths.has(name)) {
      throw unknownName('path', name, paths, 'no restore point and no source in the configuration is of it');
    }
  }
}

function names(configured: readonly string[], found: readonly (string | undefined)[]): ReadonlySet<string> {
  return new Set([...configured, ...found.filter((name) => name !== undefined && name !== '')] as string[]);
}

/** So many names are shown where none is near. */
const SHOWN = 10;

function unknownName(
  kind: string,
  name: string,
  known: ReadonlySet<string>,
  why: string,
  otherwise = '',
): StillpointError {
  const near = nearestNames(name, [...known]);
  const shown = [...known].toSorted().slice(0, SHOWN);
  const more = known.size > shown.length ? ` and ${known.size - shown.length} more` : '';
  const quote = (list: readonly string[], joint: string): string => list.map((one) => `"${one}"`).join(joint);
  const one = known.size === 1 ? 'The only one is' : 'There are';
  const there = known.size === 0 ? `There is no ${kind} yet.` : `${one} ${quote(shown, ', ')}${more}.`;
  return new StillpointError('usage.unknown-name', `There is no ${kind} "${name}": ${why}.`, {
    advice: `${near.length === 0 ? there : `Did you mean ${quote(near, ' or ')}?`}${otherwise}`,
    details: { kind, name, near, known: shown },
    cause: undefined,
  });
}
