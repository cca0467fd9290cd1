import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { forEachWithLimit, mapAhead, mapWithLimit, Semaphore } from '../../../shared/base/limit.ts';

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

describe('mapping ahead', () => {
  test('gives all in order, with no more under way than it may', async () => {
    const delays = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(delays, fc.nat(4), async (items, ahead) => {
        let underWay = 0;
        let most = 0;
        const task = async (turns: number): Promise<number> => {
          underWay += 1;
          most = Math.max(most, underWay);
          for (let n = 0; n < turns; n++) await turn();
          underWay -= 1;
          return turns;
        };
        const results: number[] = [];
        for await (const result of mapAhead(items, ahead, task)) {
          await turn();
          results.push(result);
        }
        expect(results).toEqual(items);
        expect(most).toBeLessThanOrEqual(ahead + 1);
        if (items.length > ahead && ahead > 0) expect(most).toBeGreaterThan(1);
      }),
      { numRuns: 50 },
    );
  });

  test('fails with the first failure in order, and leaves no later one unheard', async () => {
    const unheard: unknown[] = [];
    const listen = (error: unknown): void => void unheard.push(error);
    process.on('unhandledRejection', listen);
    const results: number[] = [];
    const all = async (): Promise<void> => {
      const task = async (item: number): Promise<number> => {
        if (item > 1) throw new Error(`item ${item}`);
        return item;
      };
      for await (const result of mapAhead([0, 1, 2, 3, 4], 2, task)) results.push(result);
    };
    await expect(all()).rejects.toThrow('item 2');
    await turn();
    process.off('unhandledRejection', listen);
    expect(results).toEqual([0, 1]);
    expect(unheard).toEqual([]);
  });
});
