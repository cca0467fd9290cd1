/** What was seen of a host, before anything is made of it. */
import type { StillpointError } from '../../base/errors.ts';
import type { QuiesceSpec } from '../../domain/quiesce.ts';
import type { HostFinding } from '../../domain/readiness.ts';
import type { HostSpec } from '../../domain/source.ts';
import type { ReapResult } from '../../snapshot/host/commands.ts';
import type { DetectedVolume } from '../../snapshot/provider.ts';
import type { Registry } from '../../snapshot/registry.ts';
import type { Survey } from '../../snapshot/survey.ts';
import type { SeenStore } from './data-stores.ts';
import type { FileSystemRoom, FileSystemState } from './file-systems.ts';
import type { SudoRights } from './sudo-rights.ts';
import type { WriteRate } from './write-rate.ts';

export interface PlacedStore extends SeenStore {
  readonly onHost: Buffer | undefined;
  readonly service: string | undefined;
  /** What a source would say under "quiesce" to have it held still; only where it can be. */
  readonly quiesce?: QuiesceSpec;
}

export interface HostFacts {
  readonly spec: HostSpec;
  readonly registry: Registry;
  /** As it will be when a sweep has removed what dead runs of ours left. */
  readonly survey: Survey;
  readonly state: FileSystemState;
  /** By the id of the volume. */
  readonly rooms: ReadonlyMap<string, FileSystemRoom>;
  /** By "major:minor". */
  readonly rates: ReadonlyMap<string, WriteRate>;
  readonly stores: readonly PlacedStore[];
  /** Whether open files could be looked at. */
  readonly sawPrograms: boolean;
  /** Undefined where we are root by logging in. */
  readonly sudo: SudoRights | undefined;
  /** Why sudo, which the configuration says, did not make us root. */
  readonly refusal: StillpointError | undefined;
  /** Undefined where we are not root. */
  readonly traces: ReapResult | undefined;
  /** What each storage says of itself. */
  readonly ofStorages: readonly HostFinding[];
  /** What the host did not answer, or not so that it is understood, sentences. */
  readonly unanswered: readonly string[];
  /** Why each volume that lacks room for a snapshot does. */
  readonly noRoom: readonly StillpointError[];
}

/** Whose root is the whole of it where there is such a place. */
export const placeOfVolume = ({ places }: DetectedVolume) => places.find(({ aside }) => aside === undefined);
