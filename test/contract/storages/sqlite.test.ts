/** SQLite under a reading transaction, so that a copy of one instant is whole: in namespaces of this machine. */
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { newRunId } from '../../../shared/domain/names.ts';
import { holdOf, sqlite } from '../../../shared/quiesce/sqlite/hook.ts';
import { lookAtDatabases } from '../../../shared/quiesce/sqlite/look.ts';
import { reading } from '../../support/quiesce/reading.ts';
import { overPrograms, SQLITE_PACKAGES, TOOK } from '../../support/quiesce/servers.ts';
import { unpackDebian } from '../../support/snapshot/debian-overlay.ts';
import { startFolderCopyHost } from '../../support/snapshot/provider-fixtures.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { type HookFixture, hookContract } from '../hook.ts';

/** Of an account of which the host knows no name, as of what a container writes. */
const FILE = "/run/db/it's a.db";
const AS = 'setpriv --reuid 4711 --regid 4711 --clear-groups sqlite3 -batch -bail -init /dev/null';
const sql = (statements: string, timeout = 20_000): string =>
  `${AS} -cmd '.timeout ${timeout}' "${FILE}" "${statements}"`;
const OURS = `pgrep -f 'sqlite3 -batch -bail.*mode=rw' >/dev/null`;
const INSERT = 'INSERT INTO orders DEFAULT VALUES';

function sqliteFixture(root: string, mode: 'delete' | 'wal') {
  return async (): Promise<HookFixture> => {
    const world = await startFolderCopyHost();
    await world.sh(`${overPrograms(root)}mkdir /run/db; chown 4711:4711 /run/db
${sql(`PRAGMA journal_mode = ${mode}; CREATE TABLE orders (id INTEGER PRIMARY KEY, text TEXT DEFAULT (hex(randomblob(2000)))); ${INSERT}`)} >/dev/null`);
    // Without a log, who commits waits. With one nobody does, and all that is held is our transaction.
    const isHeldScript = mode === 'wal' ? OURS : `! ${sql(INSERT, 0)} >/dev/null 2>&1`;
    return {
      ...world,
      hook: ({ deadlineSeconds: seconds, holds }) => ({
        ...sqlite,
        plan: (_source, run) => [holdOf({ of: 'sqlite', file: FILE, seconds }, { run, name: 'sqlite-0', holds })],
      }),
      isHeld: async () => (await world.sh(`! { ${isHeldScript}; } || echo held`)) === 'held',
      isHeldScript,
      letGoScript: `pkill -KILL -f 'sqlite3 -batch -bail.*mode=rw'; while ${OURS}; do sleep 0.1; done`,
      // As a restore of it, or a program that writes it anew, would.
      spoiledBy: [`cp -a "${FILE}" /run/db/new; mv /run/db/new "${FILE}"`],
      async withoutFreezing(work) {
        await world.sh(`mkfifo /run/held; setsid ${AS} -cmd '.timeout 20000' "${FILE}" < /run/held >/dev/null 2>&1 &
exec 3> /run/held; echo 'PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;' >&3
setsid sleep 1000 >&3 2>/dev/null </dev/null & echo $! > /run/holder
until ! ${sql(INSERT, 0)} >/dev/null 2>&1; do sleep 0.1; done`);
        await work();
        await world.sh(`kill "$(cat /run/holder)"; rm /run/held; until ${sql(INSERT)}; do sleep 0.1; done`);
      },
      record: { ...TOOK, 'kept in': mode === 'wal' ? 'its file and its log' : 'its file' },
      folder: '/run/copied',
      slowness: 2,
    };
  };
}

const folder = await temporaryFolder();
afterAll(() => folder[Symbol.asyncDispose]());
const root = join(folder.path, 'sqlite');
const whyNot = await unpackDebian(root, SQLITE_PACKAGES);
hookContract('SQLite without a log', whyNot, sqliteFixture(root, 'delete'), 'each program in a thorough run');

describe('a database of SQLite', () => {
  let world: HookFixture;
  beforeEach(({ skip }) => skip(whyNot !== undefined, whyNot));
  beforeAll(async () => {
    if (whyNot === undefined) world = await sqliteFixture(root, 'wal')();
  });
  afterAll(() => world?.[Symbol.asyncDispose]());
  const look = (...files: readonly string[]) =>
    world.host.run(lookAtDatabases(files.map((file) => ({ of: 'sqlite', file }))), never);
  const plan = (seen: Awaited<ReturnType<typeof look>>, file = FILE) =>
    sqlite.plan({ quiesce: [{ of: 'sqlite', file }] } as never, newRunId(), reading({ look: seen }));

  test('says which files belong to it, where a link leads to it too, and who has to wait', async () => {
    await world.sh(`ln -s "${FILE}" /run/link.db; ${AS} /run/db/plain.db 'CREATE TABLE a (b)'`);
    const seen = await look(FILE, '/run/link.db');
    const files = ['', '-wal', '-journal'].map((suffix) => `${FILE}${suffix}`);
    expect(seen.lacks).toEqual([]);
    expect(seen.places.map(({ path }) => path.toString())).toEqual([...files, ...files]);
    expect(seen.places.map(({ comesAndGoes }) => comesAndGoes === true)).toEqual([
      false,
      true,
      true,
      false,
      true,
      true,
    ]);
    expect(plan(seen)[0]).not.toHaveProperty('risk');
    expect(plan(await look('/run/db/plain.db'), '/run/db/plain.db')).toMatchObject([
      { guarantees: 'recovers', risk: expect.stringContaining('waits until the snapshots stand') as unknown },
    ]);
  });

  test('is refused where it is none, is not there, or is held by somebody for long', async () => {
    await world.sh('echo "some words that are no database" > /run/words; chmod 644 /run/words');
    const { lacks } = await look('/run/words', '/run/none', '/run/db');
    expect(lacks.map(({ message }) => message)).toEqual([
      expect.stringContaining('file is not a database'),
      expect.stringContaining('there is no such file'),
      expect.stringContaining('there is no such file'),
    ]);
    await world.withoutFreezing(async () => {
      expect(await look(FILE)).toMatchObject({
        lacks: [
          {
            message: expect.stringContaining('database is locked') as unknown,
            advice: expect.stringContaining('"stop"') as unknown,
          },
        ],
      });
    });
  });

  test('is left as it was, and nothing of it belongs to anybody else afterwards', async () => {
    await world.sh(sql(INSERT));
    const before = await world.sh('stat -c "%n %u %i" /run/db/*');
    await look(FILE);
    expect(await world.sh('find /run/db ! -user 4711')).toBe('');
    expect(before).toContain('4711');
  });
});
