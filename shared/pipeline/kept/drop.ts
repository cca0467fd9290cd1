/**
 * Removing kept snapshots: those that a person names, or all of ours whose time is over by our own clock. Only what has a
 * kept name, our marks and the identity that the plan saw is removed.
 */
import type { Clock } from '../../base/clock.ts';
import { StillpointError } from '../../base/errors.ts';
import type { EmitEvent } from '../../domain/events.ts';
import type { KeptSet } from '../../domain/kept.ts';
import { keptId } from '../../domain/kept-name.ts';
import { type DropPlan, dropPlan } from '../../domain/kept-plans.ts';
import type { HostName, OwnerId } from '../../domain/names.ts';
import { requireApproved } from '../../domain/plan.ts';
import type { DropChoice, DropJobRequest, DropReport } from '../../domain/verbs/drop.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import { REASONS } from '../../snapshot/host/commands.ts';
import type { Registry } from '../../snapshot/registry.ts';
import { removeKept } from '../../snapshot/remove-kept.ts';
import { phases } from '../backup/phases.ts';
import { type FoundKept, findKept, type KeptPorts } from './listing.ts';

interface DropPorts {
  openHost(signal: AbortSignal): Promise<RemoteHost>;
  readonly registry: Registry;
  readonly owner: OwnerId;
  readonly clock: Clock;
  readonly emit: EmitEvent;
}

interface Chosen {
  readonly plan: DropPlan;
  readonly removes: readonly FoundKept[];
}

/** Changes nothing. */
export async function planDrop(
  name: HostName,
  choice: DropChoice,
  ports: KeptPorts,
  signal: AbortSignal,
): Promise<DropPlan> {
  return (await choose(name, choice, ports, signal)).plan;
}

export async function drop(
  { host: name, choice, plan }: Omit<DropJobRequest, 'kind'>,
  ports: DropPorts,
  signal: AbortSignal,
): Promise<DropReport> {
  const phase = phases<'drop-snapshots'>(ports.emit, ports.clock, signal);
  await using host = await phase('connect', () => ports.openHost(signal));
  const { removes } = await phase('preflight', async () => {
    const chosen = await choose(name, choice, { ...ports, host }, signal);
    requireApproved(plan, chosen.plan);
    return chosen;
  });
  const { removed, left } = await phase('drop', () => dropFound(removes, host, ports, signal));
  return { kind: 'drop-snapshots', host: name, removed, left };
}

async function choose(name: HostName, choice: DropChoice, ports: KeptPorts, signal: AbortSignal): Promise<Chosen> {
  const { listing, found } = await findKept(name, ports, signal);
  const sets = choice.by === 'ids' ? named(choice.ids, listing.sets, name) : listing.sets.filter(isOver);
  const members = found.filter(({ object }) => sets.some(({ id }) => id === object.set));
  const removes = members.filter(({ marks, object }) => marks !== undefined && object.state !== 'merging');
  const lines = removes.map(({ object, marks, storage }) => {
    const { line } = storage.kept.remove(object, marks?.owner ?? '');
    return `${line}   # ${object.proof}`;
  });
  const leaves = members
    .filter((member) => !removes.includes(member))
    .map(({ object, marks }) => ({ object: object.id, reason: why(marks === undefined ? 'foreign' : 'merging') }));
  return { plan: dropPlan({ host: name, sets, leaves }, lines), removes };
}

/** Those of others are for others to remove, or for who names them. */
const isOver = ({ isExpired, isOwn }: KeptSet): boolean => isExpired && isOwn;

function named(ids: readonly string[], sets: readonly KeptSet[], host: HostName): readonly KeptSet[] {
  return [...new Set(ids.map(keptId))].map((id) => {
    const set = sets.find((each) => each.id === id);
    if (set !== undefined) return set;
    throw new StillpointError('snapshot.unknown-kept', `No kept snapshots on "${host}" have the id ${id}.`, {
      advice: `"stillpoint snapshot list ${host}" shows those that there are.`,
      details: { host, id },
      cause: undefined,
    });
  });
}

const why = (word: string): string => REASONS[word] ?? word;

/** What is gone already counts as removed: that is what was wanted. */
export async function dropFound(
  found: readonly FoundKept[],
  host: RemoteHost,
  { registry }: Pick<DropPorts, 'registry'>,
  signal: AbortSignal,
): Promise<Pick<DropReport, 'removed' | 'left'>> {
  if (found.length === 0) return { removed: [], left: [] };
  const removals = found.map(({ object, marks, storage }) => storage.kept.remove(object, marks?.owner ?? '').remove);
  const words = await host.run(removeKept(removals, registry.scripts), signal);
  const ends = found.map(({ object }, index) => ({ object: object.id, word: words[index] ?? 'unread' }));
  return {
    removed: ends.flatMap(({ object, word }) => (word === 'removed' || word === 'gone' ? [object] : [])),
    left: ends.flatMap(({ object, word }) =>
      word === 'removed' || word === 'gone' ? [] : [{ object, reason: why(word) }],
    ),
  };
}
