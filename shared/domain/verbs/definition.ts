/**
 * What is known of a verb before it runs, and what its end means: data and pure functions, no work. Each verb has one
 * definition in this folder, with the types of its request and its report; `verbs.ts` is the table of all.
 */
import type { HostName, JobId, RepositoryName, SourceName } from '../names.ts';
import type { RunFacts } from '../run-facts.ts';
import type { RepositorySpec } from '../source.ts';

/** What is certain of a stop while a phase runs. `end-tells`: nothing; the facts of the run say it then. */
type StopMeans = 'end-tells' | 'snapshot-goes' | 'point-may-stay';

/** By name; the configuration says what each is. */
interface PlaceNames {
  /** Its host is meant too, and its repository unless `repositories` says otherwise. */
  readonly source?: SourceName;
  /** A job has its host for itself. */
  readonly host?: HostName;
  readonly repositories?: readonly RepositoryName[];
  /** A host that keeps files for us; any number of jobs may use it. */
  readonly keeper?: HostName;
}

/** Methods, so that the definition of one verb can be held by the name of all; it is given what is of its own kind. */
export interface VerbDefinition<Request, Report, Phase extends string> {
  /** In the order in which they run, as far as they are needed. */
  readonly phases: { readonly [P in Phase]?: StopMeans };
  /** What it may change: none of them where it only reads. */
  readonly changes: readonly ('host' | 'repository' | 'folder')[];
  /** In the middle of a sentence: 'backup of "shop"'. */
  describe(request: Request): string;
  places(request: Request): PlaceNames;
  /** The run of a process that is gone that it goes on with: of this job, of any that did the same, or of none. */
  takesUp?(request: Request): JobId | 'any' | 'none';
  /** What a job is asked for that goes on with this one. */
  resuming?(request: Request, job: JobId): Request;
  /** Throws for a request that makes no sense at the places that it names. */
  refuse?(request: Request, repositories: readonly RepositorySpec[]): void;
  /** What an end before its time means for the data, in sentences. */
  aboutData(request: Request, facts: RunFacts): string[];
  /** Whether what was asked for is there although the run was cut. */
  isSaved?(facts: RunFacts): boolean;
  /** Whether a run that ended well is without something that was asked of it; its report names what. */
  isPartial?(report: Report): boolean;
  /** The id of the restore point that it has made. */
  madePoint?(report: Report): string;
}

/** The phases are found in the definition itself. */
export const defineVerb =
  <Request, Report>() =>
  <Phase extends string>(definition: VerbDefinition<Request, Report, Phase>): VerbDefinition<Request, Report, Phase> =>
    definition;
