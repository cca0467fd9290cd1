/** A request to keep snapshots, with what the configuration says of its host and its source. */
import type { HostSpec, Source } from '../../domain/source.ts';
import type { KeepJobRequest } from '../../domain/verbs/keep.ts';

export interface KeepRequest extends Omit<KeepJobRequest, 'kind' | 'source' | 'host'> {
  readonly host: HostSpec;
  readonly source: Source | undefined;
}
