/**
 * A project of two containers of Docker, saved from two Btrfs subvolumes while it works: a shop that takes orders, and Redis, which
 * it tells of each order before it writes the order into a file of its own. Paused, both volumes are of one moment of the
 * project; stopped, they agree to the order; and held by its socket, Redis has all that it had answered.
 */
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { BackupReport } from '../../shared/domain/verbs/backup.ts';
import { backupsInNamespaces, type NamespaceBackups } from '../support/namespace-backups.ts';
import { overPrograms, REDIS_PACKAGES } from '../support/quiesce/servers.ts';
import { type BtrfsHost, startBtrfsHost, whyNoBtrfsHost } from '../support/snapshot/btrfs-host.ts';
import { unpackDebian } from '../support/snapshot/debian-overlay.ts';
import { DOCKER_DAEMON, DOCKER_PACKAGES, DOCKER_RUNNING, whyNoDocker } from '../support/snapshot/docker-host.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { numbersIn } from '../support/writers/journal.ts';

const ROUNDS = Number(process.env['STILLPOINT_ROUNDS'] ?? 1);
const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());
const root = join(folder.path, 'programs');
const whyNot =
  (await whyNoBtrfsHost()) ??
  (await whyNoDocker(join(folder.path, 'docker'))) ??
  (await unpackDebian(root, [...REDIS_PACKAGES, ...DOCKER_PACKAGES]));

/** Redis and what it needs of this machine, and one static program with a shell. */
const IMAGE = `
mkdir /run/image
for each in /usr/bin/redis-server /usr/bin/redis-cli $(ldd /usr/bin/redis-server /usr/bin/redis-cli | grep -o '/[^ ]*\\.so[^ ]*' | sort -u); do
  mkdir -p "/run/image$(dirname "$each")"; cp -L "$each" "/run/image$each"
done
mkdir -p /run/image/bin; cp /usr/bin/busybox /run/image/bin/; ln -s busybox /run/image/bin/sh
tar -C /run/image -c . | docker import - shop >/dev/null; rm -r /run/image`;

/** As docker compose calls and marks them. The folder of Redis has the same name inside, so that its socket and its data can be found. */
const CONTAINERS = `
run() { name=$1; shift; docker run -d --network none --name "shop-$name-1" --label com.docker.compose.project=shop --label "com.docker.compose.service=$name" --restart unless-stopped "$@" >/dev/null; }
run db -v /run/shop/db:/run/shop/db -v /run/sockets:/run/sockets shop redis-server --port 0 --unixsocket /run/sockets/redis --unixsocketperm 777 --dir /run/shop/db --save '' --appendonly yes --appendfsync always
until [ -S /run/sockets/redis ]; do sleep 0.1; done
cat > /run/sockets/take-orders <<'END'
now() { read -r up idle < /proc/uptime; echo "$up"; }
i=$(busybox wc -l < /data/orders 2>/dev/null) || i=0
j=$(redis-cli -s /run/sockets/redis LLEN orders)
# What Redis was told and the file was not, when it was stopped.
while [ "$i" -lt "$j" ]; do i=$((i + 1)); echo "order $i" >> /data/orders; done
while :; do
  i=$((i + 1))
  echo "begun $i $(now)" >> /sockets/journal
  [ "$(redis-cli -s /run/sockets/redis RPUSH orders "$i")" = "$i" ] || exit 1
  echo "order $i" >> /data/orders
  echo "done $i $(now)" >> /sockets/journal
done
END
run web -v /run/shop/web:/data -v /run/sockets:/run/sockets -v /run/sockets:/sockets shop sh /run/sockets/take-orders
until [ "$(grep -c done /run/sockets/journal 2>/dev/null)" -gt 20 ]; do sleep 0.1; done`;

describe('a project of docker compose', () => {
  let world: BtrfsHost;
  let backups: NamespaceBackups;
  const signal = AbortSignal.timeout(120_000 + ROUNDS * 180_000);
  beforeEach(({ skip }) => skip(whyNot !== undefined, whyNot));
  beforeAll(async () => {
    if (whyNot !== undefined) return;
    const mounting = ['db', 'web'].map(
      (name) =>
        `btrfs -q subvolume create /mnt/@${name}; mkdir -p /run/shop/${name}; mount -o subvol=@${name} $disk /run/shop/${name}`,
    );
    world = await startBtrfsHost(`mkdir /run/sockets; ${mounting.join('\n')}`, { megabytes: 1024 });
    await world.sh(`${overPrograms(root)}${DOCKER_DAEMON}\n${IMAGE}\n${CONTAINERS}`);
    backups = await backupsInNamespaces(world, join(folder.path, 'backups'));
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  interface Copy {
    /** How many orders Redis has, and the file, where it was saved. */
    readonly inRedis: number;
    readonly inFile: number;
  }
  /** Started as the original was, and looked through. */
  const look = async (target: string): Promise<Copy> => {
    const said = await world.sh(`cd ${target}/run/shop
redis-check-aof db/appendonlydir/appendonly.aof.manifest >&2
setsid redis-server --port 0 --unixsocket /run/copy.sock --dir ${target}/run/shop/db --save '' --appendonly yes </dev/null >/run/copy.log 2>&1 &
i=0; until redis-cli -s /run/copy.sock PING 2>/dev/null | grep -q PONG; do i=$((i + 1)); [ $i -lt 100 ] || { tail -n 5 /run/copy.log >&2; exit 1; }; sleep 0.1; done
redis-cli -s /run/copy.sock LLEN orders; redis-cli -s /run/copy.sock LINDEX orders -1
redis-cli -s /run/copy.sock SHUTDOWN NOSAVE >/dev/null 2>&1 || :
[ ! -e web/orders ] || { wc -l < web/orders; tail -n 1 web/orders; }
rm -rf ${target}`);
    const [inRedis, last, inFile = '0', order = 'order 0'] = said.trim().split('\n');
    expect({ last, order }).toEqual({ last: inRedis, order: `order ${inFile}` });
    return { inRedis: Number(inRedis), inFile: Number(inFile) };
  };
  const journal = (): Promise<string> => world.sh('cat /run/sockets/journal');
  const running = async (): Promise<string> => (await world.sh(DOCKER_RUNNING)).trim();
  const bounds = async ({ holds: [hold], snapshots }: BackupReport): Promise<readonly [number, number]> =>
    numbersIn(await journal(), {
      doneBefore: hold?.fromUptime ?? 0,
      begunAfter: Math.max(...snapshots.map(({ instant }) => instant.beforeUptime)),
    });

  const BOTH = ['/run/shop/db', '/run/shop/web'];
  test(
    'that is paused is of one moment on both volumes, and goes on',
    async () => {
      for (let round = 1; round <= ROUNDS; round += 1) {
        const report = await backups.save(BOTH, { quiesce: [{ of: 'pause', what: 'compose:shop' }] }, signal);
        expect(report.consistency).toBe('crash');
        expect(report.skewMs).toBeGreaterThan(0);
        console.log(`a project of docker compose, paused, round ${round}: skew ${report.skewMs} ms`);
        const { inRedis, inFile } = await look(await backups.restore(`paused-${round}`));
        // Redis is told first, and nothing happened between the two instants.
        expect([inFile, inFile + 1]).toContain(inRedis);
        const [least, most] = await bounds(report);
        expect(inFile).toBeGreaterThanOrEqual(least);
        expect(inRedis).toBeLessThanOrEqual(most);
        expect(await running()).toBe('true\ntrue');
      }
    },
    60_000 + ROUNDS * 60_000,
  );

  test(
    'that is stopped has the same orders on both volumes, and takes more afterwards',
    async () => {
      for (let round = 1; round <= ROUNDS; round += 1) {
        const report = await backups.save(BOTH, { stop: ['compose:shop'] }, signal);
        expect(report.consistency).toBe('cold');
        const { inRedis, inFile } = await look(await backups.restore(`stopped-${round}`));
        expect([inFile, inFile + 1]).toContain(inRedis);
        const [least, most] = await bounds(report);
        expect(inFile).toBeGreaterThanOrEqual(least);
        expect(inRedis).toBeLessThanOrEqual(most);
        expect(await running()).toBe('true\ntrue');
        await expect
          .poll(async () => Number((await world.sh('wc -l < /run/shop/web/orders')).trim()), { timeout: 20_000 })
          .toBeGreaterThan(inFile + 5);
      }
    },
    60_000 + ROUNDS * 60_000,
  );

  test(
    'whose Redis has a socket and folders of the same names on the host is held by these',
    async () => {
      for (let round = 1; round <= ROUNDS; round += 1) {
        const report = await backups.save(
          ['/run/shop/db'],
          { quiesce: [{ of: 'redis', socket: '/run/sockets/redis' }] },
          signal,
        );
        expect(report.consistency).toBe('application');
        const { inRedis } = await look(await backups.restore(`held-${round}`));
        const [least, most] = await bounds(report);
        expect(inRedis).toBeGreaterThanOrEqual(least);
        expect(inRedis).toBeLessThanOrEqual(most);
      }
      expect(await world.atTop('ls -A')).not.toContain('stillpoint');
    },
    60_000 + ROUNDS * 60_000,
  );
});
