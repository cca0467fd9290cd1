/**
 * A prune that is stopped after any of its writes and removals: the store dies and never answers again. Whatever is
 * then there, every restore point is whole, and the next prune completes.
 */
import { expect, it } from 'vitest';
import { copyOf, crashAfter } from '../support/crashing-backend.ts';
import { contentOf, damageIn, open, prune, usedRepository } from '../support/prune-lab.ts';
import { testSignal } from '../support/test-repository.ts';

it.each([
  [1, '0%'],
  [2, '0%'],
  [2, '40%'],
] as const)('leaves every restore point whole wherever it dies (format %i, unused %s)', async (version, maxUnused) => {
  const { backend, points } = await usedRepository(version);
  const expected = await Promise.all(points.map((point) => contentOf(backend, point)));
  let survived = 0;
  for (; ; survived += 1) {
    const copy = await copyOf(backend, testSignal());
    const dying = crashAfter(copy, survived);
    const attempt = prune(dying, { maxUnused });
    if (survived > 0) await attempt.catch(() => undefined);
    else await expect(attempt).rejects.toThrow('The store died.');

    const where = `after ${survived} writes and removals`;
    const damage = (await damageIn(copy, 'verify')).filter((line) => line.startsWith('damage'));
    expect(damage, where).toEqual([]);
    expect(await Promise.all(points.map((point) => contentOf(copy, point))), where).toEqual(expected);

    await (await open(copy)).unlock('all', testSignal());
    await prune(copy, { maxUnused });
    expect(await damageIn(copy, 'verify'), `${where} and a second prune`).toEqual([]);
    expect(await Promise.all(points.map((point) => contentOf(copy, point))), where).toEqual(expected);
    if (!dying.hasCrashed) break;
  }
  // Packs written, indexes written and removed, packs removed: fewer would mean that little was tried.
  expect(survived).toBeGreaterThan(10);
});
