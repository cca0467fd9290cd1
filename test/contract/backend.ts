/**
 * What every backend must do. A new backend is done when it passes this, and not before.
 *
 * To join: write a function that makes a `BackendFixture` on an empty place and call `backendContract('name', make)`
 * in a `*.test.ts` beside this file. The fixture also has a hand on what is really stored (`tamper`), past the backend:
 * the disk behind it, or the store of its test server. The suite then asks, over that backend: the port itself
 * (below), what is found of a store that lost, shortened or changed files, and what becomes of calls that fail, hang
 * and lie on the way (`backend-faults.ts`). Wrappers around a backend pass the same suite.
 */
import { createHash, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isStillpointError } from '../../shared/base/errors.ts';
import type { Backend, FileRef, FileType } from '../../shared/repository/backend/backend.ts';
import type { BackendFixture } from '../support/backend-fixture.ts';
import { faultContract } from './backend-faults.ts';

const TYPES: readonly FileType[] = ['keys', 'index', 'snapshots', 'locks', 'data'];
/** Each test has its own: a file may hold many suites. */
let signal: AbortSignal;

function aFile(type: FileType, size: number): { readonly file: FileRef; readonly content: Buffer } {
  const content = randomBytes(size);
  return { file: { type, name: createHash('sha256').update(content).digest('hex') }, content };
}

async function names(backend: Backend, type: FileType): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of backend.list(type, signal)) found.push(name);
  return found.toSorted();
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no error',
    (error: unknown) => (isStillpointError(error) ? error.code : `foreign: ${String(error)}`),
  );
}

export function backendContract(name: string, make: () => Promise<BackendFixture>): void {
  describe(`${name} backend`, () => {
    let fixture: BackendFixture;
    let backend: Backend;

    beforeEach(async () => {
      signal = AbortSignal.timeout(55_000);
      fixture = await make();
      backend = fixture.backend;
      await backend.prepare(signal);
    });
    afterEach(() => fixture[Symbol.asyncDispose]());

    it('gives back what was saved, of every type', async () => {
      for (const type of TYPES) {
        const { file, content } = aFile(type, 70_000);
        const pieces = [content.subarray(0, 1), content.subarray(1, 65_000), content.subarray(65_000)];
        await backend.save(file, pieces, signal);
        expect((await backend.load(file, undefined, signal)).equals(content)).toBe(true);
        expect(await backend.stat(file, signal)).toEqual({ name: file.name, sizeBytes: content.length });
        expect(await names(backend, type)).toEqual([file.name]);
      }
    });

    it('keeps the configuration as the one file without a name', async () => {
      const file = { type: 'config', name: '' } as const;
      await backend.save(file, [Buffer.from('one')], signal);
      expect((await backend.load(file, undefined, signal)).toString()).toBe('one');
    });

    it('stores an empty file and thousands of small pieces', async () => {
      const empty = aFile('index', 0);
      await backend.save(empty.file, [], signal);
      expect((await backend.load(empty.file, undefined, signal)).length).toBe(0);
      const { file, content } = aFile('data', 5000);
      await backend.save(
        file,
        Array.from(content, (_, index) => content.subarray(index, index + 1)),
        signal,
      );
      expect((await backend.load(file, undefined, signal)).equals(content)).toBe(true);
    });

    it('loads exactly the range', async () => {
      const { file, content } = aFile('data', 100_000);
      await backend.save(file, [content], signal);
      for (const [offset, length] of [
        [0, 1],
        [0, 100_000],
        [99_999, 1],
        [12_345, 54_321],
        [50, 0],
      ] as const) {
        const range = await backend.load(file, { offset, length }, signal);
        expect(range.equals(content.subarray(offset, offset + length))).toBe(true);
      }
    });

    it('refuses a range that the file does not have', async () => {
      const { file, content } = aFile('data', 1000);
      await backend.save(file, [content], signal);
      expect(await codeOf(backend.load(file, { offset: 990, length: 11 }, signal))).toBe('repository.damaged');
      expect(await codeOf(backend.load(file, { offset: 5000, length: 1 }, signal))).toBe('repository.damaged');
    });

    it('hands out memory of its own', async () => {
      const { file, content } = aFile('index', 100);
      await backend.save(file, [content], signal);
      (await backend.load(file, undefined, signal)).fill(0);
      expect((await backend.load(file, undefined, signal)).equals(content)).toBe(true);
    });

    it('says not-found of what is not there', async () => {
      const { file } = aFile('data', 10);
      expect(await codeOf(backend.load(file, undefined, signal))).toBe('backend.not-found');
      expect(await codeOf(backend.stat(file, signal))).toBe('backend.not-found');
      expect(await codeOf(backend.remove(file, signal))).toBe('backend.not-found');
    });

    it('saves the same file twice', async () => {
      const { file, content } = aFile('data', 1000);
      await backend.save(file, [content], signal);
      await backend.save(file, [content], signal);
      expect(await names(backend, 'data')).toEqual([file.name]);
      expect((await backend.load(file, undefined, signal)).equals(content)).toBe(true);
    });

    it('removes one file and no other', async () => {
      const kept = aFile('locks', 10);
      const gone = aFile('locks', 10);
      for (const { file, content } of [kept, gone]) await backend.save(file, [content], signal);
      await backend.remove(gone.file, signal);
      expect(await names(backend, 'locks')).toEqual([kept.file.name]);
    });

    it('lists each type for itself, also while it changes', async () => {
      const files = Array.from({ length: 40 }, () => aFile('data', 20));
      for (const { file, content } of files) await backend.save(file, [content], signal);
      const other = aFile('index', 20);
      await backend.save(other.file, [other.content], signal);
      expect(await names(backend, 'data')).toEqual(files.map(({ file }) => file.name).toSorted());
      for await (const { name: found } of backend.list('data', signal))
        await backend.remove({ type: 'data', name: found }, signal);
      expect(await names(backend, 'data')).toEqual([]);
    });

    it('saves many at once', async () => {
      const files = Array.from({ length: 30 }, () => aFile('data', 3000));
      await Promise.all(files.map(({ file, content }) => backend.save(file, [content], signal)));
      for (const { file, content } of files)
        expect((await backend.load(file, undefined, signal)).equals(content)).toBe(true);
    });

    it('does nothing once the signal has fired', async () => {
      const reason = new Error('stop');
      const stopped = AbortSignal.abort(reason);
      const { file, content } = aFile('data', 10);
      await expect(backend.save(file, [content], stopped)).rejects.toBe(reason);
      expect(await names(backend, 'data')).toEqual([]);
      await backend.save(file, [content], signal);
      await expect(backend.load(file, undefined, stopped)).rejects.toBe(reason);
      await expect(backend.remove(file, stopped)).rejects.toBe(reason);
      expect(await names(backend, 'data')).toEqual([file.name]);
    });

    it('prepares and closes more than once', async () => {
      const { file, content } = aFile('keys', 10);
      await backend.save(file, [content], signal);
      await backend.prepare(signal);
      expect(await names(backend, 'keys')).toEqual([file.name]);
      await backend.close();
      await expect(backend.close()).resolves.toBeUndefined();
    });

    faultContract(() => fixture);
  });
}
