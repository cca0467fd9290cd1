/** What kill tests have in common: each step of a backup is struck at each moment that is due, and then it is looked what is left. */
import { describe, expect, test } from 'vitest';
import { MOMENTS } from '../../support/remote/striking.ts';
import { type DueStrikes, type KillLab, NOT_DUE, wayAt } from './kill-lab.ts';

/** @param settled what has to hold after each strike */
export function strikeEach<Step extends string>(
  due: DueStrikes<Step>,
  lab: () => KillLab,
  settled: () => Promise<void>,
): void {
  describe.each(due.steps)('%s', (step) => {
    test.for(MOMENTS)('is struck %s', async (moment, { skip }) => {
      const way = wayAt(due, step, moment);
      skip(way === undefined, NOT_DUE);
      if (way !== undefined) await lab().strike(way, { step, moment });
      await expect(settled()).resolves.toBeUndefined();
    });
  });
}
