/** What is planned for the services that a source names. */
import { expect, test } from 'vitest';
import { hostName, repositoryName, runId, sourceName } from '../../../shared/domain/names.ts';
import { services } from '../../../shared/quiesce/service/hook.ts';
import { reading } from '../../support/quiesce/reading.ts';

const source = {
  ...{ name: sourceName('shop'), host: hostName('db1'), repository: repositoryName('main'), exclude: [] },
  paths: [Buffer.from('/srv')],
};

test('services are held for minutes while snapshots are made, and for hours where all is read', () => {
  const plan = (readsLive: boolean) =>
    services
      .plan({ ...source, stop: ['shop', 'mariadb'] }, runId('0000aaaa'), reading({ readsLive }))
      .map(({ id, guarantees, holds, deadlineSeconds }) => [id, guarantees, holds, deadlineSeconds]);
  expect(plan(false)).toEqual([
    ['shop', 'cold', 'until-snapshots', 300],
    ['mariadb', 'cold', 'until-snapshots', 300],
  ]);
  expect(plan(true)[0]).toEqual(['shop', 'cold', 'until-read', 14_400]);
  expect(services.plan(source, runId('0000aaaa'), reading({ readsLive: true }))).toEqual([]);
});

test('a source is asked of which of its services the host knows nothing, and an answer of others is refused', () => {
  expect(services.look?.(source)).toBeUndefined();
  const question = services.look?.({ ...source, stop: ['shop', 'none'] });
  const answer = (stdout: string) => question?.parse({ stdout: Buffer.from(stdout), stderr: '', exitCode: 0 });
  expect(answer('known\0shop.service\0absent\0\0')?.lacks).toMatchObject([{ message: 'There is no service "none".' }]);
  expect(answer('known\0a.service\0known\0\0')).toMatchObject({
    lacks: [],
    facts: { 'known-0': 'a.service', 'known-1': '' },
  });
  for (const odd of ['', 'absent\0\0', 'known\0\0other\0\0', 'known\0\0known\0', 'no such service\n'])
    expect(() => answer(odd)).toThrow(expect.objectContaining({ code: 'remote.unreadable-output' }));
});
