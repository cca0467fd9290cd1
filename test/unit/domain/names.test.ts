/** What is said of an id that is none. */
import { expect, test } from 'vitest';
import { jobId } from '../../../shared/domain/names.ts';

test('an id in capitals is told what is wrong with it', () => {
  const id = '0123456789abcdef';
  expect(jobId(id)).toBe(id);
  for (const wrong of [id.toUpperCase(), id.slice(1), `${id}0`, 'x'.repeat(16)]) {
    expect(() => jobId(wrong)).toThrow(
      expect.objectContaining({
        message: `"${wrong}" is not the id of a job.`,
        advice: 'It has 16 digits, which are 0 to 9 and a to f in small letters; list the jobs to see the ids.',
      }),
    );
  }
});
