/** What of a host is to be kept: the paths that a person names, or those of a source. */
import { StillpointError } from '../../base/errors.ts';
import type { Source, SourceScope } from '../../domain/source.ts';
import type { KeepJobRequest } from '../../domain/verbs/keep.ts';

/** Nothing is read live: what no snapshot can hold is not kept, and a person hears of it. */
export function keptScope({ host, paths }: Pick<KeepJobRequest, 'host' | 'paths'>, source?: Source): SourceScope {
  if (source === undefined) return { host, paths: paths.map(pathOf), exclude: [] };
  const { repository: _, keep: __, dumps: ___, ...scope } = source;
  if (source.host === host) return { ...scope, withoutSnapshot: 'refuse' };
  throw new StillpointError(
    'usage.invalid',
    `The source "${source.name}" is on "${source.host}", and not on "${host}".`,
    {
      advice: 'Name its host.',
      cause: undefined,
    },
  );
}

function pathOf(path: string): Buffer {
  if (path.startsWith('/') && !path.includes('\0')) return Buffer.from(path);
  throw new StillpointError('usage.invalid', `"${path}" is not an absolute path on the host.`, {
    advice: 'Write the whole path, beginning with "/".',
    cause: undefined,
  });
}
