/** Redis, which is asked to write out what it has, or has written it already: a real server in namespaces of this machine. */
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import type { RedisHold } from '../../../shared/domain/quiesce.ts';
import { holdOf, redis } from '../../../shared/quiesce/redis/hook.ts';
import { lookAtServers } from '../../../shared/quiesce/redis/look.ts';
import type { Fragment } from '../../../shared/remote/fragment.ts';
import { quoteArg } from '../../../shared/remote/quoting.ts';
import { blocksOf } from '../../support/page-commands.ts';
import { overPrograms, REDIS_PACKAGES } from '../../support/quiesce/servers.ts';
import { unpackDebian } from '../../support/snapshot/debian-overlay.ts';
import { startFolderCopyHost } from '../../support/snapshot/provider-fixtures.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { type HookFixture, hookContract } from '../hook.ts';

const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());
const root = join(folder.path, 'redis');
const whyNot = await unpackDebian(root, REDIS_PACKAGES);
const SECRET = "correct horse; rm -rf $(x) 'y' ü";

const terms = { holds: 'until-snapshots' } as const;

/** One that synchronises its log every second, so that writers wait; its password is known to none of our arguments. */
function redisFixture(root: string) {
  return async (): Promise<HookFixture> => {
    const world = await startFolderCopyHost();
    const ask = 'redis-cli -s /run/redis.sock';
    await world.sh(`${overPrograms(root)}mkdir /run/data
setsid redis-server --port 0 --unixsocket /run/redis.sock --dir /run/data --save '' --appendonly yes --appendfsync everysec </dev/null >/run/redis.log 2>&1 &
until [ "$(${ask} PING)" = PONG ]; do sleep 0.1; done`);
    const isHeldScript = `[ "$(timeout 1 ${ask} INCR writes)" = '' ]`;
    return {
      ...world,
      hook: ({ deadlineSeconds: seconds, holds }) => ({
        ...redis,
        plan: (_source, run) => [
          holdOf({ of: 'redis', socket: '/run/redis.sock', seconds }, { id: `${run}/redis-0`, holds, way: 'held' }),
        ],
      }),
      isHeld: async () => (await world.sh(`! ${isHeldScript} || echo held`)) === 'held',
      isHeldScript,
      // Its users go on to write then.
      letGoScript: `${ask} CLIENT UNPAUSE >/dev/null; ${ask} INCR writes >/dev/null`,
      spoiledBy: [
        `${ask} SHUTDOWN NOSAVE || :; setsid redis-server --port 0 --unixsocket /run/redis.sock --dir /run/data --save '' --appendonly yes </dev/null >/run/redis.log 2>&1 & until [ "$(${ask} PING)" = PONG ]; do sleep 0.1; done`,
      ],
      async withoutFreezing(work) {
        await world.sh(`${ask} ACL SETUSER default '-client|pause' >/dev/null`);
        await work();
        await world.sh(`${ask} ACL SETUSER default '+client|pause' >/dev/null`);
      },
      record: { server: expect.stringMatching(/^Redis 7\./) as unknown, 'kept in': 'its append-only file' },
      answered: {
        copy: 'rm -rf /run/copy; cp -a /run/data /run/copy',
        cases: [
          {
            write: `${ask} SET order 4711 >/dev/null`,
            judge: `setsid redis-server --port 0 --unixsocket /run/copy.sock --dir /run/copy --appendonly yes </dev/null >/dev/null 2>&1 &
until [ "$(redis-cli -s /run/copy.sock PING 2>/dev/null)" = PONG ]; do sleep 0.1; done
[ "$(redis-cli -s /run/copy.sock GET order)" != 4711 ] || echo 'all of it'`,
          },
        ],
      },
      folder: '/run/copied',
      slowness: 2,
    };
  };
}
hookContract('Redis whose writers wait', whyNot, redisFixture(root), 'each program in a thorough run');

describe('a server of Redis', () => {
  let world: Awaited<ReturnType<typeof startFolderCopyHost>>;
  beforeEach(({ skip }) => skip(whyNot !== undefined, whyNot));
  beforeAll(async () => {
    if (whyNot !== undefined) return;
    world = await startFolderCopyHost();
    await world.sh(`${overPrograms(root)}mkdir /run/plain /run/log; umask 077; printf '%s\\n' ${quoted(SECRET)} > /run/secret
start() { printf 'requirepass "%s"\\n' "$4" > "/run/redis$1.conf"; setsid redis-server "/run/redis$1.conf" --port "$1" --dir "$2" --save '' --appendonly "$3" --appendfsync "$5" --unixsocket "/run/redis$1" </dev/null >/run/redis.log 2>&1 & until [ -S "/run/redis$1" ]; do sleep 0.1; done; }
start 6379 /run/plain no '' everysec; start 6380 /run/log yes ${quoted(SECRET)} always`);
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  const quoted = (text: string): string => quoteArg(text).toString('utf8');
  const cli = (words: string): Promise<string> => world.sh(`redis-cli ${words}`);
  /** A part of the section, as it runs there; what it prints. */
  const part = async <T>({ script, args, parse }: Fragment<T>): Promise<T> => {
    const line = `dir=/run; f() { ( ${script}\n) }; f "$@"`;
    const out = await world.sh(
      `set -o pipefail; /bin/sh -c ${quoted(line)} sh ${args.map((arg) => quoted(String(arg))).join(' ')} | tr '\\0' '|'`,
    );
    return parse(out === '' ? [] : out.split('|'));
  };
  const look = (...wanted: readonly RedisHold[]) => world.host.run(lookAtServers(wanted), never);
  const WITH_LOG: RedisHold = { of: 'redis', port: 6380, passwordFileOnHost: '/run/secret' };

  test('says where it has its files, and why it cannot be asked', async () => {
    const { lacks, places } = await look(
      { of: 'redis' },
      WITH_LOG,
      { of: 'redis', socket: '/run/redis6380' },
      { of: 'redis', port: 1 },
    );
    expect(places.map(({ what, path }) => [what, path.toString()])).toEqual([
      ['the data of Redis', '/run/plain'],
      ['the data of Redis at port 6380', '/run/log'],
    ]);
    expect(lacks.map(({ message }) => message)).toEqual([
      expect.stringContaining('NOAUTH'),
      expect.stringMatching(/port 1 cannot be asked: .*Connection refused/),
    ]);
  });

  test('is asked by an account with exactly the rights of the page, and refused by name without one of them', async () => {
    const [page = ''] = await blocksOf('docs/consistency.md', 'Redis', 'text');
    const [saving = '', waiting = ''] = page.replaceAll('PASSWORD', 'pw').split('\n');
    const rightsOf = (line: string): readonly string[] => line.match(/\+\S+/g) ?? [];
    expect([saving, waiting].map(rightsOf)).toEqual([
      ['+info', '+config|get', '+bgsave'],
      ['+info', '+config|get', '+client|pause', '+client|unpause'],
    ]);
    // Past the rights that are tried, by another account.
    await cli('ACL SETUSER root on nopass allkeys allcommands');
    const asRoot = (words: string): Promise<string> =>
      world.sh(`redis-cli --user root --no-auth-warning --pass x ${words.split(' ').map(quoted).join(' ')}`);
    await world.sh(`printf 'pw\\n' > /run/least`);
    const least: RedisHold = { of: 'redis', passwordFileOnHost: '/run/least' };
    const giving = async (line: string, without?: string): Promise<string | undefined> => {
      expect(await asRoot(without === undefined ? line : line.replace(` ${without}`, ''))).toBe('OK');
      return (await look(least)).lacks[0]?.message;
    };
    for (const [line, way] of [
      [saving, 'file'],
      [waiting, 'held'],
    ] as const) {
      await asRoot(`CONFIG SET appendonly ${way === 'held' ? 'yes' : 'no'}`);
      expect(await giving(line)).toBeUndefined();
      expect((await look(least)).facts).toEqual({ 'way-0': way });
      const hold = holdOf({ ...least, seconds: 20 }, { ...terms, id: '0123abcd/redis-3', way });
      await world.sh('mkdir -p /run/stillpoint/0123abcd');
      await part(hold.freeze);
      expect(await part(hold.prove)).toHaveProperty('kept in');
      await part({
        name: 'thaw',
        script: `${redis.onHost.script}\nsp_redis_thaw "$1"`,
        args: [hold.id],
        fields: 0,
        parse: () => undefined,
      });
      // What lets go is known to be there by what makes it wait: it cannot be tried without letting somebody go.
      for (const right of rightsOf(line).filter((each) => each !== '+client|unpause'))
        expect(await giving(line, right)).toContain(`'${right.slice(1)}'`);
    }
    await asRoot('CONFIG SET appendonly no');
    await world.sh("printf 'wrong\\n' > /run/least; rm -rf /run/stillpoint");
    expect((await look(least)).lacks[0]?.message).toContain('WRONGPASS');
    await asRoot('ACL SETUSER default reset on nopass allkeys allchannels allcommands');
  });

  test('writes all that it has into its file before the instant, where it has no log', async () => {
    await cli('SET order 4711');
    const hold = holdOf({ of: 'redis' }, { ...terms, id: '0123abcd/redis-0', way: 'file' });
    await part(hold.freeze);
    expect(await part(hold.prove)).toEqual({
      server: expect.stringMatching(/^Redis 7\./) as unknown,
      'kept in': expect.stringMatching(/^its file of 20\d\d-/) as unknown,
    });
    // What another server reads from that file.
    await world.sh(
      'mkdir /run/copy; cp /run/plain/dump.rdb /run/copy; setsid redis-server --port 6390 --dir /run/copy --unixsocket /run/redis6390 </dev/null >/dev/null 2>&1 & until [ -S /run/redis6390 ]; do sleep 0.1; done',
    );
    await expect.poll(() => cli('-s /run/redis6390 GET order')).toBe('4711');
  });

  test('has written it already where it has a log, and its password is seen by nobody', async () => {
    const hold = holdOf(WITH_LOG, { ...terms, id: '0123abcd/redis-1', way: 'log' });
    // Whoever has it among its arguments or in its environment is seen; the word to look for is in nobody's.
    await world.sh(`printf 'correct horse' > /run/word
cat > /run/watch <<'END'
while [ ! -e /run/watched ]; do
  for each in /proc/[0-9]*; do
    tr '\\0' ' ' < "$each/cmdline" | grep -aF -f /run/word
    tr '\\0' ' ' < "$each/environ" | grep -aF -f /run/word
  done
done > /run/seen 2>/dev/null
END
setsid sh /run/watch </dev/null >/dev/null 2>&1 &`);
    await part(hold.freeze);
    expect(await part(hold.prove)).toMatchObject({ 'kept in': 'its append-only file' });
    expect(await world.sh('cat /run/seen')).toBe('');
    await world.sh('sh -c "sleep 1; :" "correct horse"; touch /run/watched');
    expect(await world.sh('cat /run/seen')).toContain('correct horse');
  });

  test('proves nothing where it was another one, or its saving failed', async () => {
    const hold = holdOf({ of: 'redis' }, { ...terms, id: '0123abcd/redis-2', way: 'file' });
    await part(hold.freeze);
    await cli('CONFIG SET appendonly yes');
    await expect(part(hold.prove)).rejects.toThrow('exit code 1');
    await cli('CONFIG SET appendonly no');
    await world.sh('rm /run/plain/dump.rdb; mkdir /run/plain/dump.rdb');
    await expect(part(hold.freeze)).rejects.toThrow('its saving failed');
    await world.sh('rmdir /run/plain/dump.rdb');
  });
});
