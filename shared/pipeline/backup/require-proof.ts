/** Whether what was proved of a run is enough for its source. */
import { StillpointError } from '../../base/errors.ts';
import {
  CONSISTENCY_LEVELS,
  type Consistency,
  type ConsistencyEvidence,
  judgeConsistency,
} from '../../domain/consistency.ts';
import type { SourceScope } from '../../domain/source.ts';

/** Errors: `quiesce.not-proved`, where less was proved than the source requires; than its plan foresaw where that says nothing. */
export function requireProof(
  { name, host, require }: SourceScope,
  foreseen: Consistency,
  evidence: ConsistencyEvidence,
): void {
  const wanted = require ?? foreseen;
  const { consistency } = judgeConsistency(evidence);
  if (rank(consistency) >= rank(wanted)) return;
  const failed = evidence.holds.filter(({ provedUptime }) => provedUptime === undefined);
  const unproved = failed.map(({ what }) => what);
  const moved = failed.filter(({ guarantees }) => guarantees !== 'recovers').map(({ what }) => what);
  const unready = failed.filter(({ guarantees }) => guarantees === 'recovers').map(({ what }) => what);
  const torn = (evidence.live ?? []).filter(({ tornCount }) => tornCount > 0).map(({ path }) => `"${path}"`);
  const why = [
    ...(moved.length === 0 ? [] : [`${moved.join(' and ')} did not stand still all the time`]),
    ...(unready.length === 0 ? [] : [`that a copy of ${unready.join(' and ')} would recover was not proved`]),
    ...(torn.length === 0 ? [] : [`files in ${torn.join(' and ')} changed while they were read`]),
    ...(unproved.length + torn.length > 0 ? [] : ['that is all that the snapshots and holds come to']),
  ];
  throw new StillpointError(
    'quiesce.not-proved',
    `${name === undefined ? 'What was read' : `The source "${name}"`} on "${host}" was to be "${wanted}" and is "${consistency}": ${why.join(', and ')}.`,
    {
      advice: `Run the backup again; where "${consistency}" is better than no backup, write "require": "${consistency}" into the source.`,
      details: { host, wanted, consistency, unproved },
      cause: undefined,
    },
  );
}

/** Before anything is held or read: what cannot come to what the source requires need not be tried. Errors: `quiesce.not-proved`. */
export function requireReachable({ name, host, require }: SourceScope, foreseen: Consistency): void {
  if (require === undefined || rank(foreseen) >= rank(require)) return;
  const what = name === undefined ? 'What is to be read' : `The source "${name}"`;
  throw new StillpointError(
    'quiesce.not-proved',
    `${what} on "${host}" is required to be "${require}" and can be "${foreseen}" at the most.`,
    {
      advice: `Where "${foreseen}" is better than no backup, write "require": "${foreseen}" into the source. What gives a stronger label: snapshots in place of "read-live", fewer volumes, "quiesce" and "stop".`,
      details: { host, wanted: require, foreseen },
      cause: undefined,
    },
  );
}

const rank = (level: Consistency): number => CONSISTENCY_LEVELS.indexOf(level);
