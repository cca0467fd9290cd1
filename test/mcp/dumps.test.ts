/** Dumps, as assistants see them. */
import { expect, test } from 'vitest';
import { connectInProcess } from '../support/mcp-client.ts';
import { sampleDumps, samplePlan } from '../support/sample-data.ts';
import { scriptedStillpoint } from '../support/scripted-stillpoint.ts';

test('a plan tells dumps with their own consistency', async () => {
  await using connected = await connectInProcess(
    scriptedStillpoint({ overrides: { planBackup: async () => ({ ...samplePlan, dumps: sampleDumps }) } }),
  );
  const { structuredContent } = await connected.call('plan_backup', { source: 'shop' });
  expect(structuredContent).toMatchObject({
    consistency: 'crash',
    dumps: ['application: /.stillpoint-dumps/mariadb/databases.sql', 'fuzzy: /.stillpoint-dumps/command/ldap.ldif'],
  });
});
