/** What a plan says of other runs that have what it needs at the moment. */
import { expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { systemClock } from '../../../shared/base/clock.ts';
import { hostName, ownerId, repositoryName, runId, sourceName } from '../../../shared/domain/names.ts';
import type { TurnTaken } from '../../../shared/domain/turn.ts';
import { planKeep } from '../../../shared/pipeline/kept/keep.ts';
import { planBackup } from '../../../shared/pipeline/plan-backup.ts';
import type { PreparePorts } from '../../../shared/pipeline/prepare.ts';
import { REGISTRY } from '../../../shared/snapshot/registry.ts';
import { surveyAnswer } from '../snapshot/fixtures.ts';

const host = { name: hostName('db1'), ssh: 'db1', sshConfigFile: undefined, sudo: 'none' } as const;
const source = {
  ...{ name: sourceName('shop'), host: host.name, repository: repositoryName('main'), exclude: [] },
  paths: [Buffer.from('/srv/files')],
};

/** @param dead runs of ours that a sweep removes first */
async function planned(taken: readonly TurnTaken[], dead: readonly string[] = [], waitSeconds?: number) {
  const asked: string[] = [];
  const spec = { ...host, leaseSeconds: 600, maxClockSkewSeconds: 600, waitSeconds };
  const own = { owner: ownerId('00112233aabb'), dead: dead.map(runId) };
  const ports: PreparePorts = {
    host: {
      name: 'db1',
      run: (command) => {
        if (command.name !== 'look-for-turns') return Promise.resolve(surveyAnswer(command as never) as never);
        asked.push(...command.args.map(String));
        return Promise.resolve(taken as never);
      },
      stream: () => Promise.reject(new Error('nothing is read here')),
      async [Symbol.asyncDispose]() {},
    },
    ...{ clock: systemClock, registry: REGISTRY },
  };
  const plan = await planBackup({ source, host: spec }, own, ports, never);
  const keeping = { host: spec, source: undefined, paths: ['/srv/files'], reason: '' };
  const kept = await planKeep(keeping, own, ports, never);
  expect(kept.risks.filter((risk) => risk.startsWith('At this'))).toEqual(
    plan.risks.filter((risk) => risk.startsWith('At this')),
  );
  return { asked, risks: plan.risks.filter((risk) => risk.startsWith('At this moment')) };
}

const taken = { what: 'the volume group "vg0"', run: '0a1b2c3d', by: 'ada@laptop', heldMs: 61_000 };

test('is said with who has it, and for how long it is waited for', async () => {
  const { asked, risks } = await planned([taken]);
  expect(asked).toEqual(['group:vg0', 'group:vg0']);
  expect(risks).toEqual([
    expect.stringMatching(
      /^At this moment the volume group "vg0" is held by run 0a1b2c3d of ada@laptop since .* UTC \(61 s\); it is waited for, up to 600 s\.$/,
    ),
  ]);
  expect((await planned([taken], [], 5)).risks[0]).toContain('up to 5 s.');
});

test('is nothing where nobody has it, and where a sweep ends who has', async () => {
  expect((await planned([])).risks).toEqual([]);
  expect((await planned([taken], ['0a1b2c3d'])).risks).toEqual([]);
});
