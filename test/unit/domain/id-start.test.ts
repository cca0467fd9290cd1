import { expect, test } from 'vitest';
import type { StillpointError } from '../../../shared/base/errors.ts';
import { refuseNoPoint } from '../../../shared/domain/id-start.ts';

const adviceFor = (wanted: string): string => {
  try {
    refuseNoPoint(wanted);
    return '';
  } catch (error) {
    return (error as StillpointError).advice;
  }
};

test('what can be a restore point is not refused', () => {
  for (const wanted of ['latest', '1a2b', 'F'.repeat(64)]) expect(adviceFor(wanted)).toBe('');
});

test('the name of a repository, and a folder as restic names it, are told where they belong', () => {
  expect(adviceFor('main')).toMatch(/"stillpoint list" shows them, and --repository names a repository\.$/);
  expect(adviceFor('latest:/etc/a b')).toBe('Give the folder as an argument of its own: latest /etc/a b.');
  expect(adviceFor('1a2b:/')).toBe('Give the folder as an argument of its own: 1a2b /.');
});
