import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { forEachWithLimit, mapWithLimit, Semaphore } from '../../../shared/base/limit.ts';

const never = new AbortController().signal;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a semaphore', () => {
  test('admits no more than its size, and the next when one leaves', async () => {
    const semaphore = new Semaphore(2);
    const first = await semaphore.acquire(never);
    await semaphore.acquire(never);
    let third = false;
    const waiting = semaphore.acquire(never).then(() => (third = true));
    await turn();
    expect(third).toBe(false);
    first[Symbol.dispose]();
    await waiting;
    expect(third).toBe(true);
  });

  test('takes a place back once, however often it is given back', async () => {
    const semaphore = new Semaphore(1);
    const place = await semaphore.acquire(never);
    place[Symbol.dispose]();
    place[Symbol.dispose]();
    await semaphore.acquire(never);
    let second = false;
    void semaphore.acquire(never).then(() => (second = true));
    await turn();
    expect(second).toBe(false);
  });

  test('forgets who stops waiting', async () => {
    const semaphore = new Semaphore(1);
    const place = await semaphore.acquire(never);
    const controller = new AbortController();
    const given = semaphore.acquire(controller.signal);
    controller.abort(new Error('no longer'));
    await expect(given).rejects.toThrow('no longer');
    place[Symbol.dispose]();
    await semaphore.acquire(never);
  });

  test.each([0, -1, 1.5])('has no size of %d', (size) => {
    expect(() => new Semaphore(size)).toThrow(RangeError);
  });
});

describe('mapping with a limit', () => {
  test('keeps the order and the limit', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(5), { maxLength: 30 }), fc.integer({ min: 1, max: 4 }), async (items, limit) => {
        let running = 0;
        let most = 0;
        const doubled = await mapWithLimit(items, limit, async (item) => {
          running += 1;
          most = Math.max(most, running);
          for (let i = 0; i < item; i += 1) await turn();
          running -= 1;
          return item * 2;
        });
        expect(doubled).toEqual(items.map((item) => item * 2));
        expect(most).toBeLessThanOrEqual(limit);
      }),
      { numRuns: 40 },
    );
  });

  test('begins nothing more after a failure, and throws it', async () => {
    const begun: number[] = [];
    const mapped = mapWithLimit([0, 1, 2, 3, 4, 5], 2, async (item) => {
      begun.push(item);
      await turn();
      if (item === 1) throw new Error('at one');
    });
    await expect(mapped).rejects.toThrow('at one');
    await turn();
    expect(begun.length).toBeLessThan(6);
  });
});

describe('forEachWithLimit', () => {
  test('takes items only when there is a place, and none after a failure', async () => {
    const taken: number[] = [];
    function* endless(): Generator<number> {
      for (let item = 0; ; item++) {
        taken.push(item);
        yield item;
      }
    }
    let running = 0;
    let most = 0;
    const work = forEachWithLimit(endless(), 3, async (item) => {
      most = Math.max(most, (running += 1));
      await new Promise((resolve) => setTimeout(resolve, 1));
      running -= 1;
      if (item === 10) throw new Error('the eleventh fails');
    });
    await expect(work).rejects.toThrow('the eleventh fails');
    const count = taken.length;
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect([most, taken.length]).toEqual([3, count]);
    expect(count).toBeLessThan(15);
  });
});
