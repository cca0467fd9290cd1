/**
 * Redis under writers, saved from Btrfs while they write and while it rewrites its own log: with an append-only file that is
 * synchronised always, or every second, and with its RDB file alone. Each restored copy passes Redis's own checkers, starts, and is a state
 * between two transactions: all that was answered before the hold is in it, and nothing that was begun after.
 */
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { backupsInNamespaces } from '../support/namespace-backups.ts';
import { overPrograms, REDIS_PACKAGES } from '../support/quiesce/servers.ts';
import { type BtrfsHost, startBtrfsHost, whyNoBtrfsHost } from '../support/snapshot/btrfs-host.ts';
import { unpackDebian } from '../support/snapshot/debian-overlay.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { numbersIn } from '../support/writers/journal.ts';

const ROUNDS = Number(process.env['STILLPOINT_ROUNDS'] ?? 1);
const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());
const root = join(folder.path, 'programs');
const whyNot = (await whyNoBtrfsHost()) ?? (await unpackDebian(root, REDIS_PACKAGES));
const WRITER = join(import.meta.dirname, '../support/writers/redis-writer.ts');
const WRITERS = [1, 2, 3];

const WORLDS = [
  { name: 'with a log that is synchronised always', settings: '--appendonly yes --appendfsync always' },
  { name: 'with a log that is synchronised every second', settings: '--appendonly yes --appendfsync everysec' },
  { name: 'with its RDB file alone', settings: '--appendonly no' },
] as const;

describe.each(WORLDS)('Redis $name', ({ name, settings }) => {
  const hasLog = !settings.endsWith('no');
  let world: BtrfsHost;
  beforeEach(({ skip }) => skip(whyNot !== undefined, whyNot));
  afterEach(async () => {
    await world?.sh('touch /run/over; sleep 1');
    await world?.[Symbol.asyncDispose]();
  });
  const serve = (data: string, socket: string): string =>
    `setsid redis-server --port 0 --unixsocket ${socket} --dir ${data} --save '' --daemonize no ${settings} </dev/null >${socket}.log 2>&1 &
i=0; until redis-cli -s ${socket} PING 2>/dev/null | grep -q PONG; do i=$((i + 1)); [ $i -lt 300 ] || { tail -n 5 ${socket}.log >&2; exit 1; }; sleep 0.1; done`;

  test(
    'each copy passes its checkers, starts, and has what was answered before, and nothing that was begun after',
    async () => {
      const signal = AbortSignal.timeout(60_000 + ROUNDS * 45_000);
      world = await startBtrfsHost(
        'btrfs -q subvolume create /mnt/@redis; mkdir /run/redis; mount -o subvol=@redis $disk /run/redis',
        { megabytes: 1024 },
      );
      await world.sh(`${overPrograms(root)}${serve('/run/redis', '/run/redis.sock')}
${WRITERS.map((each) => `setsid '${process.execPath}' '${WRITER}' /run/redis.sock /run/journal.${each} ${each} </dev/null >>/run/said 2>&1 &`).join('\n')}
${hasLog ? "setsid sh -c 'while [ ! -e /run/over ]; do redis-cli -s /run/redis.sock BGREWRITEAOF; sleep 0.3; done' </dev/null >/dev/null 2>&1 &" : ''}
until ${WRITERS.map((each) => `[ -s /run/journal.${each} ]`).join(' && ')}; do [ ! -s /run/said ] || { cat /run/said >&2; exit 1; }; sleep 0.1; done; sleep 1`);
      const backups = await backupsInNamespaces(world, join(folder.path, name.replaceAll(/\W/g, '-')));
      const journals = () => Promise.all(WRITERS.map((each) => world.sh(`cat /run/journal.${each}`)));
      for (let round = 1; round <= ROUNDS; round += 1) {
        const asked = Number((await world.sh('cat /proc/uptime')).split(' ', 1)[0]);
        const report = await backups.save(
          ['/run/redis'],
          { quiesce: [{ of: 'redis', socket: '/run/redis.sock' }] },
          signal,
        );
        expect(report.consistency).toBe('application');
        const [hold] = report.holds;
        const [instant] = report.snapshots.map((each) => each.instant);
        console.log(
          `Redis ${name}, round ${round}: watched for ${((hold?.untilUptime ?? 0) - (hold?.fromUptime ?? 0)).toFixed(2)} s`,
        );
        const target = await backups.restore(`restored-${round}`);
        const copy = await world.sh(`cd ${target}/run/redis
${hasLog ? 'redis-check-aof appendonlydir/appendonly.aof.manifest' : 'redis-check-rdb dump.rdb'} >&2
${serve(`${target}/run/redis`, '/run/copy.sock')}
ask() { redis-cli -s /run/copy.sock "$@"; }
for w in ${WRITERS.join(' ')}; do
  echo "$(ask GET last:$w) $(ask LLEN moves:$w) $(ask LINDEX moves:$w -1) $(ask EVAL "local s = 0; for i = 0, 49 do s = s + (redis.call('GET', 'money:$w:' .. i) or 0) end; return s" 0)"
done
ask SHUTDOWN NOSAVE >/dev/null 2>&1 || :
rm -rf ${target} /run/copy.sock*`);
        for (const [index, journal] of (await journals()).entries()) {
          const [last = 0, count, end, sum] = (copy.trim().split('\n')[index] ?? '').split(' ').map(Number);
          expect({ count, end, sum }).toEqual({ count: last, end: last, sum: 0 });
          const [least, most] = numbersIn(journal, {
            // It writes its file out from when it was asked until the hold begins.
            doneBefore: hasLog ? (hold?.fromUptime ?? 0) : asked,
            begunAfter: hasLog ? (instant?.beforeUptime ?? 0) : (hold?.fromUptime ?? 0),
          });
          expect(last).toBeGreaterThanOrEqual(least);
          expect(last).toBeLessThanOrEqual(most);
        }
      }
      expect(await world.sh('cat /run/said')).toBe('');
      expect(await world.atTop('ls -A')).not.toContain('stillpoint');
    },
    60_000 + ROUNDS * 45_000,
  );
});
