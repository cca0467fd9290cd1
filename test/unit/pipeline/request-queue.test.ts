import { describe, expect, test } from 'vitest';
import { RequestQueue } from '../../../shared/pipeline/backup/request-queue.ts';

const settled = async (promise: Promise<unknown>): Promise<boolean> => {
  let isSettled = false;
  promise.then(
    () => (isSettled = true),
    () => (isSettled = true),
  );
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  return isSettled;
};

describe('the queue of requests', () => {
  test('hands over in order, together what came together, and ends', async () => {
    const queue = new RequestQueue<number>(10);
    await queue.push(1);
    await queue.push(2);
    const reader = queue[Symbol.asyncIterator]();
    expect((await reader.next()).value).toEqual([1, 2]);
    const next = reader.next();
    expect(await settled(next)).toBe(false);
    await queue.push(3);
    expect((await next).value).toEqual([3]);
    queue.end();
    expect((await reader.next()).done).toBe(true);
  });

  test('gives what is left before it ends', async () => {
    const queue = new RequestQueue<number>(10);
    await queue.push(1);
    queue.end();
    expect(await Array.fromAsync(queue)).toEqual([[1]]);
  });

  test('makes who asks wait for answers, not for being sent', async () => {
    const queue = new RequestQueue<number>(2);
    await queue.push(1);
    await queue.push(2);
    const reader = queue[Symbol.asyncIterator]();
    await reader.next();
    const third = queue.push(3);
    expect(await settled(third)).toBe(false);
    queue.answered();
    await third;
  });

  test('lets who waited go on when a quarter is free, so that names do not travel one by one', async () => {
    const queue = new RequestQueue<number>(8);
    for (let number = 0; number < 8; number += 1) await queue.push(number);
    const reader = queue[Symbol.asyncIterator]();
    await reader.next();
    const ninth = queue.push(8);
    queue.answered();
    expect(await settled(ninth)).toBe(false);
    queue.answered();
    await ninth;
    await queue.push(9);
    expect((await reader.next()).value).toEqual([8, 9]);
  });

  test('hands over together what is asked for in one turn', async () => {
    const queue = new RequestQueue<number>(8);
    const batch = queue[Symbol.asyncIterator]().next();
    for (let number = 0; number < 5; number += 1) await queue.push(number);
    expect((await batch).value).toEqual([0, 1, 2, 3, 4]);
  });

  test('fails everybody who waits, and everybody who comes later, with the first failure', async () => {
    const queue = new RequestQueue<number>(1);
    await queue.push(1);
    const writer = queue.push(2);
    const first = new Error('first');
    expect(queue.fail(first)).toEqual([1]);
    expect(queue.fail(new Error('second'))).toEqual([]);
    await expect(writer).rejects.toBe(first);
    await expect(queue.push(3)).rejects.toBe(first);
    await expect(queue[Symbol.asyncIterator]().next()).rejects.toBe(first);
    const waiting = new RequestQueue<number>(1);
    const reader = waiting[Symbol.asyncIterator]().next();
    waiting.fail(first);
    await expect(reader).rejects.toBe(first);
  });
});
