/** What can be seen to be wrong without a store or a host is refused before any is asked, which may be far away or silent. */
import { readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import type { FindRequest } from '../../../shared/domain/find.ts';
import { hostName, repositoryName, sourceName } from '../../../shared/domain/names.ts';
import { EVERY_POINT } from '../../../shared/domain/point-filter.ts';
import { openStillpoint, type Stillpoint } from '../../../shared/stillpoint.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const repository = repositoryName('main');
const filter = EVERY_POINT;
const LOOK: FindRequest = {
  ...{ repository, filter, patterns: ['x'], ids: [], ignoreCase: false, restorePoints: [] },
  ...{ oldest: undefined, newest: undefined },
};
const find =
  (wrong: Partial<FindRequest>) =>
  (stillpoint: Stillpoint): Promise<unknown> =>
    stillpoint.find({ ...LOOK, ...wrong }, () => Promise.resolve(), never);
const compare = (stillpoint: Stillpoint, before: string, after: string): Promise<unknown> =>
  stillpoint.diff({ repository, before, after, filter, path: '/', exact: false }, () => Promise.resolve(), never);

const WRONG: readonly [string, (stillpoint: Stillpoint) => Promise<unknown>][] = [
  ['a name that no restore point can have', (to) => to.findRestorePoint({ repository }, 'zz', never)],
  ['no name at all', (to) => to.findRestorePoint({ repository }, '', never)],
  ['one before', (to) => compare(to, 'zz', 'latest')],
  ['one after', (to) => compare(to, 'latest', 'zz')],
  [
    'one to count',
    (to) => to.stats({ repository, filter, mode: 'raw-data', restorePoints: ['latest', 'newest'] }, never),
  ],
  ['one to look in', find({ restorePoints: ['zz'] })],
  ['an id that is none', find({ ids: ['0123456g'] })],
  ['an open bracket', find({ patterns: ['['] })],
  ['a word for a time', find({ oldest: 'yesterday' })],
  ['times without anything between', find({ oldest: '2026-01-02', newest: '2026-01-01' })],
  ['a key that can be none', (to) => to.removeKey(repository, 'zz', never)],
];

const host = hostName('db1');
const volume = { kind: 'volume', group: 'data', volume: 'data', fileSystem: 'ext4', size: { bytes: 1 } } as const;
const keep = { kind: 'keep-snapshots', host, reason: '' } as const;
const ON_HOST: readonly [string, string, (stillpoint: Stillpoint) => Promise<unknown>][] = [
  ['a set that can be none', 'usage.invalid', (to) => to.takeKept({ host, set: 'zz', path: '/x' }, never)],
  ['a relative path', 'usage.invalid', (to) => to.takeKept({ host, set: '0a1b2c3d', path: 'x' }, never)],
  [
    'a set to compare with',
    'usage.invalid',
    (to) => to.compareKept({ host, before: '0a1b2c3d', after: 'zz' }, () => Promise.resolve(), never),
  ],
  ['a set to remove', 'usage.invalid', (to) => to.planDrop(host, { by: 'ids', ids: ['zz'] }, never)],
  ['a relative path to keep', 'usage.invalid', (to) => to.planKeep({ ...keep, paths: ['srv'] }, never)],
  ['a device that is no path', 'usage.invalid', (to) => to.planVolume({ host, device: 'sdb', wanted: volume }, never)],
  [
    'a name that LVM keeps for itself',
    'usage.invalid',
    (to) => to.planVolume({ host, device: '/dev/sdb', wanted: { ...volume, volume: 'snapshot1' } }, never),
  ],
  [
    'a mirror on a host that there is not',
    'config.unknown-host',
    (to) => to.planExport(sourceName('shop'), { kind: 'mirror', folder: '/m', host: hostName('nowhere') }, never),
  ],
  [
    'an export to such a mirror',
    'config.unknown-host',
    (to) => {
      const target = { kind: 'mirror', folder: '/m', host: hostName('nowhere') } as const;
      return to.startJob({ kind: 'export', source: sourceName('shop'), to: target }, never);
    },
  ],
];

test('no host hears of it', { timeout: 30_000 }, async () => {
  await using folder = await temporaryFolder();
  const asked = join(folder.path, 'asked');
  await writeFile(join(folder.path, 'ssh_config'), `Host db1\n  ProxyCommand touch ${asked}\n`);
  const configFile = join(folder.path, 'config.jsonc');
  const entry = { ssh: 'db1', sshConfigFile: 'ssh_config' };
  await writeFile(
    configFile,
    JSON.stringify({
      hosts: { db1: entry },
      repositories: { main: { location: 'main' } },
      sources: { shop: { host: 'db1', paths: ['/srv'], repository: 'main' } },
    }),
  );
  await using stillpoint = await openStillpoint({ configFile, stateFolder: join(folder.path, 'state') });
  for (const [what, code, ask] of ON_HOST) await expect(ask(stillpoint), what).rejects.toMatchObject({ code });
  expect(await readdir(folder.path)).not.toContain('asked');
  await expect(stillpoint.planDrop(host, { by: 'ids', ids: ['0a1b2c3d'] }, never)).rejects.toMatchObject({
    code: expect.stringMatching(/^ssh\./) as string,
  });
  expect(await readdir(folder.path)).toContain('asked');
});

test('no store hears of it', { timeout: 30_000 }, async () => {
  await using folder = await temporaryFolder();
  let requests = 0;
  const server = createServer(() => void (requests += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const location = `rest:http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    await writeFile(join(folder.path, 'password'), 'secret\n', { mode: 0o600 });
    const configFile = join(folder.path, 'config.jsonc');
    await writeFile(configFile, JSON.stringify({ repositories: { main: { location, passwordFile: 'password' } } }));
    await using stillpoint = await openStillpoint({ configFile, stateFolder: join(folder.path, 'state') });
    for (const [what, ask] of WRONG) {
      await expect(ask(stillpoint), what).rejects.toMatchObject({ code: 'usage.invalid' });
    }
    expect(requests).toBe(0);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
