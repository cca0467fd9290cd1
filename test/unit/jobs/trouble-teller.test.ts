import { expect, test } from 'vitest';
import type { RunEventBody } from '../../../shared/domain/events.ts';
import { troubleTeller } from '../../../shared/jobs/trouble-teller.ts';
import { passing } from '../../support/fault-plan.ts';
import { TestClock } from '../../support/test-clock.ts';

test('trouble with the place of a repository is reported once a minute', () => {
  const clock = new TestClock();
  const events: RunEventBody[] = [];
  const tell = troubleTeller({ emit: (event) => events.push(event), clock });
  for (let second = 0; second < 130; second += 1) {
    tell({ error: passing(), leftMs: 600_000 - second * 1000, answersOthers: undefined });
    clock.ms += 1000;
  }
  expect(events).toHaveLength(3);
  expect(events[0]).toMatchObject({
    type: 'warning',
    code: 'backend.failed',
    message: 'The test broke the call.',
    advice: 'The job waits for the store and tries again for up to 10 min.',
  });
});

test('that it answers other requests is reported at once, and once', () => {
  const clock = new TestClock();
  const advice: string[] = [];
  const tell = troubleTeller({ emit: (event) => event.type === 'warning' && advice.push(event.advice), clock });
  for (const answersOthers of [undefined, false, true, undefined, true])
    tell({ error: passing(), leftMs: 44_500, answersOthers });
  expect(advice).toEqual([
    'The job waits for the store and tries again for up to 45 s.',
    expect.stringMatching(/^The store answers other requests and refuses this one: it may be full\. The job waits/),
  ]);
});
