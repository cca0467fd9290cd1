/**
 * Whatever is pruned of whatever repository, what is left is whole, holds what it held, and no more unused data than
 * was allowed. Where no restore point is left, nothing is pruned.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type PruneOptions, unusedLimit } from '../../../../shared/domain/prune-plan.ts';
import { planPrune } from '../../../../shared/repository/prune/plan.ts';
import { contentOf, damageIn, open, prune } from '../../../support/prune-lab.ts';
import { buildRepository, repositoryShape } from '../../../support/random-repository.ts';
import { testSignal } from '../../../support/test-repository.ts';

/** STILLPOINT_RUNS=2000 for a longer search. */
const RUNS = Number(process.env['STILLPOINT_RUNS'] ?? 25);

it(
  'a prune of anything leaves what restore points hold, and little else',
  async () => {
    const property = fc.asyncProperty(repositoryShape, async (scope) => {
      const { backend, points } = await buildRepository(scope);
      const options: PruneOptions = scope.options;
      if (points.length === 0) {
        await expect(prune(backend, options)).rejects.toThrow(/no restore point is seen/);
        return;
      }
      const before = await Promise.all(points.map((point) => contentOf(backend, point)));
      const { plan } = await prune(backend, options);
      // What may stay unused may also be stored twice, which is reported as information only.
      const told = await damageIn(backend, 'check');
      expect(told.filter((line) => !line.startsWith('information'))).toEqual([]);
      expect(await Promise.all(points.map((point) => contentOf(backend, point)))).toEqual(before);

      const { plan: next } = await planPrune(await open(backend), options, testSignal());
      const { figures } = next;
      expect([next.unreferenced, next.missing]).toEqual([[], []]);
      expect(figures.blobs.used).toBe(plan.figures.blobs.used);
      if (options.maxRepackBytes !== undefined) return;
      expect(figures.bytes.unused).toBeLessThanOrEqual(unusedLimit(options.maxUnused, figures.bytes.used));
      // Where some copies may stay, another of them may be the better one next time.
      if (options.maxUnused === '0%') expect([next.unused, figures.blobs.duplicates]).toEqual([[], 0]);
    });
    await fc.assert(property, { numRuns: RUNS, endOnFailure: true });
  },
  RUNS * 1000,
);
