/** Passwords of a repository: adding, changing and removing, and that no crash and no two people leave it without one. */
import { hash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../shared/base/clock.ts';
import { StillpointError } from '../../../shared/base/errors.ts';
import type { Backend } from '../../../shared/repository/backend/backend.ts';
import { checkRepository } from '../../../shared/repository/check/check.ts';
import { addKey, changeKey, listKeys, removeKey } from '../../../shared/repository/keys.ts';
import { createRepository, openRepository } from '../../../shared/repository/open-repository.ts';
import type { OpenedRepository } from '../../../shared/repository/opened-repository.ts';
import { FaultPlan, noSpace, withFaults } from '../../support/fault-plan.ts';
import { createMemoryBackend } from '../../support/stores/memory.ts';
import { CHEAP_KEY, PASSWORD, testSignal } from '../../support/test-repository.ts';

const signal = testSignal();
const cheap = { keyCost: CHEAP_KEY };
/** Locks wait for slow stores; the one in memory is not slow. */
const clock = { ...systemClock, sleep: async () => undefined };
const wrong: unknown = expect.objectContaining({ code: 'repository.wrong-password' });

describe('keys', () => {
  let backend: Backend;
  let repository: OpenedRepository;
  beforeEach(async () => {
    backend = createMemoryBackend();
    repository = await createRepository(backend, PASSWORD, signal, { ...cheap, clock });
  });
  const open = (password: string): Promise<OpenedRepository> => openRepository(backend, password, signal, { clock });
  const ids = async (): Promise<string[]> => (await listKeys(repository, signal)).keys.map(({ id }) => id);

  it('are listed with the one in use, and without anything secret', async () => {
    const added = await addKey(repository, 'second', signal, cheap);
    const { keys, findings } = await listKeys(repository, signal);
    expect(findings).toEqual([]);
    expect(keys.map(({ id, inUse }) => inUse !== (id === added))).toEqual([true, true]);
    for (const key of keys)
      expect(Object.keys(key).toSorted()).toEqual(['created', 'hostname', 'id', 'inUse', 'username']);
    const again = await listKeys(await open('second'), signal);
    expect(again.keys.find(({ inUse }) => inUse)?.id).toBe(added);
  });

  it('all open the same repository', async () => {
    await addKey(repository, 'second', signal, cheap);
    expect((await open('second')).id).toBe(repository.id);
    expect((await open(PASSWORD)).id).toBe(repository.id);
  });

  it('are changed: the new password opens, the old one no longer', async () => {
    const { added, removed } = await changeKey(repository, 'new', signal, cheap);
    expect(await ids()).toEqual([added]);
    expect(removed).not.toBe(added);
    expect((await open('new')).id).toBe(repository.id);
    await expect(open(PASSWORD)).rejects.toEqual(wrong);
    // The repository that is open goes on, and knows which key is its own now.
    await expect(removeKey(repository, added, signal)).rejects.toMatchObject({ code: 'repository.key-in-use' });
  });

  it('are removed by the start of their id, but not the one in use', async () => {
    const added = await addKey(repository, 'second', signal, cheap);
    const [own = ''] = (await ids()).filter((id) => id !== added);
    await expect(removeKey(repository, own, signal)).rejects.toThrow('opened the repository just now');
    await expect(removeKey(repository, 'zz', signal)).rejects.toMatchObject({ code: 'repository.unknown-key' });
    expect(await removeKey(repository, added.slice(0, 12), signal)).toBe(added);
    await expect(open('second')).rejects.toEqual(wrong);
    await expect(removeKey(repository, own, signal)).rejects.toThrow('is its only one');
    expect(await ids()).toEqual([own]);
  });

  it('of an ambiguous start are left alone', async () => {
    await addKey(repository, 'second', signal, cheap);
    await expect(removeKey(repository, '', signal)).rejects.toMatchObject({ code: 'repository.unknown-key' });
    for (let more = 0; more < 16; more += 1) await addKey(repository, `more ${more}`, signal, cheap);
    const all = await ids();
    const shared =
      Array.from('0123456789abcdef').find((digit) => all.filter((id) => id.startsWith(digit)).length > 1) ?? '';
    await expect(removeKey(repository, shared, signal)).rejects.toThrow(/fits \d+ keys/);
    expect((await ids()).length).toBe(18);
  });

  it('are not added beyond what is tried at opening', async () => {
    for (let more = 1; more < 20; more += 1) await addKey(repository, `more ${more}`, signal, cheap);
    await expect(addKey(repository, 'one too many', signal, cheap)).rejects.toThrow('20 keys already');
    await changeKey(repository, 'changed', signal, cheap);
    expect((await open('changed')).id).toBe(repository.id);
  });

  it('two who would remove each other: at least one remains', async () => {
    const second = await addKey(repository, 'second', signal, cheap);
    const other = await open('second');
    const own = repository.parts.keyName;
    await Promise.allSettled([removeKey(repository, second, signal), removeKey(other, own, signal)]);
    expect((await ids()).length).toBeGreaterThan(0);
    // One after the other: who lost its own key may not remove the last one.
    await removeKey(repository, second, signal).catch(() => undefined);
    await removeKey(other, own, signal).catch(() => undefined);
    expect((await ids()).length).toBeGreaterThan(0);
  });

  it.each([
    ['save', 'keys', false],
    ['save', 'keys', true],
    ['load', 'keys', false],
    ['remove', 'keys', false],
    ['remove', 'keys', true],
  ] as const)('that are changed while %s of %s fails (late: %s) leave one that opens', async (on, type, late) => {
    const plan = new FaultPlan();
    const faulty = await openRepository(withFaults(backend, plan), PASSWORD, signal, { clock });
    plan.add({ on, where: (file) => file.type === type, error: noSpace(), late });
    await expect(changeKey(faulty, 'new', signal, cheap)).rejects.toMatchObject({ code: 'backend.no-space' });
    const opened = await Promise.allSettled([open(PASSWORD), open('new')]);
    expect(opened.some(({ status }) => status === 'fulfilled')).toBe(true);
  });

  it('cost no less to guess than the one in use, and no less than that of a new repository', async () => {
    const costOf = async (name: string): Promise<unknown> => {
      const content = await backend.load({ type: 'keys', name }, undefined, signal);
      const { N, r, p } = JSON.parse(content.toString()) as Record<string, unknown>;
      return { N, r, p };
    };
    expect(await costOf(await addKey(repository, 'usual', signal))).toEqual({ N: 32768, r: 8, p: 1 });
    await changeKey(repository, 'dear', signal, { keyCost: { N: 32768, r: 8, p: 2 } });
    expect(await costOf(await addKey(repository, 'as dear', signal))).toEqual({ N: 32768, r: 8, p: 2 });
  });

  it('that are damaged are told and do not hide the others', async () => {
    await backend.save({ type: 'keys', name: 'ab'.repeat(32) }, [Buffer.from('noise')], signal);
    const { keys, findings } = await listKeys(repository, signal);
    expect(keys.length).toBe(1);
    expect(findings.map(({ affects }) => affects)).toEqual([['ab'.repeat(32)]]);
  });

  it('with an empty password are refused', async () => {
    await expect(addKey(repository, '', signal, cheap)).rejects.toThrow('empty');
    await expect(changeKey(repository, '', signal, cheap)).rejects.toThrow('empty');
    expect((await ids()).length).toBe(1);
  });
});

describe('a key file that is odd', () => {
  const content = (): Record<string, unknown> => ({
    created: '2024-01-02T03:04:05Z',
    username: 'ada',
    hostname: 'h',
    kdf: 'scrypt',
    ...CHEAP_KEY,
    salt: Buffer.alloc(64, 1).toString('base64'),
    data: Buffer.alloc(128, 2).toString('base64'),
  });
  const odd: readonly (readonly [string, Buffer])[] = [
    ...[
      { N: 2 ** 40 },
      { N: 12 },
      { N: -16 },
      { N: 1 },
      { N: 2 ** 17, r: 1 },
      { N: 1.5 },
      { r: 2 ** 30 },
      { r: 2 ** 20, p: 2 ** 12 },
      { p: 2 ** 40 },
      { N: 2 ** 20, r: 8, p: 1000 },
      { N: '16' },
      { N: null },
      { N: 18446744073709552000 },
      { salt: '' },
      { salt: '%%%' },
      { data: '' },
      { created: '2024-13-01T00:00:00Z' },
      { kdf: 'argon2' },
    ].map((change) => [JSON.stringify(change), Buffer.from(JSON.stringify({ ...content(), ...change }))] as const),
    [
      'a number of 64 bits',
      Buffer.from(JSON.stringify({ ...content(), N: 0 }).replace('"N":0', '"N":9223372036854775808')),
    ],
    ['no object', Buffer.from('[]')],
    ['nothing', Buffer.alloc(0)],
    ['no text', Buffer.from('ff00ff', 'hex')],
    ['levels of brackets', Buffer.from('['.repeat(100_000))],
    ['two megabytes', Buffer.alloc(2 * 1024 ** 2, ' ')],
  ];

  it.each(odd)('shuts nobody out, and is named: %s', async (_, bytes) => {
    const backend = createMemoryBackend();
    await createRepository(backend, PASSWORD, signal, { ...cheap, clock });
    for (const first of ['00', 'ff']) {
      const name = first + hash('sha256', bytes, 'hex').slice(2);
      await backend.save({ type: 'keys', name }, [bytes], signal);
    }
    const repository = await openRepository(backend, PASSWORD, signal, { clock });
    expect((await listKeys(repository, signal)).keys.filter(({ inUse }) => inUse)).toHaveLength(1);
    const { findings } = await checkRepository(repository, signal);
    expect(findings.filter(({ message }) => message.includes('key '))).toHaveLength(2);
    const wrong: unknown = await openRepository(backend, 'wrong', signal, { clock }).catch((error: unknown) => error);
    expect(wrong).toMatchObject({
      code: 'repository.damaged',
      message: expect.stringContaining('opens no key') as string,
    });
  });

  it('shuts nobody out by its number: the dear ones come last, and so many are no reason to give up', async () => {
    const backend = createMemoryBackend();
    await createRepository(backend, PASSWORD, signal, { ...cheap, clock });
    for (let n = 0; n < 300; n++) {
      const bytes = Buffer.from(JSON.stringify({ ...content(), N: n < 4 ? 2 ** 20 : 8, username: String(n) }));
      await backend.save({ type: 'keys', name: `00${hash('sha256', bytes, 'hex').slice(2)}` }, [bytes], signal);
    }
    expect((await openRepository(backend, PASSWORD, signal, { clock })).parts.keyName).toMatch(/^[0-9a-f]{64}$/);
  });

  it('shuts nobody out where it cannot be read, and is said where it may be the one', async () => {
    const inner = createMemoryBackend();
    await createRepository(inner, PASSWORD, signal, { ...cheap, clock });
    const name = '00'.repeat(32);
    await inner.save({ type: 'keys', name }, [Buffer.from('{}')], signal);
    for (const code of ['backend.denied', 'backend.failed'] as const) {
      const backend = unreadable(inner, name, code);
      const repository = await openRepository(backend, PASSWORD, signal, { clock });
      expect((await listKeys(repository, signal)).findings.map(({ affects }) => affects)).toEqual([[name]]);
      const { findings } = await checkRepository(repository, signal);
      expect(findings.map(({ message }) => message)).toEqual([expect.stringContaining('the disk says no')]);
      await expect(openRepository(backend, 'wrong', signal, { clock })).rejects.toMatchObject({ code });
    }
  });

  it('shuts nobody out where it is the key of another repository with the same password', async () => {
    const backend = createMemoryBackend();
    const other = createMemoryBackend();
    const { parts } = await createRepository(other, PASSWORD, signal, { ...cheap, clock });
    const bytes = await other.load({ type: 'keys', name: parts.keyName }, undefined, signal);
    const own = await createRepository(backend, PASSWORD, signal, { ...cheap, keyCost: { N: 64, r: 1, p: 1 }, clock });
    await backend.save({ type: 'keys', name: parts.keyName }, [bytes], signal);
    const opened = await openRepository(backend, PASSWORD, signal, { clock });
    expect(opened.id).toBe(own.id);
    expect(opened.parts.keyName).toBe(own.parts.keyName);
  });
});

function unreadable(inner: Backend, name: string, code: 'backend.denied' | 'backend.failed'): Backend {
  return {
    properties: inner.properties,
    packFolders: inner.packFolders?.bind(inner),
    load: (file, range, abort) =>
      file.name === name
        ? Promise.reject(
            new StillpointError(code, 'The key is not read: the disk says no.', { advice: '', cause: undefined }),
          )
        : inner.load(file, range, abort),
    stat: (file, abort) => inner.stat(file, abort),
    list: (type, abort) => inner.list(type, abort),
    prepare: (abort) => inner.prepare(abort),
    save: (file, bytes, abort) => inner.save(file, bytes, abort),
    remove: (file, abort) => inner.remove(file, abort),
    close: () => inner.close(),
    [Symbol.asyncDispose]: () => inner.close(),
  };
}
