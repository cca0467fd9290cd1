import { describe, expect, test } from 'vitest';
import {
  fromErrorRecord,
  invariant,
  isStillpointError,
  StillpointError,
  toErrorRecord,
  toStillpointError,
} from '../../../shared/base/errors.ts';

const full = new StillpointError('backend.no-space', 'The disk is full.', {
  advice: 'Make room.',
  details: { free: 0 },
  cause: undefined,
});

describe('an error', () => {
  test('is recognised by its brand, also when another bundle made it', () => {
    expect(isStillpointError({ brand: full.brand, code: full.code })).toBe(true);
    expect(isStillpointError(full, 'backend.no-space')).toBe(true);
    expect(isStillpointError(full, 'backend.failed')).toBe(false);
    expect(isStillpointError(new Error('other'))).toBe(false);
    expect(isStillpointError(undefined)).toBe(false);
  });

  test('survives being stored', () => {
    expect(toErrorRecord(fromErrorRecord(toErrorRecord(full)))).toEqual(toErrorRecord(full));
  });

  test('that nobody foresaw is called ours', () => {
    expect(toStillpointError('a text')).toMatchObject({
      code: 'internal.unexpected',
      message: expect.stringContaining('a text') as string,
    });
    expect(toStillpointError(new Error('odd')).cause).toBeInstanceOf(Error);
  });

  test('that came first is told, not the one of the cleaning up', async () => {
    const run = async (): Promise<void> => {
      await using _outer = { [Symbol.asyncDispose]: () => Promise.reject(new Error('cleanup')) };
      throw full;
    };
    const seen: unknown = await run().catch((error: unknown) => error);
    expect(seen).toBeInstanceOf(SuppressedError);
    expect(toStillpointError(seen)).toBe(full);
  });
});

test('a broken belief is named', () => {
  expect(() => invariant(false, 'the sky is up')).toThrow(/the sky is up/);
  expect(() => invariant(true, 'the sky is up')).not.toThrow();
});
