/** What a finished job did that lasts, however it ended. Long lists are counted and cut. */
import { z } from 'zod';
import type { RunFacts } from '../../shared/domain/run-facts.ts';
import { foreign, foreignText } from '../foreign-text.ts';
import { INNER_LIST } from '../limits.ts';

export const factsShape = z.strictObject({
  saved: z.array(z.string()).describe('Ids of restore points that it saved, the first of them.'),
  savedCount: z.int().describe('How many it saved.'),
  removedCount: z.int().describe('Restore points that it removed.'),
  unsure: z.array(foreignText('What was begun and may or may not have happened.')),
  host: z
    .enum(['untouched', 'held', 'released', 'left'])
    .nullable()
    .describe('held or left: something of it may be on the host; the next job there removes it. Null without a host.'),
  left: z.array(foreignText('What could not be cleaned up.')),
});

export function factsOf({ stores, host, left }: RunFacts): z.input<typeof factsShape> {
  const all = Object.values(stores);
  const saved = all.flatMap(({ pointsSaved }) => pointsSaved);
  return {
    saved: saved.slice(0, INNER_LIST),
    savedCount: saved.length,
    removedCount: all.reduce((sum, { pointsRemoved }) => sum + pointsRemoved.length, 0),
    unsure: all
      .flatMap(({ unsure }) => unsure)
      .slice(0, INNER_LIST)
      .map(foreign),
    host: host?.state ?? null,
    left: left.slice(0, INNER_LIST).map(foreign),
  };
}
