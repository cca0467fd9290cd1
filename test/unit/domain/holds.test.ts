/** What a restore point says of its holds, whoever wrote it. */
import { describe, expect, test } from 'vitest';
import { holdInWords, holdsIn } from '../../../shared/domain/holds.ts';

const hold = { what: 'MariaDB', guarantees: 'application', fromUptime: 10, provedUptime: 11.5, untilUptime: 12 };
const instants = [
  { volume: 'a', afterUptime: 10.5, beforeUptime: 10.6 },
  { volume: 'b', afterUptime: 10.9, beforeUptime: 11 },
];
const words = (more: object, evidence: object = { instants }): string | undefined =>
  holdsIn({ ...evidence, holds: [{ ...hold, ...more }] }).map((one) => holdInWords(one))[0];

describe('a hold in words', () => {
  test.each([
    [{}, 'MariaDB: held still for 2.00 s, from 0.50 s before the first instant; proved 0.50 s after the last'],
    [
      { record: { server: '10.11', binlog: 'x:1' } },
      'MariaDB: held still for 2.00 s, from 0.50 s before the first instant; proved 0.50 s after the last (server 10.11, binlog x:1)',
    ],
    [{ provedUptime: undefined }, 'MariaDB: held still for 2.00 s, from 0.50 s before the first instant; not proved'],
    [
      { untilUptime: undefined },
      'MariaDB: held still, from 0.50 s before the first instant; its end was not seen; proved 0.50 s after the last',
    ],
    [
      { fromUptime: 10.6, provedUptime: 10.8 },
      'MariaDB: held still for 1.40 s, from 0.10 s after the first instant; proved 0.20 s before the last',
    ],
    [
      { guarantees: 'recovers' },
      'MariaDB: not held, but watched for 2.00 s, from 0.50 s before the first instant; proved 0.50 s after the last',
    ],
    [
      { guarantees: 'nothing' },
      'MariaDB: between its own commands for 2.00 s, from 0.50 s before the first instant; nothing is claimed',
    ],
  ])('%j', (more, said) => {
    expect(words(more)).toBe(said);
  });

  test('where nothing has an instant, it says how long it was', () => {
    expect(words({ guarantees: 'cold' }, { instants: [] })).toBe('MariaDB: stopped for 2.00 s; proved');
  });
});

test.each([
  undefined,
  'text',
  [],
  { holds: 'text' },
  { holds: [null, 'text', [], {}] },
  { holds: [{ ...hold, what: 7 }] },
  { holds: [{ ...hold, guarantees: 'toString' }] },
  { holds: [{ ...hold, fromUptime: '10' }] },
])('what is no hold is none: %j', (evidence) => {
  expect(holdsIn(evidence)).toEqual([]);
});

test('of what else is odd nothing is taken', () => {
  const odd = { ...hold, provedUptime: 'yes', untilUptime: -1, record: { server: 7, log: 'a' } };
  expect(holdsIn({ holds: [odd], instants: [{ afterUptime: 'x' }] })).toEqual([
    { what: 'MariaDB', guarantees: 'application', isProved: false, record: { log: 'a' } },
  ]);
});
