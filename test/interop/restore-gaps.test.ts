/** A restore point that lacks something is restored, and the restore does not pass it for whole. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PARTIAL_TAG, REPAIRED_TAG, unreadableFacts, withLost } from '../../shared/domain/wholeness.ts';
import type { RestorePointDraft } from '../../shared/repository/restore-point.ts';
import { forgeRepository } from '../support/forged-repository.ts';
import { restoreFrom, said, warningsOf } from '../support/restoring.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';

let folder: TemporaryFolder;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder[Symbol.asyncDispose]());

async function restorePoint(point: Partial<RestorePointDraft>) {
  const repository = join(folder.path, 'repository');
  await forgeRepository(repository, [{ name: 'kept', type: 'file', content: ['still there'] }], point);
  const restored = await restoreFrom(repository, join(folder.path, 'target'));
  expect(said(restored.error)).toBe('');
  expect(await readFile(join(folder.path, 'target/kept'), 'utf8')).toBe('still there');
  return { gaps: restored.report?.gaps, warnings: warningsOf(restored.events).join('\n') };
}

const database = [{ path: '/srv/shop.ibd', reason: 'its content is lost' }];

test.each<[string, Partial<RestorePointDraft>, RegExp]>([
  [
    'that a repair made, with what it lost',
    { tags: [REPAIRED_TAG], extra: withLost({}, database, 1) },
    /copy of a damaged restore point.*"\/srv\/shop\.ibd" \(its content is lost\)\.$/,
  ],
  [
    'that the repair of restic made, which records nothing',
    { tags: [REPAIRED_TAG] },
    /What is missing was not recorded/,
  ],
  [
    'of a backup that could not read everything',
    { tags: [PARTIAL_TAG], extra: { stillpoint: unreadableFacts(database, 7) } },
    /could not be read when the backup was made.*"\/srv\/shop\.ibd".* and 6 more\.$/,
  ],
  [
    'that both happened to, and whose tags are gone',
    { extra: withLost({ extra: { stillpoint: unreadableFacts(database, 1) } }, [{ path: '/etc/b', reason: '' }], 1) },
    /copy of a damaged restore point.*"\/etc\/b".*"\/srv\/shop\.ibd"/,
  ],
])('one %s', async (_, point, gaps) => {
  const restored = await restorePoint(point);
  expect(restored.gaps).toMatch(gaps);
  expect(restored.warnings).toContain(`The restore point is not whole. ${restored.gaps}`);
});

test.each<[string, Partial<RestorePointDraft>]>([
  ['of ours that is whole', { extra: { stillpoint: {} } }],
  ['of another program', { tags: ['partially'] }],
])('of one %s nothing of the kind is said', async (_, point) => {
  expect(await restorePoint(point)).toEqual({ gaps: undefined, warnings: '' });
});
