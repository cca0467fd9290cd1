/** What a folder of a restore point is listed with. */
import { expect, test } from 'vitest';
import { listFolder } from '../../../shared/pipeline/browse.ts';
import { OpenedPoint } from '../../../shared/pipeline/open-point.ts';
import { nodeText, storeFolders, storePoint, treeText } from '../../support/hostile-files.ts';
import { sampleHolds } from '../../support/sample-data.ts';
import { createMemoryBackend } from '../../support/stores/memory.ts';
import { createTestRepository, testSignal } from '../../support/test-repository.ts';

test('a folder comes with what was held while its restore point was made', async () => {
  await using repository = await createTestRepository(createMemoryBackend());
  const tree = await storeFolders(repository, 1, ['d'], treeText(nodeText('a', 'file', ',"content":[]')));
  const point = await storePoint(repository, tree);
  const list = async (extra: object): Promise<unknown> => {
    const opened = new OpenedPoint(repository, { ...point, extra: { ...extra } });
    return (await listFolder(opened, { path: '/d', limit: 10, cursor: undefined }, testSignal())).holds;
  };
  expect(await list({ stillpoint: { evidence: { holds: sampleHolds, instants: [] } } })).toMatchObject([
    { what: 'MariaDB', isProved: true, record: { binlog: 'bin.000003:337' } },
    { what: '"caches"' },
  ]);
  expect(await list({})).toBeUndefined();
});
