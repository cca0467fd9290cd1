/**
 * Redis and Valkey. What is done depends on how it keeps what it has answered (`client.ts`): with a log that is synchronised before each
 * answer, or with no log at all, nothing is held, and a copy of one instant recovers (`recovering.ts`); with a log that is synchronised
 * later, whoever writes waits while the snapshots are made (`held.ts`).
 */
import { type RedisHold, wantedOf } from '../../domain/quiesce.ts';
import { turnOf } from '../../domain/turn.ts';
import type { Hook, PlannedHold } from '../hook.ts';
import { requireOneInstant } from '../one-instant.ts';
import { labelOf, type RedisWay, wayOf } from './client.ts';
import { haveWritersWait, proveHeld, redisOnHost } from './held.ts';
import { lookAtServers } from './look.ts';
import { proveSame, writeOut } from './recovering.ts';

/** Of one that is held: so long at the most writers wait. */
const HELD_SECONDS = 20;
/** A large one takes its time to be written, and nobody waits for it meanwhile. */
const SECONDS = 600;

export const redis: Hook = {
  onHost: redisOnHost,
  programs: { coreutils: 'head mv rm tr' },
  look: (source) => {
    const wanted = wantedOf(source, 'redis');
    return wanted.length === 0 ? undefined : lookAtServers(wanted.map(({ spec }) => spec));
  },
  plan: (source, run, reading) =>
    wantedOf(source, 'redis').map(({ spec, at }, index) => {
      requireOneInstant(labelOf(spec), reading);
      const way = wayOf(reading.look.facts[`way-${index}`]) ?? 'held';
      return { ...holdOf(spec, { id: `${run}/redis-${at}`, holds: 'until-snapshots', way }), at };
    }),
};

export function holdOf(
  hold: RedisHold,
  { id, holds, way }: Pick<PlannedHold, 'id' | 'holds'> & { readonly way: RedisWay },
): PlannedHold {
  const deadlineSeconds = hold.seconds ?? (way === 'held' ? HELD_SECONDS : SECONDS);
  // It writes out for one at a time, and whoever lets its writers go lets them go for all.
  const turns = [turnOf('redis', hold.socket ?? String(hold.port ?? 6379), labelOf(hold))];
  const terms = { kind: redisOnHost.kind, id, label: labelOf(hold), holds, turns, deadlineSeconds };
  if (way === 'held')
    return {
      ...{ ...terms, guarantees: 'application' },
      freeze: haveWritersWait(id, hold, deadlineSeconds),
      prove: proveHeld(id, hold),
    };
  return {
    ...{ ...terms, guarantees: 'recovers' },
    freeze: writeOut(id, hold, { way, deadlineSeconds }),
    prove: proveSame(id, hold, { way, deadlineSeconds }),
  };
}
