import { expect, test } from 'vitest';
import { consequencesOf } from '../../../shared/domain/consequences.ts';
import type { RunEventBody } from '../../../shared/domain/events.ts';
import { foldFacts } from '../../../shared/domain/fold-facts.ts';
import { hostName } from '../../../shared/domain/names.ts';
import { NO_FACTS } from '../../../shared/domain/run-facts.ts';

const request = { kind: 'keep-snapshots', host: hostName('db1'), paths: ['/srv'], reason: '' } as const;
const arming: RunEventBody = { type: 'lease-arming', host: 'db1', run: '0a1b2c3d' };
const made: RunEventBody = {
  ...{ type: 'snapshot-created', volume: 'vg0/a', snapshot: 'sp_0a1b2c3d_11111111', freezeMs: 1, sizeBytes: 1 },
};
const keeping: RunEventBody = { type: 'snapshots-keeping', host: 'db1' };
const kept: RunEventBody = { type: 'snapshot-kept', volume: 'vg0/a', snapshot: 'vg0/spk_0a1b2c3d_11111111' };
const released: RunEventBody = { type: 'lease-released', host: 'db1', run: '0a1b2c3d' };

test.each<[string, RunEventBody[], string]>([
  ['before anything was made', [], 'Nothing is kept.'],
  ['when snapshots stood', [arming, made, released], 'Nothing is kept. Its snapshot on "db1" was removed.'],
  [
    'while names were given, and nobody knows which',
    [arming, made, keeping, released],
    'Some of its snapshots may be kept: "stillpoint snapshot list db1" shows what there is. Nothing else of the run is left on "db1".',
  ],
  [
    'when all had theirs, and the host was not told that the run is over',
    [arming, made, keeping, kept],
    '1 of its snapshots may be kept: "stillpoint snapshot list db1" shows what there is. What the run 0a1b2c3d made on "db1" is removed by the next job there, or when its lease ends.',
  ],
])('a run that keeps snapshots and ended %s', (_, events, says) => {
  expect(consequencesOf(request, events.reduce(foldFacts, NO_FACTS)).join(' ')).toBe(says);
});
