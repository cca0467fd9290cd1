/** Which machines and folders cannot be restored to, and what is said of them. */
import { expect, test } from 'vitest';
import type { TargetFacts } from '../../../../shared/pipeline/restore/target.ts';
import { refusalOf } from '../../../../shared/pipeline/restore/target-errors.ts';

const READY: TargetFacts = {
  ...{ uid: 0, gid: 0, tar: 'tar (GNU tar) 1.34', state: 'ready', reason: '', made: 0 },
  ...{ target: '1:2', work: '1:3', isPrivate: true },
};

test('a machine with GNU tar will do, and one with another tar or none is refused by that name', () => {
  expect(refusalOf('/restored', READY)).toBeUndefined();
  for (const tar of ['', 'bsdtar 3.6.2 - libarchive 3.6.2', 'busybox']) {
    expect(refusalOf('/restored', { ...READY, tar })).toMatchObject({
      code: 'remote.tool-missing',
      message: 'GNU tar is needed to restore, and it is not here.',
      advice: 'Install the package "tar".',
    });
  }
});

test('what is wrong with the folder comes first', () => {
  expect(refusalOf('/restored', { ...READY, tar: '', state: 'not-empty' })?.message).toBe(
    'The folder "/restored" is not empty.',
  );
});
