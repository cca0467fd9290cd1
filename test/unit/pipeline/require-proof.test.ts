/** Whether what was proved of a run is enough for its source. */
import { describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { systemClock } from '../../../shared/base/clock.ts';
import type { ConsistencyEvidence, HoldEvidence } from '../../../shared/domain/consistency.ts';
import { hostName, newRunId, ownerId, sourceName } from '../../../shared/domain/names.ts';
import type { SourceScope } from '../../../shared/domain/source.ts';
import { requireProof, requireReachable } from '../../../shared/pipeline/backup/require-proof.ts';
import { prepare } from '../../../shared/pipeline/prepare.ts';
import { REGISTRY } from '../../../shared/snapshot/registry.ts';
import { surveyAnswer } from '../snapshot/fixtures.ts';

const source = (require?: SourceScope['require']): SourceScope => ({
  ...{ name: sourceName('shop'), host: hostName('db1'), paths: [Buffer.from('/srv')], exclude: [] },
  ...(require === undefined ? {} : { require }),
});
const hold: HoldEvidence = { what: 'MariaDB', guarantees: 'application', fromUptime: 1 };
const evidence = (...holds: HoldEvidence[]): ConsistencyEvidence => ({
  instants: [{ volume: 'a', afterUptime: 2, beforeUptime: 2.1 }],
  holds,
});

describe('what was not proved', () => {
  test('is not enough for a source that says nothing', () => {
    expect(() => requireProof(source(), 'application', evidence(hold))).toThrow(
      expect.objectContaining({
        code: 'quiesce.not-proved',
        message:
          'The source "shop" on "db1" was to be "application" and is "crash": MariaDB did not stand still all the time.',
        advice:
          'Run the backup again; where "crash" is better than no backup, write "require": "crash" into the source.',
      }),
    );
    expect(() => requireProof(source(), 'application', evidence({ ...hold, provedUptime: 3 }))).not.toThrow();
    const server: HoldEvidence = { what: 'PostgreSQL', guarantees: 'recovers', fromUptime: 1 };
    expect(() => requireProof(source(), 'application', evidence(hold, server))).toThrow(
      'MariaDB did not stand still all the time, and that a copy of PostgreSQL would recover was not proved.',
    );
  });

  test('is enough for one that says so, and not for one that wants more than its plan foresaw', () => {
    expect(() => requireProof(source('crash'), 'application', evidence(hold))).not.toThrow();
    expect(() => requireProof(source('cold'), 'crash', evidence())).toThrow(
      'was to be "cold" and is "crash": that is all that the snapshots and holds come to.',
    );
  });

  test('and what can never come to what is required is told before anything is held or read', async () => {
    expect(() => requireReachable(source(), 'fuzzy')).not.toThrow();
    expect(() => requireReachable(source('crash'), 'cold')).not.toThrow();
    expect(() => requireReachable(source('crash'), 'crash-skewed')).toThrow(
      'The source "shop" on "db1" is required to be "crash" and can be "crash-skewed" at the most.',
    );
    const host = {
      name: 'db1',
      run: (command: { readonly name: string }) => Promise.resolve(surveyAnswer(command as never) as never),
      stream: () => Promise.reject(new Error('nothing is read here')),
      async [Symbol.asyncDispose]() {},
    };
    const scope = { ...source('application'), paths: [Buffer.from('/srv/files')] };
    const wish = { run: newRunId(), owner: ownerId('00112233aabb') };
    const ports = { host, clock: systemClock, registry: REGISTRY };
    await expect(prepare(scope, wish, [], ports, never)).rejects.toMatchObject({
      code: 'quiesce.not-proved',
      message: 'The source "shop" on "db1" is required to be "application" and can be "crash" at the most.',
    });
    await prepare({ ...scope, require: 'crash' }, wish, [], ports, never);
  });

  test('is said of files that changed while they were read', () => {
    const live = [{ path: '/srv', tornCount: 1, fromUptime: 1, untilUptime: 2 }];
    const stopped: HoldEvidence = {
      ...hold,
      what: 'the service "shop"',
      guarantees: 'cold',
      fromUptime: 0,
      provedUptime: 3,
    };
    expect(() => requireProof(source(), 'cold', { instants: [], holds: [stopped], live })).toThrow(
      'files in "/srv" changed while they were read',
    );
  });
});
