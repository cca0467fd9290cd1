/** Holds in the answers of tools. */
import { expect, test } from 'vitest';
import { holdsOf } from '../../shared/domain/holds.ts';
import { connectInProcess } from '../support/mcp-client.ts';
import { sampleBackup, sampleHolds, samplePoint } from '../support/sample-data.ts';
import { scriptedStillpoint } from '../support/scripted-stillpoint.ts';

test('a restore point says of each hold how long it lasted, and what was proved', async () => {
  const holds = holdsOf({ ...sampleBackup, holds: sampleHolds });
  await using connected = await connectInProcess(scriptedStillpoint({ points: [{ ...samplePoint, holds }] }));
  const { structuredContent } = await connected.call('list_restore_points', {});
  expect(structuredContent).toMatchObject({
    restorePoints: [{ holds: [expect.stringContaining('MariaDB: held still for 0.38 s, from'), expect.anything()] }],
  });
});
