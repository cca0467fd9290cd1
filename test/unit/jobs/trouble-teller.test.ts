import { expect, test } from 'vitest';
import type { RunEventBody } from '../../../shared/domain/events.ts';
import { troubleTeller } from '../../../shared/jobs/trouble-teller.ts';
import { passing } from '../../support/fault-plan.ts';
import { TestClock } from '../../support/test-clock.ts';

test('trouble with the place of a repository is told once a minute', () => {
  const clock = new TestClock();
  const events: RunEventBody[] = [];
  const tell = troubleTeller({ emit: (event) => events.push(event), clock });
  for (let second = 0; second < 130; second += 1) {
    tell(passing());
    clock.ms += 1000;
  }
  expect(events).toHaveLength(3);
  expect(events[0]).toMatchObject({ type: 'warning', code: 'backend.failed', message: 'The test broke the call.' });
});
