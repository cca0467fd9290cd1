/**
 * Acts on keys and locks that break at every call to the store, before and after it has done its work: what the error
 * says of keys and locks is compared with those that are there.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AnswerBook } from '../../../shared/access/answers.ts';
import { cancelled } from '../../../shared/base/cancel.ts';
import { systemClock } from '../../../shared/base/clock.ts';
import { readEnvironment } from '../../../shared/base/environment.ts';
import { StillpointError } from '../../../shared/base/errors.ts';
import { silentLogger } from '../../../shared/base/log.ts';
import { parseLocation } from '../../../shared/domain/location.ts';
import { repositoryName } from '../../../shared/domain/names.ts';
import type { RepositorySpec } from '../../../shared/domain/source.ts';
import { RepositoryAccess } from '../../../shared/facade/repository-access.ts';
import type { Backend, FileType } from '../../../shared/repository/backend/backend.ts';
import { withChanges } from '../../../shared/repository/backend/changes.ts';
import { addKey } from '../../../shared/repository/keys.ts';
import { createRepository, openRepository } from '../../../shared/repository/open-repository.ts';
import { type Fault, FaultPlan, withFaults } from '../../support/fault-plan.ts';
import { createMemoryBackend } from '../../support/stores/memory.ts';
import { CHEAP_KEY, PASSWORD, testSignal } from '../../support/test-repository.ts';

const signal = testSignal();
const cheap = { keyCost: CHEAP_KEY };
/** Locks wait for slow stores; the one in memory is not slow. */
const clock = { ...systemClock, sleep: async () => undefined };
const failure = new StillpointError('backend.failed', 'The store failed.', { advice: 'See why.', cause: undefined });

const SPEC: RepositorySpec = {
  name: repositoryName('main'),
  location: '/srv/main',
  place: parseLocation('/srv/main'),
  passwordFile: undefined,
  passwordCommand: undefined,
  store: {},
};

let folder: string;
let backend: Backend;
let faults: FaultPlan;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stillpoint-access-'));
  await writeFile(join(folder, 'new'), 'another\n', { mode: 0o600 });
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => {
  backend = createMemoryBackend();
  faults = new FaultPlan();
});

const access = (): RepositoryAccess =>
  new RepositoryAccess({
    open: (_, openSignal, onChange = () => undefined) =>
      openRepository(withChanges(withFaults(backend, faults), onChange), PASSWORD, openSignal, { clock }),
    create: (_, openSignal, onChange) =>
      createRepository(withChanges(withFaults(backend, faults), onChange), PASSWORD, openSignal, { ...cheap, clock }),
    people: { book: new AnswerBook(undefined), environment: readEnvironment(), logger: silentLogger, clock },
  });
const stored = async (type: FileType): Promise<readonly string[]> =>
  (await Array.fromAsync(backend.list(type, signal))).map(({ name }) => name);
const newPassword = () => ({ from: 'file', path: join(folder, 'new') }) as const;

type Act = (signal: AbortSignal) => Promise<unknown>;
/** Each with what it finds, and what it does. */
const ACTS: Record<string, { readonly before: () => Promise<Act> }> = {
  init: { before: async () => (now) => access().init(SPEC, now) },
  'key add': {
    before: async () => {
      await createRepository(backend, PASSWORD, signal, { ...cheap, clock });
      return (now) => access().add(SPEC, newPassword(), now);
    },
  },
  'key change': {
    before: async () => {
      await createRepository(backend, PASSWORD, signal, { ...cheap, clock });
      return (now) => access().change(SPEC, newPassword(), now);
    },
  },
  'key remove': {
    before: async () => {
      const repository = await createRepository(backend, PASSWORD, signal, { ...cheap, clock });
      const other = await addKey(repository, 'other', signal, cheap);
      return (now) => access().remove(SPEC, other, now);
    },
  },
  unlock: {
    before: async () => {
      const repository = await createRepository(backend, PASSWORD, signal, { ...cheap, clock });
      await repository.lock('shared', signal);
      await repository.lock('shared', signal);
      return (now) => access().unlock(SPEC, 'all', now);
    },
  },
};

/** Nothing is claimed of keys, locks and "config" that is not so. */
async function expectTruth(words: string, before: Record<'keys' | 'locks', readonly string[]>): Promise<void> {
  const [keys, locks, config] = [await stored('keys'), await stored('locks'), await stored('config')];
  const shown = keys.map((id) => id.slice(0, 8));
  for (const [, id] of words.matchAll(/[Kk]ey ([0-9a-f]{8}) is/g)) expect(shown, words).toContain(id);
  for (const [, id] of words.matchAll(/[Kk]ey ([0-9a-f]{8}) was removed/g)) expect(shown, words).not.toContain(id);
  if (/no key was removed|No key was removed/.test(words))
    expect(keys).toEqual(expect.arrayContaining([...before.keys]));
  if (/No key was (saved|changed)/.test(words)) expect(keys, words).toEqual(before.keys);
  if (words.includes('No repository was made')) expect(config).toEqual([]);
  if (words.includes('The repository was made')) expect(config).toHaveLength(1);
  if (words.includes('No lock was removed')) expect(locks).toEqual(before.locks);
  const unlocked = /(\d+) locks? (?:was|were) removed before that/.exec(words)?.[1];
  if (unlocked !== undefined) expect(before.locks.length - locks.length).toBe(Number(unlocked));
  expect(words).toMatch(/^(Key|No|It is unknown|The repository|\d+ lock)/);
}

async function failureOf(act: Act, actSignal = signal): Promise<StillpointError> {
  const outcome = await act(actSignal).catch((error: unknown) => error);
  expect(outcome).toBeInstanceOf(StillpointError);
  return outcome as StillpointError;
}

const CALLS = (['load', 'save', 'remove', 'stat', 'list'] as const).flatMap((on) =>
  (['config', 'keys', 'locks'] as const).map((type) => ({ on, type })),
);

/** The first two calls of each kind that the act makes, each broken before and after its work. */
async function breaksOf(begin: () => Promise<Act>) {
  const act = await begin();
  const counted = CALLS.map((call) => ({ ...call, count: 0 }));
  for (const call of counted) {
    const where: Fault['where'] = ({ type }) => {
      if (type === call.type) call.count += 1;
      return false;
    };
    faults.add({ on: call.on, where, mayStayIdle: true });
  }
  await act(signal);
  return counted.flatMap(({ count, ...call }) =>
    [0, 1].slice(0, count).flatMap((after) => [false, true].map((late) => ({ ...call, late, after }))),
  );
}

test.each(Object.keys(ACTS))(
  '%s, whose store fails at any call, says what is so',
  { timeout: 300_000 },
  async (name) => {
    const said = new Set<string>();
    const begin = ACTS[name]?.before;
    if (begin === undefined) throw new Error('no such act');
    const breaks = await breaksOf(begin);
    for (const { type, ...fault } of breaks) {
      backend = createMemoryBackend();
      faults = new FaultPlan();
      const act = await begin();
      const before = { keys: await stored('keys'), locks: await stored('locks') };
      faults.add({ ...fault, where: (file) => file.type === type, error: failure });
      const outcome = await act(signal).catch((error: unknown) => error);
      if (outcome instanceof Error) {
        expect(outcome).toBeInstanceOf(StillpointError);
        const { advice } = outcome as StillpointError;
        await expectTruth(advice, before);
        said.add(advice.replaceAll(/[0-9a-f]{8}/g, 'ID'));
      } else if (name === 'init') expect(await stored('config')).toHaveLength(1);
    }
    expect(breaks.length).toBeGreaterThan(2);
    expect(said.size).toBeGreaterThan(name === 'unlock' ? 0 : 1);
  },
);

describe('the words', () => {
  const ofKeys: Fault['where'] = (file) => file.type === 'keys';

  test('of an init whose "config" cannot be saved name the key that is left', async () => {
    faults.add({ on: 'save', where: (file) => file.type === 'config', error: failure });
    const { advice } = await failureOf((now) => access().init(SPEC, now));
    const [key = ''] = await stored('keys');
    expect(advice).toBe(
      `No repository was made. Key ${key.slice(0, 8)} is in its folder "keys" and opens nothing. See why.`,
    );
  });

  test('of a change that is cut between the two keys', async () => {
    const act = await ACTS['key change']?.before();
    if (act === undefined) throw new Error('no such act');
    faults.add({ on: 'remove', where: ofKeys, error: failure });
    const { advice } = await failureOf(act);
    expect(advice).toMatch(/^Key [0-9a-f]{8} is saved, and no key was removed\. See why\.$/);
    expect(await stored('keys')).toHaveLength(2);
  });

  test('of a removal of which nobody knows', async () => {
    const act = await ACTS['key remove']?.before();
    if (act === undefined) throw new Error('no such act');
    faults.add({ on: 'remove', where: ofKeys, error: failure, late: true });
    faults.add({ on: 'stat', where: ofKeys, error: failure });
    const { advice } = await failureOf(act);
    expect(advice).toMatch(/^It is unknown whether key [0-9a-f]{8} was removed; list the keys to see\. See why\.$/);
  });

  test('of an unlock that is cancelled in the middle count what it removed', async () => {
    const act = await ACTS['unlock']?.before();
    if (act === undefined) throw new Error('no such act');
    const stop = new AbortController();
    let seen = 0;
    const where: Fault['where'] = ({ type }) => {
      if (type === 'locks' && (seen += 1) === 2) stop.abort(cancelled('The unlock'));
      return false;
    };
    // It looks on and breaks nothing.
    faults.add({ on: 'remove', where, mayStayIdle: true });
    const error = await failureOf(act, stop.signal);
    expect(error).toMatchObject({ code: 'run.cancelled' });
    expect(error.advice).toMatch(/^[12] locks? (was|were) removed before that\./);
    expect(await stored('locks')).toHaveLength(error.advice.startsWith('1') ? 1 : 0);
  });

  test('of a wrong key say that none was removed', async () => {
    await createRepository(backend, PASSWORD, signal, { ...cheap, clock });
    const { advice, code } = await failureOf((now) => access().remove(SPEC, 'ffff', now));
    expect(code).toBe('repository.unknown-key');
    expect(advice).toBe('No key was removed. List the keys to see their ids.');
  });
});
