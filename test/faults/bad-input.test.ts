/** What people read when something is wrong with what we are given: the object, and what to do next. */
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { isStillpointError, type StillpointError } from '../../shared/base/errors.ts';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { encodeLock } from '../../shared/repository/format/lock-file.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import { timestampFromDate } from '../../shared/repository/timestamp.ts';
import { type DamageLab, openLab, type Shelf, shelve } from '../support/damage/damage-lab.ts';
import { FaultPlan, noSpace, withFaults } from '../support/fault-plan.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { backUp, PASSWORD, testSignal } from '../support/test-repository.ts';
import { writeOut } from '../support/write-out.ts';

const isRoot = process.getuid?.() === 0;
const CONFIG = { type: 'config', name: '' } as const;
let shelf: Shelf;
beforeAll(async () => {
  shelf = await shelve(2);
});

async function failure(work: Promise<unknown>): Promise<StillpointError> {
  try {
    await work;
  } catch (error) {
    if (isStillpointError(error)) return error;
    throw error;
  }
  throw new Error('it worked');
}

/** Reads all of a restore point's first file, as a restore does. */
async function readFile(lab: DamageLab, password = PASSWORD): Promise<void> {
  const repository = await openRepository(lab.backend, password, lab.signal);
  await repository.loadIndex(lab.signal);
  const point = await repository.findRestorePoint(lab.points[1]?.id ?? '', lab.signal);
  const { nodes } = await repository.loadTree(point.tree, lab.signal);
  const docs = await repository.loadTree(nodes[0]?.subtree ?? point.tree, lab.signal);
  for await (const { data } of repository.loadBlobs(docs.nodes[0]?.content ?? [], lab.signal))
    expect(data.toString()).toBe('bbb');
}

async function writeLock(lab: DamageLab, time: Date, pid: number): Promise<void> {
  const { files } = await lab.open();
  const lock = {
    time: timestampFromDate(time),
    exclusive: true,
    hostname: hostname(),
    username: 'ada',
    pid,
    uid: 0,
    gid: 0,
  };
  await files.save('locks', encodeLock(lock), lab.signal);
}

interface Case {
  readonly name: string;
  readonly plant: (lab: DamageLab) => Promise<void>;
  readonly work?: (lab: DamageLab) => Promise<unknown>;
  readonly code: string;
  readonly message: RegExp;
  readonly advice: RegExp;
}

const damaged = { code: 'repository.damaged' } as const;
const lockIt = async (lab: DamageLab): Promise<unknown> => (await lab.open()).lock('exclusive', lab.signal);

const CASES: readonly Case[] = [
  {
    name: 'a wrong password',
    plant: async () => undefined,
    work: (lab) => readFile(lab, 'other'),
    code: 'repository.wrong-password',
    message: /password does not open the repository at memory/,
    advice: /password file or command/,
  },
  ...([0, 1, 60, -1] as const).map(
    (length): Case => ({
      name: `a key file cut to ${length}`,
      plant: async (lab) => lab.cut(await lab.only('keys'), length),
      ...damaged,
      message: /opens no key of the repository .* that can be read\. .*key.*[0-9a-f]{8}/,
      advice: /folder "keys" from a copy/,
    }),
  ),
  ...([0, 1, -1] as const).map(
    (length): Case => ({
      name: `a config cut to ${length}`,
      plant: (lab) => lab.cut(CONFIG, length),
      ...damaged,
      message: /"config" of the repository at memory is (empty|damaged)/,
      advice: /Bring "config" back from a copy/,
    }),
  ),
  {
    name: 'a config with a flipped bit',
    plant: (lab) => lab.flip(CONFIG, 30),
    ...damaged,
    message: /"config" of the repository at memory is damaged/,
    advice: /Bring "config" back/,
  },
  {
    name: 'a config that is gone',
    plant: (lab) => lab.remove(CONFIG),
    ...damaged,
    message: /"config" .* is not there, but the keys are/,
    advice: /Bring "config" back/,
  },
  ...([0, -1] as const).map(
    (length): Case => ({
      name: `an index cut to ${length}`,
      plant: async (lab) => lab.cut(await lab.only('index'), length),
      ...damaged,
      message: /index [0-9a-f]{8} (is empty|does not match its name)/,
      advice: /stillpoint repair index/,
    }),
  ),
  ...([0, -1] as const).map(
    (length): Case => ({
      name: `a restore point cut to ${length}`,
      plant: (lab) => lab.cut(lab.pointFile(1), length),
      ...damaged,
      message: /restore point [0-9a-f]{8} (is empty|does not match its name)/,
      advice: /stillpoint check/,
    }),
  ),
  {
    name: 'a pack that is gone',
    plant: async (lab) => lab.remove(await lab.pack(1, '/docs/b.txt')),
    ...damaged,
    message: /data blob [0-9a-f]{8} cannot be read: pack [0-9a-f]{8}: the pack is not there/,
    advice: /stillpoint verify/,
  },
  {
    name: 'a pack that was cut',
    plant: async (lab) => lab.cut(await lab.pack(1, '/docs/b.txt'), 9),
    ...damaged,
    message: /pack [0-9a-f]{8}: the pack is too short/,
    advice: /stillpoint verify/,
  },
  {
    name: 'an empty pack',
    plant: async (lab) => lab.cut(await lab.pack(1, '/docs/b.txt'), 0),
    ...damaged,
    message: /pack [0-9a-f]{8}: the pack is too short/,
    advice: /stillpoint verify/,
  },
  {
    name: 'a pack with a flipped bit',
    plant: async (lab) => lab.flip(await lab.pack(1, '/docs/b.txt'), 17),
    ...damaged,
    message: /data blob .* pack [0-9a-f]{8}: its seal is broken/,
    advice: /stillpoint verify/,
  },
  {
    name: 'a tree with a flipped bit',
    plant: async (lab) => {
      const { pack, offset } = await lab.place(1, '/', 'tree');
      await lab.flip({ type: 'data', name: pack }, offset + 17);
    },
    ...damaged,
    message: /tree blob [0-9a-f]{8} cannot be read: pack/,
    advice: /stillpoint verify/,
  },
  {
    name: 'a lock that cannot be read',
    plant: async (lab) => {
      await writeLock(lab, new Date(), 1);
      await lab.flip(await lab.only('locks'), 20);
    },
    work: lockIt,
    code: 'repository.locked',
    message: /lock [0-9a-f]{8}/,
    advice: /unlock --remove-all/,
  },
  {
    name: 'a stale lock of a dead process',
    plant: (lab) => writeLock(lab, new Date(), 4_000_000),
    work: lockIt,
    code: 'repository.locked',
    message: /locked for exclusive use by process 4000000 of ada on ".*" since/,
    advice: /looks abandoned.*stillpoint unlock/,
  },
  {
    name: 'a live lock of another',
    plant: (lab) => writeLock(lab, new Date(), process.ppid),
    work: lockIt,
    code: 'repository.locked',
    message: new RegExp(`by process ${process.ppid} of ada`),
    advice: /Wait until that is done.*stillpoint unlock/,
  },
];

describe('what is wrong is said in a sentence with what to do next', () => {
  it.each(CASES)('$name', async ({ plant, work = readFile, code, message, advice }) => {
    const lab = await openLab(shelf);
    await readFile(lab);
    await plant(lab);
    const error = await failure(work(lab));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.advice).toMatch(advice);
  });

  it('a full disk', async () => {
    const lab = await openLab(shelf);
    const plan = new FaultPlan().add({ on: 'save', where: ({ type }) => type === 'data', error: noSpace() });
    const repository = await openRepository(withFaults(lab.backend, plan), PASSWORD, lab.signal);
    expect((await failure(backUp(repository, { new: 'content' }))).code).toBe('backend.no-space');
  });

  it('a foreign file is passed over by all but check', async () => {
    const lab = await openLab(shelf);
    for (const type of ['keys', 'index', 'snapshots', 'locks', 'data'] as const) {
      await lab.backend.save({ type, name: '.DS_Store' }, [Buffer.from('x')], lab.signal);
    }
    await readFile(lab);
    await backUp(await lab.open(), { new: 'content' });
    expect((await lab.look('check')).map(({ message }) => message)).toHaveLength(5);
  });

  it('rights that were lost', async () => {
    await using folder = await temporaryFolder();
    await writeOut(shelf.backend, folder.path, testSignal());
    const repository = await openRepository(createLocalBackend(folder.path), PASSWORD, testSignal());
    await chmod(join(folder.path, 'snapshots'), 0o000);
    // Root may read everything; the user "nobody" may not.
    if (isRoot) process.seteuid?.(65_534);
    const error = await failure(repository.listRestorePoints(testSignal())).finally(
      () => isRoot && process.seteuid?.(0),
    );
    await chmod(join(folder.path, 'snapshots'), 0o700);
    expect(error.code).toBe('backend.denied');
    expect(error.message).toContain(folder.path);
    expect(error.advice).toContain('owner and permissions');
  });

  it.each<[string, (place: string) => Promise<unknown>, string, boolean]>([
    ['is a file', (place) => writeFile(place, 'x'), 'it is not a folder', false],
    [
      'lies below a file',
      (place) => writeFile(join(place, '..'), 'x'),
      'something on the way there is not a folder',
      false,
    ],
    ['is not there', async () => undefined, 'there is no such folder', true],
    [
      'is a link that leads nowhere',
      (place) => symlink('gone', place),
      'it is a symbolic link that leads nowhere',
      false,
    ],
    ['is empty', (place) => mkdir(place), 'the folder is empty', true],
    ['is an empty disk', (place) => mkdir(join(place, 'lost+found'), { recursive: true }), 'the folder is empty', true],
    [
      'holds other things',
      async (place) => {
        for (const name of ['photos', 'a\n', 'data', 'c', 'd']) await mkdir(join(place, name), { recursive: true });
      },
      String.raw`the folder holds "a\n", "c", "d" and more, and no file "config"`,
      false,
    ],
    [
      'holds parts of a repository',
      (place) => mkdir(join(place, 'data'), { recursive: true }),
      'the folder holds "data", and no file "config"',
      false,
    ],
  ])('a place that %s', async (_, put, words, isFree) => {
    await using folder = await temporaryFolder();
    const place = join(folder.path, 'above', 'r');
    if (!words.startsWith('something')) await mkdir(join(folder.path, 'above'));
    await put(place);
    const error = await failure(openRepository(createLocalBackend(place), PASSWORD, testSignal()));
    expect(error).toMatchObject({
      code: 'repository.not-found',
      message: `There is no repository at ${place}: ${words}.`,
    });
    expect(error.advice.includes('stillpoint init')).toBe(isFree);
  });
});
