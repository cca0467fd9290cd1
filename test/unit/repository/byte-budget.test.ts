import { describe, expect, it } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { StillpointError } from '../../../shared/base/errors.ts';
import { ByteBudget } from '../../../shared/repository/write/byte-budget.ts';

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending');
  return (
    (await Promise.race([promise.catch(() => 'failed'), new Promise((resolve) => setImmediate(resolve, pending))])) !==
    pending
  );
}

describe('the byte budget', () => {
  it('lets callers wait in their order until bytes are given back', async () => {
    const budget = new ByteBudget(100);
    await budget.take(100, never);
    const first = budget.take(60, never);
    const second = budget.take(60, never);
    expect(await isSettled(first)).toBe(false);
    budget.give(60);
    expect(await isSettled(first)).toBe(true);
    expect(await isSettled(second)).toBe(false);
    budget.give(60);
    expect(await isSettled(second)).toBe(true);
    budget.give(100);
    expect(budget.usedBytes).toBe(0);
  });

  it('lets a request larger than the whole limit through', async () => {
    const budget = new ByteBudget(10);
    expect(await isSettled(budget.take(1000, never))).toBe(true);
  });

  it('forgets who stopped waiting', async () => {
    const budget = new ByteBudget(10);
    await budget.take(10, never);
    const stop = new AbortController();
    const waiting = budget.take(5, stop.signal);
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    budget.give(10);
    expect(budget.usedBytes).toBe(0);
  });

  it('fails all who wait and all who come', async () => {
    const budget = new ByteBudget(10);
    await budget.take(10, never);
    const waiting = budget.take(5, never);
    budget.fail(new StillpointError('backend.no-space', 'full', { advice: 'x', cause: undefined }));
    await expect(waiting).rejects.toThrow('full');
    await expect(budget.take(1, never)).rejects.toThrow('full');
  });
});
