/** In which order what a source names is held. */
import { expect, test } from 'vitest';
import { ownerId, runId } from '../../../shared/domain/names.ts';
import { REGISTRY } from '../../../shared/snapshot/registry.ts';
import { planSnapshots } from '../../../shared/snapshot/snapshot-set.ts';

const identity = { run: runId('0123abcd'), owner: ownerId('00112233aabb') };
const shop = { of: 'commands', name: 'shop', before: ['a'], after: ['b'] };

test('what a source lists is held in the order of the list, and what it stops before all of that', () => {
  const order = (...quiesce: readonly object[]) =>
    planSnapshots([], { host: 'db1', paths: [], exclude: [], stop: ['web'], quiesce } as never, {
      ...{ survey: { storages: [] } as never, registry: REGISTRY, identity },
    }).holds.map(({ label }) => label);
  expect(order(shop, { of: 'redis' }, { of: 'mariadb' })).toEqual(['the service "web"', '"shop"', 'Redis', 'MariaDB']);
  expect(order({ of: 'mariadb' }, shop, { of: 'pause', what: 'compose:x' }, { of: 'mariadb', socket: '/b' })).toEqual([
    ...['the service "web"', 'MariaDB', '"shop"', 'the project of docker compose "x"', 'MariaDB at /b'],
  ]);
});

test('a lock of an instance, under which transactions go on, is not asked for a position that stays', () => {
  const [hold] = planSnapshots([], { host: 'db1', paths: [], exclude: [], quiesce: [{ of: 'mysql' }] } as never, {
    ...{ survey: { storages: [] } as never, registry: REGISTRY, identity },
    looks: new Map(
      REGISTRY.hooks.map((hook) => [
        hook,
        { lacks: [], places: [], facts: { 'way-0': 'instance', 'binlog-0': 'yes' } },
      ]),
    ),
  }).holds;
  expect(hold?.guarantees).toBe('recovers');
  expect(hold?.prove.args.join('\n')).not.toContain('MASTER STATUS');
});
