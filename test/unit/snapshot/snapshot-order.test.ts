/** In which order snapshots are made where an application needs one: that of its log is the last. */
import { expect, test } from 'vitest';
import { ownerId, runId } from '../../../shared/domain/names.ts';
import { REGISTRY } from '../../../shared/snapshot/registry.ts';
import { planSnapshots } from '../../../shared/snapshot/snapshot-set.ts';

const identity = { run: runId('0123abcd'), owner: ownerId('00112233aabb') };

/** Volumes by their names, each of an instant of its own but for those of "pool". */
function plan(names: readonly string[], servers: readonly Readonly<Record<'data' | 'log', string>>[]) {
  const volumes = names.map((name) => ({
    volume: { id: name, snapshot: { possible: true, provider: 'p' } },
    places: [],
  }));
  const items = volumes.map((volume) => ({
    ...{ provider: 'p', volume, planned: { volumeId: volume.volume.id } },
    ...(volume.volume.id.startsWith('pool') ? { instant: 'pool' } : {}),
  }));
  const label = (at: number): string => (at === 0 ? 'PostgreSQL' : `PostgreSQL at port ${at}`);
  const places = servers.flatMap(({ data, log }, at) => [
    { what: `the data of ${label(at)}`, path: Buffer.from(data) },
    { what: `the log of ${label(at)}`, path: Buffer.from(log) },
  ]);
  const facts: Record<string, string> = {};
  for (const at of servers.keys())
    Object.assign(facts, { [`standby-${at}`]: 'no', [`log-${at}`]: 'replica', [`flush-${at}`]: 'may' });
  const quiesce = servers.map((_, at) => ({ of: 'postgresql', ...(at === 0 ? {} : { port: at }) }));
  const storages = [{ provider: { kind: 'p' }, plan: () => ({ items, risks: [] }) }];
  const source = { host: 'db1', paths: [], exclude: [], quiesce };
  return planSnapshots(volumes as never, source as never, {
    ...{ survey: { storages } as never, registry: REGISTRY, identity },
    looks: new Map(REGISTRY.hooks.map((hook) => [hook, { lacks: [], places, facts }])),
    originsOf: (path) =>
      path
        .toString()
        .split(' ')
        .map((name) => volumes.find(({ volume }) => volume.id === name) as never),
  });
}
const orderOf = (...args: Parameters<typeof plan>) => plan(...args).items.map(({ planned }) => planned.volumeId);

test('the volume of a log is the last, and the others are in their own order', () => {
  expect(orderOf(['a', 'log', 'b'], [])).toEqual(['a', 'log', 'b']);
  expect(orderOf(['a', 'log', 'b'], [{ data: 'b', log: 'log' }])).toEqual(['a', 'b', 'log']);
  expect(orderOf(['pool/a', 'pool/log', 'b'], [{ data: 'b', log: 'pool/log' }])).toEqual(['b', 'pool/a', 'pool/log']);
});

test('a volume below the data is one of its instants', () => {
  expect(plan(['a', 'b', 'log'], [{ data: 'a b', log: 'log' }]).holds[0]?.joins).toEqual({
    ...{ instants: ['a', 'b', 'log'], last: 'log' },
  });
  expect(plan(['a', 'log'], [{ data: 'a log', log: 'log' }]).risks).toEqual([
    expect.stringContaining('The files of PostgreSQL lie on 2 volumes with an instant each'),
  ]);
  expect(() => plan(['a', 'b', 'log'], [{ data: 'a', log: 'log b' }])).toThrow('its log is not of one instant itself');
});

test('two applications of which each would have to be copied before the other are refused', () => {
  expect(
    orderOf(
      ['a', 'log', 'b'],
      [
        { data: 'a', log: 'log' },
        { data: 'b', log: 'log' },
      ],
    ),
  ).toEqual(['a', 'b', 'log']);
  expect(() =>
    plan(
      ['a', 'b'],
      [
        { data: 'a', log: 'b' },
        { data: 'b', log: 'a' },
      ],
    ),
  ).toThrow('PostgreSQL has files where another application has its log');
});
