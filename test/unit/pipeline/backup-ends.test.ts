/**
 * Every way in which a backup can be cut: a cancel, a command that never began, one whose answer was lost, a store that
 * fails before or after it has stored. What is said afterwards is compared with what the host and the repository hold.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cancelled, never } from '../../../shared/base/cancel.ts';
import { type Clock, systemClock } from '../../../shared/base/clock.ts';
import { StillpointError } from '../../../shared/base/errors.ts';
import { silentLogger } from '../../../shared/base/log.ts';
import { consequencesOf } from '../../../shared/domain/consequences.ts';
import type { RunEventBody } from '../../../shared/domain/events.ts';
import { foldFacts } from '../../../shared/domain/fold-facts.ts';
import { hostName, ownerId, repositoryName, sourceName } from '../../../shared/domain/names.ts';
import { NO_FACTS, type RunFacts } from '../../../shared/domain/run-facts.ts';
import { VERBS } from '../../../shared/domain/verbs/verbs.ts';
import { StoreEvents } from '../../../shared/jobs/store-events.ts';
import { backup } from '../../../shared/pipeline/backup.ts';
import type { Backend, FileType } from '../../../shared/repository/backend/backend.ts';
import { withChanges } from '../../../shared/repository/backend/changes.ts';
import { openRepository } from '../../../shared/repository/open-repository.ts';
import { REGISTRY } from '../../../shared/snapshot/registry.ts';
import { FaultPlan, withFaults } from '../../support/fault-plan.ts';
import { connectionLost, ModelHost } from '../../support/pipeline/model-host.ts';
import { noRuns } from '../../support/pipeline/no-runs.ts';
import { createMemoryBackend } from '../../support/stores/memory.ts';
import { createTestRepository, PASSWORD } from '../../support/test-repository.ts';

const SOURCE = {
  name: sourceName('files'),
  host: hostName('db1'),
  paths: [Buffer.from('/srv/files')],
  repository: repositoryName('main'),
  exclude: [],
  dumps: [{ of: 'command', name: 'words', command: ['say'] }],
} as const;
const REQUEST = { kind: 'backup', source: SOURCE.name } as const;
const HOST = {
  name: SOURCE.host,
  ssh: 'db1',
  sshConfigFile: undefined,
  sudo: 'none',
  leaseSeconds: 600,
  maxClockSkewSeconds: 86_400,
} as const;

let folder: string;
let store: Backend;
let host: ModelHost;
let faults: FaultPlan;
let stop: AbortController;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stillpoint-ends-'));
  store = createMemoryBackend();
  await (await createTestRepository(store)).close();
  host = new ModelHost();
  faults = new FaultPlan();
  stop = new AbortController();
});
afterEach(() => rm(folder, { recursive: true }));

interface End {
  /** The id of the restore point, or the error. */
  readonly outcome: string | StillpointError;
  readonly facts: RunFacts;
  readonly words: string;
  readonly events: readonly RunEventBody[];
}

async function run(onEvent: (event: RunEventBody) => void = () => undefined): Promise<End> {
  const events: RunEventBody[] = [];
  const emit = (event: RunEventBody): void => {
    events.push(event);
    onEvent(event);
  };
  const changes = new StoreEvents(emit).of('main');
  const ports = {
    openHost: async () => host.open(),
    openRepository: () => openRepository(withChanges(withFaults(store, faults), changes), PASSWORD, never),
    registry: REGISTRY,
    owner: ownerId('00112233aabb'),
    runs: noRuns(),
    clock: hurried(),
    logger: silentLogger,
    emit,
    workFolder: folder,
  };
  const outcome = await backup({ source: SOURCE, host: HOST, acceptClockSkew: false }, ports, stop.signal).then(
    ({ restorePoint }) => restorePoint,
    (error: unknown) => error as StillpointError,
  );
  const facts = events.reduce(foldFacts, NO_FACTS);
  return { outcome, facts, words: consequencesOf(REQUEST, facts).join(' '), events };
}

/** Short waits are over at once, and the time has passed. */
function hurried(): Clock {
  let aheadMs = 0;
  return {
    ...systemClock,
    monotonicMs: () => systemClock.monotonicMs() + aheadMs,
    sleep: async (ms, signal) => {
      const isShort = ms < 60_000;
      if (isShort) aheadMs += ms;
      await systemClock.sleep(isShort ? 0 : ms, signal);
    },
  };
}

const stored = async (type: FileType): Promise<string[]> =>
  (await Array.fromAsync(store.list(type, never))).map(({ name }) => name);

/** Nothing is claimed that is not so. */
async function expectTruth({ outcome, facts, words }: End): Promise<void> {
  const points = await stored('snapshots');
  const { pointsSaved = [], unsure = [] } = facts.stores['main'] ?? {};
  if (typeof outcome === 'string') expect(points).toContain(outcome);
  for (const id of pointsSaved) expect(points).toContain(id);
  if (unsure.length === 0) expect(pointsSaved).toEqual(points);
  if (words.includes('No restore point was saved')) expect(points).toEqual([]);
  if (words.includes('is saved')) expect(points).toHaveLength(1);
  const state = facts.host?.state ?? 'untouched';
  if (state === 'untouched' || state === 'released') expect(host.isClean, words).toBe(true);
  if (!host.isClean) expect(words).toMatch(/may be left on "db1"|is removed by the next job there/);
  if (/Nothing (was changed|of the run is left)|was removed\./.test(words)) expect(host.isClean).toBe(true);
}

test('a backup that goes well saves a restore point and leaves the host clean', async () => {
  const end = await run();
  expect(end.outcome).toEqual(expect.stringMatching(/^[0-9a-f]{64}$/));
  expect(end.facts).toMatchObject({
    host: { state: 'released', snapshotsMade: 1, sweep: 'done' },
    stores: { main: { pointsSaved: [end.outcome], unsure: [], indexesSaved: 1 } },
    left: [],
  });
  await expectTruth(end);
});

test('the host is sent neither the password nor the key of the repository', async () => {
  await run();
  const sent = Buffer.concat(host.sent);
  // What is looked for would be seen: the owner of the run and the name of a file were sent.
  expect([sent.includes('00112233aabb'), sent.includes('hello')]).toEqual([true, true]);
  expect(sent.includes(PASSWORD)).toBe(false);
  const [name = ''] = await stored('keys');
  const key = await store.load({ type: 'keys', name }, undefined, never);
  const { salt, data } = JSON.parse(key.toString()) as { readonly salt: string; readonly data: string };
  expect([sent.includes(salt), sent.includes(data)]).toEqual([false, false]);
});

describe('the lease of a backup', () => {
  const isOfTheLease = (name: string): boolean => ['arm-lease', 'renew-lease', 'release-lease'].includes(name);

  test('has a connection of its own, over which nothing else goes', async () => {
    const end = await run();
    expect(end.outcome).toEqual(expect.stringMatching(/^[0-9a-f]{64}$/));
    const [content = [], lease = [], ...others] = host.ranOn;
    expect(content.filter(isOfTheLease)).toEqual([]);
    expect(content).toContain('pack-files');
    expect([lease[0], lease.at(-1)]).toEqual(['arm-lease', 'release-lease']);
    expect(lease.filter((name) => !isOfTheLease(name))).toEqual([]);
    expect(others).toEqual([]);
  });

  test('keeps it when the other one is lost in the middle of the content', async () => {
    host.strike = (command) => {
      if (command === 'pack-files') throw connectionLost();
    };
    const end = await run();
    await expectTruth(end);
    expect(end.outcome).toMatchObject({ code: 'ssh.connection-lost' });
    expect(host.ranOn[1]?.at(-1)).toBe('release-lease');
    expect(host.isClean).toBe(true);
  });

  test('shares the first one where a second login fails, which is said', async () => {
    host.mostConnections = 1;
    const end = await run();
    expect(end.outcome).toEqual(expect.stringMatching(/^[0-9a-f]{64}$/));
    expect(host.ranOn[0]).toEqual(expect.arrayContaining(['arm-lease', 'pack-files', 'release-lease']));
    expect(end.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []))).toEqual([
      expect.stringMatching(/^A second connection to "db1" could not be opened.*is gone\.$/),
    ]);
  });
});

describe('a cancel', () => {
  test.each(Object.keys(VERBS.backup.phases))('at %s', async (phase) => {
    const end = await run((event) => {
      if (event.type === 'phase-started' && event.phase === phase) stop.abort(cancelled('The backup'));
    });
    await expectTruth(end);
    const isTooLate = phase === 'release';
    expect(typeof end.outcome === 'string').toBe(isTooLate);
    expect(host.isClean).toBe(true);
    if (!isTooLate) expect(end.words).toContain('No restore point was saved.');
  });

  test('while the restore point is being stored comes too late', async () => {
    const where = (file: { type: FileType }): boolean => {
      if (file.type === 'snapshots') stop.abort(cancelled('The backup'));
      return false;
    };
    // It looks on and breaks nothing.
    faults.add({ on: 'save', where, mayStayIdle: true });
    const end = await run();
    expect(stop.signal.aborted).toBe(true);
    expect(end.outcome).toBe((await stored('snapshots'))[0]);
    await expectTruth(end);
  });

  test('between the commit and the release comes too late', async () => {
    const end = await run((event) => {
      if (event.type === 'phase-finished' && event.phase === 'commit') stop.abort(cancelled('The backup'));
    });
    expect(end.outcome).toBe((await stored('snapshots'))[0]);
    expect(end.facts.host?.state).toBe('released');
    await expectTruth(end);
  });
});

const COMMANDS = [
  ...[
    'sweep-host',
    'identify-host',
    'resolve-paths',
    'look-for-dump',
    'take-dump',
    'arm-lease',
    'take-snapshots',
    'mount-snapshots',
  ],
  ...['list-tree', 'observe-snapshots', 'release-lease'],
];
/** While snapshots are read, the host is waited for until the lease is over. */
const AWAITED = ['list-tree', 'observe-snapshots'];
/** The work of a command that streams is its answer. */
const momentsOf = (name: string) =>
  ['list-tree', 'list-ancestors', 'pack-files', 'take-dump'].includes(name)
    ? (['before'] as const)
    : (['before', 'after'] as const);

test('a sudo that refuses before anything ran leaves nothing unknown', async () => {
  host.strike = (command, when) => {
    if (command === 'sweep-host' && when === 'before')
      throw new StillpointError('remote.sudo-refused', 'sudo refuses.', { advice: '', cause: undefined });
  };
  const end = await run();
  expect(end.outcome).toMatchObject({ code: 'remote.sudo-refused' });
  expect(end.words).not.toContain('unknown');
  expect(end.words).toContain('Nothing was changed on');
  await expectTruth(end);
});

describe('a connection that is lost', () => {
  test.each(COMMANDS.flatMap((name) => momentsOf(name).map((moment) => [name, moment] as const)))(
    'at "%s", %s it did its work',
    async (name, moment) => {
      host.strike = (command, when) => {
        if (command === name && when === moment) throw connectionLost();
      };
      const end = await run();
      expect(host.ran).toContain(name);
      await expectTruth(end);
      if (name === 'release-lease') expect(end.outcome).toEqual(expect.stringMatching(/^[0-9a-f]{64}$/));
      else
        expect(end.outcome).toMatchObject({
          code: AWAITED.includes(name) ? 'snapshot.lease-lost' : 'ssh.connection-lost',
        });
      if (name === 'sweep-host') expect(end.words).toContain('It is unknown what of earlier runs was removed');
    },
  );

  test.each(['list-tree', 'list-ancestors', 'pack-files', 'observe-snapshots'])(
    'at "%s", and is there again, costs nothing but time',
    async (name) => {
      for (const moment of momentsOf(name)) {
        let isStruck = false;
        host.strike = (command, when) => {
          if (command !== name || when !== moment || isStruck) return;
          isStruck = true;
          throw connectionLost();
        };
        const end = await run();
        expect(isStruck).toBe(true);
        expect(end.outcome).toEqual(expect.stringMatching(/^[0-9a-f]{64}$/));
        const told = end.events.flatMap(({ type }) => (type.startsWith('connection-') ? [type] : []));
        expect(told).toEqual(['connection-lost', 'connection-back']);
        expect(host.isClean).toBe(true);
        await store.remove({ type: 'snapshots', name: String(end.outcome) }, never);
      }
    },
  );

  test('for good, in the middle of a snapshot', async () => {
    let isGone = false;
    host.strike = (command, when) => {
      isGone ||= command === 'take-snapshots' && when === 'after';
      if (isGone) throw connectionLost();
    };
    const end = await run();
    await expectTruth(end);
    expect(end.words).toMatch(/Something of the run [0-9a-f]{8} may be left on "db1"/);
  });
});

test('a snapshot that cannot be removed does not undo the restore point, and is named', async () => {
  host.isBusy = true;
  const end = await run();
  await expectTruth(end);
  expect(end.outcome).toEqual(expect.stringMatching(/^[0-9a-f]{64}$/));
  expect(end.facts.left).toHaveLength(1);
  expect(end.facts.host?.state).toBe('left');
});

const failing = (code: 'backend.failed' | 'backend.no-space') =>
  new StillpointError(code, 'The store failed.', { advice: 'See why.', cause: undefined });

describe('a store that fails', () => {
  test.each(
    (['data', 'index', 'snapshots'] as const).flatMap((type) => [[type, false] as const, [type, true] as const]),
  )('to save "%s" (after it has: %s)', async (type, late) => {
    // Packs of data and of trees are saved at the same time, and a full disk is full for both.
    const times = late ? 1 : Number.POSITIVE_INFINITY;
    const error = failing('backend.no-space');
    faults.add({ on: 'save', where: (file) => file.type === type, error, late, times });
    const end = await run();
    expect(end.outcome).toMatchObject({ code: 'backend.no-space' });
    await expectTruth(end);
    expect(host.isClean).toBe(true);
    if (type === 'snapshots' && late)
      expect(end.words).toMatch(/^It is unknown whether restore point [0-9a-f]{8} was saved/);
    else expect(end.words).toContain('No restore point was saved.');
    if (type === 'snapshots') return;
    expect(end.words.includes('stays in the repository until a prune')).toBe(type === 'index' || late);
  });

  test('to answer whether a restore point is there, says that nobody knows', async () => {
    const ofPoints = (file: { type: FileType }): boolean => file.type === 'snapshots';
    faults.add({ on: 'save', where: ofPoints, error: failing('backend.failed') });
    faults.add({ on: 'stat', where: ofPoints, error: failing('backend.failed') });
    const end = await run();
    await expectTruth(end);
    expect(end.words).toMatch(/It is unknown whether restore point [0-9a-f]{8} was saved/);
  });
});
