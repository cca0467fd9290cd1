import { expect, test } from 'vitest';
import { openOnFirstUse } from '../../mcp-server/open-on-first-use.ts';

function openings(...outcomes: readonly ('fails' | 'opens')[]) {
  let disposed = 0;
  let opened = 0;
  const thing = openOnFirstUse(async () => {
    const outcome = outcomes[opened];
    opened += 1;
    if (outcome === 'fails') throw new Error(`attempt ${opened}`);
    return { number: opened, [Symbol.asyncDispose]: async () => void (disposed += 1) };
  });
  return { thing, opened: () => opened, disposed: () => disposed };
}

test('is opened once, however often and at the same time it is used', async () => {
  const { thing, opened, disposed } = openings('opens');
  expect(opened()).toBe(0);
  const [first, second] = await Promise.all([thing.get(), thing.get()]);
  expect(second).toBe(first);
  await thing[Symbol.asyncDispose]();
  expect([opened(), disposed()]).toEqual([1, 1]);
});

test('is tried again after a failure', async () => {
  const { thing } = openings('fails', 'opens');
  await expect(thing.get()).rejects.toThrow('attempt 1');
  expect((await thing.get()).number).toBe(2);
});

test('is disposed of without ever having been used, or after a failure', async () => {
  const unused = openings('opens');
  await unused.thing[Symbol.asyncDispose]();
  expect(unused.opened()).toBe(0);
  const failed = openings('fails');
  await expect(failed.thing.get()).rejects.toThrow('attempt 1');
  await failed.thing[Symbol.asyncDispose]();
  expect(failed.disposed()).toBe(0);
});
