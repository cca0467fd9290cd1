import { describe, expect, test } from 'vitest';
import { abortable, cancelled, deadline } from '../../../shared/base/cancel.ts';
import { systemClock } from '../../../shared/base/clock.ts';
import { StillpointError } from '../../../shared/base/errors.ts';

const late = (): StillpointError =>
  new StillpointError('run.deadline', 'Too late.', { advice: 'Hurry.', cause: undefined });

describe('a deadline', () => {
  test('fires with its own error when the time is up', async () => {
    using limit = deadline(new AbortController().signal, 5, late);
    await expect(systemClock.sleep(60_000, limit.signal)).rejects.toMatchObject({ code: 'run.deadline' });
  });

  test("fires with the parent's reason when that comes first, and at once when it came before", () => {
    const parent = new AbortController();
    using limit = deadline(parent.signal, 60_000, late);
    parent.abort(cancelled('The run'));
    expect(limit.signal.reason).toMatchObject({ code: 'run.cancelled' });
    using after = deadline(parent.signal, 60_000, late);
    expect(after.signal.aborted).toBe(true);
  });
});

describe('waiting under a signal', () => {
  test('ends when the signal fires, though the promise never does', async () => {
    const controller = new AbortController();
    const waiting = abortable(Promise.withResolvers<never>().promise, controller.signal);
    controller.abort(cancelled('The wait'));
    await expect(waiting).rejects.toMatchObject({ code: 'run.cancelled' });
  });

  test('gives what the promise gives', async () => {
    await expect(abortable(Promise.resolve(7), new AbortController().signal)).resolves.toBe(7);
  });

  test('does not begin a sleep after the signal', async () => {
    await expect(systemClock.sleep(0, AbortSignal.abort(cancelled('The sleep')))).rejects.toMatchObject({
      code: 'run.cancelled',
    });
  });
});
