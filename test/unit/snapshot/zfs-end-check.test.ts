import { describe, expect, test } from 'vitest';
import { toErrorRecord } from '../../../shared/base/errors.ts';
import { judgeSnapshot } from '../../../shared/snapshot/zfs/end-check.ts';

const order = { dataset: 'tank/a', pool: 'tank', name: 'sp_0123abcd_00000000' } as never;
const made = { guid: '11', txg: '22' };
const judged = (mounted: Record<string, string>, observed: Record<string, string>) => {
  try {
    judgeSnapshot(order, { standing: { sizeBytes: 0, seen: made }, mounted, observed }, 'db1');
  } catch (error) {
    return toErrorRecord(error);
  }
  return undefined;
};

describe('a snapshot of a dataset after the last read', () => {
  test.each(['ONLINE', 'DEGRADED'])('is believed where it is the same, in a pool that is %s', (state) => {
    expect(judged(made, { ...made, state })).toBeUndefined();
  });

  test.each([
    ['is gone', made, { guid: '', txg: '' }],
    ['has another guid', made, { ...made, guid: '12' }],
    ['was made at another time, as a copy is', made, { ...made, txg: '23' }],
    ['was another one when it was mounted', { ...made, guid: '12' }, made],
  ])('is not believed where it %s', (_, mounted, observed) => {
    expect(judged(mounted, { ...observed, state: 'ONLINE' })).toMatchObject({
      code: 'snapshot.identity-changed',
      message: expect.stringContaining('tank/a@sp_0123abcd_00000000') as unknown,
    });
  });

  test.each([
    ['SUSPENDED', /is in the state SUSPENDED/, /zpool clear tank/],
    ['FAULTED', /is in the state FAULTED/, /zpool status tank/],
    ['', /is not imported any more/, /Import it/],
  ])('is not believed in a pool in the state "%s", and it is said what happened', (state, message, advice) => {
    expect(judged(made, { ...made, state })).toMatchObject({
      code: 'snapshot.identity-changed',
      message: expect.stringMatching(message) as unknown,
      advice: expect.stringMatching(advice) as unknown,
    });
  });
});
