/** What a plan says of each kind of hold. */
import { expect, test } from 'vitest';
import { beginningsOf, endingsOf } from '../../../shared/quiesce/hold-words.ts';

const until = { holds: 'until-snapshots', deadlineSeconds: 20 } as const;

test('a plan says what begins, for how long at most, and what ends, the last one first', () => {
  const holds = [
    { guarantees: 'cold', label: 'the service "web"', holds: 'until-read', deadlineSeconds: 14_400 },
    { guarantees: 'recovers', label: 'PostgreSQL', ...until },
    { guarantees: 'still', label: 'the container "queue"', ...until },
    { guarantees: 'nothing', label: '"caches"', ...until },
    { guarantees: 'application', label: 'MariaDB', ...until },
  ] as const;
  expect(beginningsOf(holds)).toEqual([
    'stop the service "web", for 14400 s at most',
    'make sure that a copy of PostgreSQL would recover, waiting 20 s for it at most',
    'pause the container "queue", for 20 s at most',
    'run the "before" command of "caches", for 20 s at most',
    'hold MariaDB still, for 20 s at most',
  ]);
  expect(endingsOf(holds)).toEqual([
    'release MariaDB',
    'run the "after" command of "caches"',
    'let the container "queue" run on',
    'check that PostgreSQL is still the same',
    'start the service "web" again once all has been read',
  ]);
});
