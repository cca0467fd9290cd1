/** What is planned for the services that a source names. */
import { expect, test } from 'vitest';
import { hostName, repositoryName, runId, sourceName } from '../../../shared/domain/names.ts';
import { services } from '../../../shared/quiesce/service/hook.ts';

const source = {
  ...{ name: sourceName('shop'), host: hostName('db1'), repository: repositoryName('main'), exclude: [] },
  paths: [Buffer.from('/srv')],
};

test('services are held for minutes while snapshots are made, and for hours where all is read', () => {
  const plan = (readsLive: boolean) =>
    services
      .plan({ ...source, stop: ['shop', 'mariadb'] }, runId('0000aaaa'), { readsLive })
      .map(({ id, guarantees, holds, deadlineSeconds }) => [id, guarantees, holds, deadlineSeconds]);
  expect(plan(false)).toEqual([
    ['shop', 'cold', 'until-snapshots', 300],
    ['mariadb', 'cold', 'until-snapshots', 300],
  ]);
  expect(plan(true)[0]).toEqual(['shop', 'cold', 'until-read', 14_400]);
  expect(services.plan(source, runId('0000aaaa'), { readsLive: true })).toEqual([]);
});
