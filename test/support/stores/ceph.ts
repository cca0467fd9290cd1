/**
 * A Ceph of one node: a monitor, one store of objects in memory, and the S3 gateway, all on 127.0.0.1 and in a folder
 * of its own. It needs Debian's packages ceph-mon, ceph-osd and radosgw, no root, no disk, and about 20 seconds.
 *
 * Logins within the cluster are off, because the tests are about S3, whose keys and signatures the gateway does check.
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { answers, freePort, startProgram } from './server.ts';

const PROGRAMS = ['/usr/bin/ceph-mon', '/usr/bin/ceph-osd', '/usr/bin/radosgw', '/usr/bin/ceph'];

export const NO_CEPH = PROGRAMS.every((program) => existsSync(program))
  ? undefined
  : "Debian's packages ceph-mon, ceph-osd and radosgw are not installed";

export interface Ceph extends AsyncDisposable {
  /** `http://127.0.0.1:port/` of the gateway. */
  readonly url: string;
  readonly keys: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** `radosgw-admin`, for quotas and the like. */
  admin(...args: readonly string[]): Promise<string>;
}

const KEYS = { accessKeyId: 'stillpoint-tests', secretAccessKey: 'ceph-violet-door' };

export async function startCeph(folder: string): Promise<Ceph> {
  await using running = new AsyncDisposableStack();
  const { file, monitorPort, gatewayPort, fsid } = await configure(folder);
  const configured = ['-c', file];
  const tool = async (program: string, ...args: readonly string[]): Promise<string> =>
    (await execa(program, [...args], { timeout: 60_000 })).stdout;
  const ceph = (...args: readonly string[]): Promise<string> =>
    tool('ceph', ...configured, '--connect-timeout', '20', ...args);
  const start = (program: string, ...args: readonly string[]) =>
    running.use(startProgram([program, ...configured, '-f', ...args]));

  const map = join(folder, 'monmap');
  const address = `[v2:127.0.0.1:${monitorPort}]`;
  await tool('monmaptool', ...configured, '--create', '--addv', 'a', address, '--fsid', fsid, map);
  await tool('ceph-mon', ...configured, '-i', 'a', '--mkfs', '--monmap', map);
  await start('ceph-mon', '-i', 'a').until(() => answers(monitorPort));

  const osd = randomUUID();
  await ceph('osd', 'new', osd);
  await tool('ceph-osd', ...configured, '-i', '0', '--mkfs', '--osd-uuid', osd);
  const isUp = async (): Promise<boolean> => /\b1 up\b/.test(await ceph('osd', 'stat'));
  await start('ceph-osd', '-i', '0').until(isUp);

  const admin = (...args: readonly string[]): Promise<string> =>
    tool('radosgw-admin', ...configured, '-n', 'client.rgw', ...args);
  const keys = ['--access-key', KEYS.accessKeyId, '--secret-key', KEYS.secretAccessKey];
  await admin('user', 'create', '--uid', 'tests', '--display-name', 'tests', ...keys);
  await start('radosgw', '-n', 'client.rgw').until(() => answers(gatewayPort));

  const kept = running.move();
  return {
    url: `http://127.0.0.1:${gatewayPort}/`,
    keys: KEYS,
    admin,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function configure(
  folder: string,
): Promise<{ file: string; monitorPort: number; gatewayPort: number; fsid: string }> {
  const [monitorPort, gatewayPort] = [await freePort(), await freePort()];
  const fsid = randomUUID();
  const file = join(folder, 'ceph.conf');
  for (const name of ['mon', 'osd', 'run']) await mkdir(join(folder, name));
  const nobodyLogsIn = ['cluster', 'service', 'client'].map((side) => `auth ${side} required = none`);
  const lines = [
    '[global]',
    `fsid = ${fsid}`,
    `mon host = [v2:127.0.0.1:${monitorPort}]`,
    'ms bind msgr1 = false',
    'public addr = 127.0.0.1',
    'cluster addr = 127.0.0.1',
    ...nobodyLogsIn,
    'osd pool default size = 1',
    'osd pool default min size = 1',
    'osd pool default pg num = 1',
    'osd pool default pg autoscale mode = off',
    'mon allow pool size one = true',
    'osd crush chooseleaf type = 0',
    `run dir = ${folder}/run`,
    `admin socket = ${folder}/run/$name.asok`,
    `pid file = ${folder}/run/$name.pid`,
    `log file = ${folder}/$name.log`,
    `keyring = ${folder}/keyring`,
    // The disk below is not what the tests are about.
    'mon data avail crit = 1',
    'mon data avail warn = 1',
    '[mon]',
    `mon data = ${folder}/mon`,
    '[osd]',
    `osd data = ${folder}/osd`,
    'osd objectstore = memstore',
    `memstore device bytes = ${2 * 1024 ** 3}`,
    '[client.rgw]',
    // The gateway wants its messages sealed, which it cannot have without logins.
    'ms mon client mode = crc',
    `rgw frontends = beast endpoint=127.0.0.1:${gatewayPort} tcp_nodelay=1`,
    `rgw data = ${folder}/run`,
    'rgw enable gc threads = false',
    'rgw enable lc threads = false',
  ];
  await writeFile(file, `${lines.join('\n')}\n`);
  await writeFile(join(folder, 'keyring'), '');
  return { file, monitorPort, gatewayPort, fsid };
}
