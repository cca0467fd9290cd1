/**
 * The second half of the suite of backends: a store that is damaged, and calls that go wrong on the way. Every planned
 * fault is counted, and one that did not fire fails its test.
 *
 * What is promised: a file that lost its end is never handed out as the range that was asked for; changed bytes are
 * found by the layer above, because names are hashes; a call that failed for a passing reason is made again with no
 * harm, and one that fails for ever ends with its own error; a signal ends waiting.
 */
import { createHash, randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../shared/base/log.ts';
import type { Backend, FileRef, FileType } from '../../shared/repository/backend/backend.ts';
import { PATIENCE } from '../../shared/repository/backend/patience.ts';
import { withRetries } from '../../shared/repository/backend/retry.ts';
import { checkRepository } from '../../shared/repository/check/check.ts';
import { verifyRepository } from '../../shared/repository/check/verify.ts';
import { type BlobId, blobIdOf } from '../../shared/repository/ids.ts';
import { createRepository, openRepository } from '../../shared/repository/open-repository.ts';
import type { OpenedRepository } from '../../shared/repository/opened-repository.ts';
import type { BackendFixture } from '../support/backend-fixture.ts';
import {
  type Fault,
  FaultPlan,
  type FaultyMethod,
  flippedBit,
  noSpace,
  passing,
  shortRead,
  withFaults,
} from '../support/fault-plan.ts';
import { TestClock } from '../support/test-clock.ts';
import { backUp, CHEAP_KEY, PASSWORD } from '../support/test-repository.ts';

let signal: AbortSignal;
const METHODS: readonly FaultyMethod[] = ['save', 'load', 'stat', 'list', 'remove'];
const TREE = { srv: { one: randomBytes(50_000), two: randomBytes(50_000) } };
const coded = (code: string): unknown => expect.objectContaining({ code });

function aFile(type: FileType = 'data', size = 1000): { readonly file: FileRef; readonly content: Buffer } {
  const content = randomBytes(size);
  return { file: { type, name: createHash('sha256').update(content).digest('hex') }, content };
}

async function names(backend: Backend, type: FileType): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of backend.list(type, signal)) found.push(name);
  return found.toSorted();
}

/** Its locks wait by a clock that takes no time. */
function create(backend: Backend): Promise<OpenedRepository> {
  return createRepository(backend, PASSWORD, signal, { keyCost: CHEAP_KEY, clock: new TestClock() });
}

function open(backend: Backend): Promise<OpenedRepository> {
  return openRepository(backend, PASSWORD, signal, { clock: new TestClock() });
}

/** One call of each kind on a file. */
function call(backend: Backend, on: FaultyMethod, file: FileRef, content: Buffer, until = signal): Promise<unknown> {
  switch (on) {
    case 'save':
      return backend.save(file, [content], until);
    case 'load':
      return backend.load(file, undefined, until);
    case 'stat':
      return backend.stat(file, until);
    case 'remove':
      return backend.remove(file, until);
    case 'list':
      return (async () => {
        for await (const _found of backend.list(file.type, until)) until.throwIfAborted();
      })();
  }
}

export function faultContract(fixture: () => BackendFixture): void {
  beforeEach(() => {
    signal = AbortSignal.timeout(55_000);
  });
  describe('whose store is damaged', () => {
    damagedStore(fixture);
  });
  describe('whose calls go wrong', () => {
    faultyCalls(fixture);
  });
}

function damagedStore(fixture: () => BackendFixture): void {
  /** A repository with one restore point, as another process finds it, and the pack of one of its blobs. */
  async function aRepository(): Promise<{ repository: OpenedRepository; blob: BlobId; pack: FileRef; at: number }> {
    const { backend } = fixture();
    await backUp(await create(backend), TREE);
    const repository = await open(backend);
    await repository.loadIndex(signal);
    const blob = blobIdOf(TREE.srv.one);
    const place = repository.index.find('data', blob);
    if (place === undefined) throw new Error('the blob is in no pack');
    return { repository, blob, pack: { type: 'data', name: place.pack }, at: place.offset };
  }

  /** Changes what is stored, and gives the way back. */
  async function damage(file: FileRef, change: (content: Buffer) => Buffer | undefined): Promise<() => Promise<void>> {
    const { backend } = fixture();
    const whole = await backend.load(file, undefined, signal);
    await fixture().tamper(file, change);
    return async () => {
      // A store need not replace a file that it has.
      await backend.remove(file, signal).catch(() => undefined);
      await backend.save(file, [whole], signal);
    };
  }

  it('says not-found of a file that disappeared', async () => {
    const { backend } = fixture();
    const { file, content } = aFile();
    await backend.save(file, [content], signal);
    await fixture().tamper(file, () => undefined);
    for (const on of ['load', 'stat', 'remove'] as const) {
      await expect(call(backend, on, file, content)).rejects.toEqual(coded('backend.not-found'));
    }
    expect(await names(backend, 'data')).toEqual([]);
  });

  it('never hands out part of a range of a file that lost its end', async () => {
    const { backend } = fixture();
    const { file, content } = aFile('data', 300_000);
    await backend.save(file, [content], signal);
    await fixture().tamper(file, (stored) => stored.subarray(0, 299_999));
    const range = { offset: 1, length: 299_999 };
    await expect(backend.load(file, range, signal)).rejects.toEqual(coded('repository.damaged'));
    expect((await backend.load(file, { offset: 0, length: 299_999 }, signal)).equals(content.subarray(0, -1))).toBe(
      true,
    );
  });

  it('lets changed bytes of an index, a restore point, the configuration and the keys be found', async () => {
    const { backend } = fixture();
    const { repository } = await aRepository();
    const [key = ''] = await names(backend, 'keys');
    for (const change of [flippedBit, shortRead]) {
      for (const type of ['index', 'snapshots'] as const) {
        const [name = ''] = await names(backend, type);
        const mend = await damage({ type, name }, change);
        await expect(repository.files.load(type, name, signal)).rejects.toEqual(coded('repository.damaged'));
        await mend();
      }
      for (const file of [
        { type: 'config', name: '' },
        { type: 'keys', name: key },
      ] as const) {
        const mend = await damage(file, change);
        await expect(open(backend)).rejects.toEqual(coded('repository.damaged'));
        await mend();
      }
    }
    expect((await open(backend)).id).toBe(repository.id);
  });

  it('lets changed bytes of a pack, and a pack that disappeared, be found by reading', async () => {
    const { repository, blob, pack, at } = await aRepository();
    const damages: [(content: Buffer) => Buffer | undefined, RegExp][] = [
      [(content) => flipAt(content, at + 100), /its seal is broken/],
      [(content) => content.subarray(0, at + 10), /the pack is too short/],
      [() => undefined, /the pack is not there/],
    ];
    for (const [change, words] of damages) {
      const mend = await damage(pack, change);
      const wrong = { code: 'repository.damaged', message: expect.stringMatching(words) as string };
      await expect(repository.loadBlob('data', blob, signal)).rejects.toMatchObject(wrong);
      await expect(Array.fromAsync(repository.loadBlobs([blob], signal))).rejects.toMatchObject(wrong);
      expect((await verifyRepository(repository, { signal })).findings.length).toBeGreaterThan(0);
      await mend();
    }
    await expectWhole(fixture().backend);
  });
}

function flipAt(content: Buffer, at: number): Buffer {
  const flipped = Buffer.from(content);
  flipped[at] = (flipped[at] ?? 0) ^ 1;
  return flipped;
}

function faultyCalls(fixture: () => BackendFixture): void {
  function faulty(...faults: readonly Fault[]): { backend: Backend; plan: FaultPlan; clock: TestClock } {
    const plan = new FaultPlan();
    for (const fault of faults) plan.add(fault);
    const clock = new TestClock();
    const backend = withRetries(withFaults(fixture().backend, plan), {
      clock,
      logger: silentLogger,
      policy: PATIENCE.job,
    });
    return { backend, plan, clock };
  }

  /** A file for one call of the kind: there already, but where it is to be saved. */
  async function prepared(on: FaultyMethod): Promise<ReturnType<typeof aFile>> {
    const made = aFile();
    if (on !== 'save') await fixture().backend.save(made.file, [made.content], signal);
    return made;
  }

  async function isThere({ name }: FileRef): Promise<boolean> {
    return (await names(fixture().backend, 'data')).includes(name);
  }

  it('makes calls of every kind again after errors that passed', async () => {
    for (const on of METHODS) {
      const { file, content } = await prepared(on);
      const { backend, plan, clock } = faulty({ on, times: 3, error: passing() });
      await call(backend, on, file, content);
      expect([on, plan.fired(), clock.sleeps.length]).toEqual([on, 3, 3]);
      expect([on, await isThere(file)]).toEqual([on, on !== 'remove']);
    }
  });

  it('lets calls of every kind fail in the end when the error stays', async () => {
    const other = aFile('index');
    await fixture().backend.save(other.file, [other.content], signal);
    for (const on of METHODS) {
      const { file, content } = await prepared(on);
      const { backend, plan, clock } = faulty({ on, times: Infinity, error: passing() });
      await expect(call(backend, on, file, content)).rejects.toEqual(coded('backend.failed'));
      expect([on, plan.fired()]).toEqual([on, clock.sleeps.length + 1]);
      expect(plan.fired()).toBeGreaterThan(5);
      expect([on, await isThere(file)]).toEqual([on, on !== 'save']);
    }
    expect((await fixture().backend.load(other.file, undefined, signal)).equals(other.content)).toBe(true);
  });

  it('lets calls of every kind fail at once when trying again cannot help', async () => {
    for (const on of METHODS) {
      const { file, content } = aFile();
      const { backend, plan, clock } = faulty({ on, times: Infinity, error: noSpace() });
      await expect(call(backend, on, file, content)).rejects.toEqual(coded('backend.no-space'));
      expect([on, plan.fired(), clock.sleeps.length]).toEqual([on, 1, 0]);
    }
  });

  it('makes what was done, and whose answer was lost, again', async () => {
    for (const on of ['save', 'remove'] as const) {
      const { file, content } = await prepared(on);
      const { backend, plan } = faulty({ on, times: 2, error: passing(), late: true });
      // The second removal finds nothing, and that is what was wanted.
      await call(backend, on, file, content);
      expect(plan.fired()).toBeGreaterThan(0);
      expect([on, await isThere(file)]).toEqual([on, on === 'save']);
    }
  });

  it('gives every name once when a listing breaks off in the middle', async () => {
    const files = Array.from({ length: 5 }, () => aFile());
    for (const { file, content } of files) await fixture().backend.save(file, [content], signal);
    const { backend, plan } = faulty({ on: 'list', times: 3, error: passing(), late: true });
    expect(await names(backend, 'data')).toEqual(files.map(({ file }) => file.name).toSorted());
    expect(plan.fired()).toBe(3);
  });

  it('ends calls of every kind that do not answer when the signal fires', async () => {
    for (const on of METHODS) {
      const { file, content } = await prepared(on);
      const { backend, plan } = faulty({ on, slowMs: 50_000 });
      const stop = new AbortController();
      const reason = new Error('stop');
      const asked = call(backend, on, file, content, stop.signal);
      await expect.poll(() => plan.fired()).toBe(1);
      stop.abort(reason);
      await expect(asked).rejects.toBe(reason);
      expect([on, await isThere(file)]).toEqual([on, on !== 'save']);
    }
  });

  it('reads a range again of which less came', async () => {
    const { file, content } = aFile();
    await fixture().backend.save(file, [content], signal);
    const { backend, plan } = faulty({ on: 'load', times: 2, change: shortRead });
    const range = { offset: 100, length: 500 };
    expect((await backend.load(file, range, signal)).equals(content.subarray(100, 600))).toBe(true);
    expect(plan.fired('load')).toBe(2);
    const never = faulty({ on: 'load', times: Infinity, change: shortRead });
    await expect(never.backend.load(file, range, signal)).rejects.toEqual(coded('backend.failed'));
  });

  it.each<[string, (content: Buffer) => Buffer]>([
    ['a flipped bit', flippedBit],
    ['a lost end', shortRead],
  ])('believes nothing that came with %s', async (_fault, change) => {
    await backUp(await create(fixture().backend), TREE);
    const { backend, plan } = faulty();
    const repository = await open(backend);
    await repository.loadIndex(signal);
    const [index = ''] = await names(backend, 'index');
    plan.add({ on: 'load', where: ({ type }) => type === 'index', change });
    await expect(repository.files.load('index', index, signal)).rejects.toEqual(coded('repository.damaged'));
    plan.add({ on: 'load', where: ({ type }) => type === 'data', times: Infinity, change });
    const blob = blobIdOf(TREE.srv.one);
    // A range that is short is asked for again, and again; one of the right length is for the seal and the hash.
    const code = change === shortRead ? 'backend.failed' : 'repository.damaged';
    await expect(repository.loadBlob('data', blob, signal)).rejects.toEqual(coded(code));
    for (const type of ['config', 'keys'] as const) {
      const opening = faulty({ on: 'load', where: (file) => file.type === type, change });
      await expect(open(opening.backend)).rejects.toEqual(coded('repository.damaged'));
    }
  });

  it('backs up through passing errors of every kind, and what it wrote is whole', async () => {
    const { backend, plan } = faulty();
    const repository = await create(backend);
    plan
      .add({ on: 'save', where: ({ type }) => type === 'locks', error: passing() })
      .add({ on: 'save', where: ({ type }) => type === 'data', times: 3, error: passing(), late: true })
      .add({ on: 'save', where: ({ type }) => type === 'index', times: 2, error: passing() })
      .add({ on: 'save', where: ({ type }) => type === 'snapshots', error: passing(), late: true })
      .add({ on: 'remove', where: ({ type }) => type === 'locks', error: passing(), late: true })
      .add({ on: 'list', times: 2, error: passing() })
      .add({ on: 'load', where: ({ type }) => type === 'locks', error: passing() });
    await backUp(repository, TREE);
    expect(plan.fired()).toBeGreaterThanOrEqual(9);
    await expectWhole(fixture().backend);
  });

  it('stands a store that does not list what was saved for a while', async () => {
    await backUp(await create(fixture().backend), { old: 'old' });
    const { backend, plan } = faulty();
    const before = await names(fixture().backend, 'snapshots');
    plan.add({ on: 'list', times: Infinity, hidesNew: true });
    const { file, content } = aFile();
    await backend.save(file, [content], signal);
    // Reading and asking by name sees it at once; only the listing lags.
    expect((await backend.load(file, undefined, signal)).equals(content)).toBe(true);
    expect((await backend.stat(file, signal)).sizeBytes).toBe(content.length);
    expect(await names(backend, 'data')).not.toContain(file.name);
    await backend.remove(file, signal);
    // A second process of the same view: its index lags too, so it may store twice, but never less.
    const point = await backUp(await open(backend), TREE);
    expect(plan.fired('list')).toBeGreaterThan(0);
    const after = await names(fixture().backend, 'snapshots');
    expect(after).toContain(point.id);
    expect(after.length).toBe(before.length + 1);
    await expectWhole(fixture().backend);
  });
}

/** Nothing is missing, nothing differs, and no lock was left. */
async function expectWhole(backend: Backend): Promise<void> {
  const repository = await open(backend);
  await repository.loadIndex(signal);
  const checked = await checkRepository(repository, signal);
  expect(checked.findings).toEqual([]);
  expect((await verifyRepository(repository, { signal })).findings).toEqual([]);
  for (const content of Object.values(TREE.srv)) {
    expect((await repository.loadBlob('data', blobIdOf(content), signal)).equals(content)).toBe(true);
  }
  expect(await names(backend, 'locks')).toEqual([]);
}
