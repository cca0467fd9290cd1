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
  expect(answer('none\0')?.lacks).toMatchObject([{ message: 'There is no service "none".' }]);
  expect(answer('')?.lacks).toEqual([]);
  for (const odd of ['other\0', 'none', 'no such service\n'])
    expect(() => answer(odd)).toThrow(expect.objectContaining({ code: 'remote.unreadable-output' }));
});
