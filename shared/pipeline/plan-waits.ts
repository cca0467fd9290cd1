/** What a run of a plan would have to wait for if it were begun now. It changes by the minute, so it is no part of a plan's id. */
import type { RunId } from '../domain/names.ts';
import type { HostSpec } from '../domain/source.ts';
import { DEFAULT_WAIT_SECONDS, turnWords } from '../domain/turn.ts';
import { lookForTurns } from '../snapshot/host/turns.ts';
import { sectionOf } from '../snapshot/snapshot-set.ts';
import type { Preparation, PreparePorts } from './prepare.ts';

/** In sentences. What dead runs have ends with the sweep before it. */
export async function waitsOf(
  { snapshots }: Preparation,
  { dead, spec: { waitSeconds = DEFAULT_WAIT_SECONDS } }: { readonly dead: readonly RunId[]; readonly spec: HostSpec },
  { host, clock }: PreparePorts,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { turns = [] } = sectionOf(snapshots);
  if (turns.length === 0) return [];
  const taken = await host.run(lookForTurns(turns), signal);
  const waits = taken.filter(({ run }) => !dead.some((each) => each === run));
  return waits.map(
    (each) => `At this moment ${turnWords(each, clock.now())}; it is waited for, up to ${waitSeconds} s.`,
  );
}
