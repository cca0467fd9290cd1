/** What of a host is to be kept: the paths that a person names, or those of a source. */
import { hostPath } from '../../domain/host-path.ts';
import { requireOwnHost } from '../../domain/kept-source.ts';
import type { Source, SourceScope } from '../../domain/source.ts';
import type { KeepJobRequest } from '../../domain/verbs/keep.ts';

/** Nothing is read live: what no snapshot can hold is not kept, and a person hears of it. */
export function keptScope({ host, paths }: Pick<KeepJobRequest, 'host' | 'paths'>, source?: Source): SourceScope {
  if (source === undefined) return { host, paths: paths.map(hostPath), exclude: [] };
  const { repository: _, keep: __, dumps: ___, ...scope } = source;
  requireOwnHost(source, host);
  return { ...scope, withoutSnapshot: 'refuse' };
}
