/** What had come of a tree, as another process believes it. */
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { NodeRest } from '../../../../shared/pipeline/backup/node.ts';
import { AppendedFile } from '../../../../shared/pipeline/resume/appended-file.ts';
import { type ArrivedTree, openArrivedTree } from '../../../../shared/pipeline/resume/arrived.ts';
import { blobIdOf } from '../../../../shared/repository/ids.ts';
import type { SaidId } from '../../../../shared/snapshot/host/run-folder.ts';
import { type TemporaryFolder, temporaryFolder } from '../../../support/temporary-folder.ts';

let folder: TemporaryFolder;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder[Symbol.asyncDispose]());

const id = (text: string) => blobIdOf(Buffer.from(text));
const place = (at: number, path: string) => ({ at, path: Buffer.from(path, 'latin1') });
const SAID = '0a1b2c3d' as SaidId;
const OTHER = '99999999' as SaidId;

/** Notes that a process left, and how the next one finds them. */
async function noted(note: (tree: ArrivedTree) => void, file = 'notes'): Promise<string> {
  const path = join(folder.path, file);
  await using into = new AppendedFile(path);
  const tree = await openArrivedTree(into, []);
  note(tree);
  // What is noted later stands behind all that came before.
  const last = Promise.withResolvers<undefined>();
  tree.came(place(1e6, 'last'), last.promise);
  last.resolve(undefined);
  await new Promise((resolve) => setTimeout(resolve, 20));
  return path;
}
const found = async (said: Readonly<Record<string, string>>, ...files: readonly string[]) => {
  const notes = files.map((file) => ({ file, said: (each: SaidId) => Promise.resolve(said[each]) }));
  return await openArrivedTree(new AppendedFile(join(folder.path, 'next')), notes);
};
const find = (tree: ArrivedTree, at: number, path: string) =>
  tree.find(place(at, path), Buffer.from(`./${path}`, 'latin1'));

const REST: NodeRest = {
  content: [id('a'), id('b')],
  extendedAttributes: [{ name: 'user.x', value: Buffer.from([0, 0xff]) }],
  device: 12345678901234567890n,
};

test('what came is found where it was listed, with all that is known of it, and nothing else is', async () => {
  const file = await noted((tree) => {
    tree.begin(SAID);
    tree.came(place(1, 'a'), Promise.resolve({}));
    tree.came(place(3, '\xe9\n"'), new Promise((resolve) => setTimeout(() => resolve(REST), 5)));
    tree.came(place(5, 'lost'), Promise.reject(new Error('it was not stored')));
    tree.came(place(6, 'c'), Promise.resolve({ content: [] }));
  });
  const tree = await found({ [SAID]: '' }, file);
  expect(await find(tree, 0, 'before')).toBeUndefined();
  expect(await find(tree, 1, 'a')).toEqual({});
  expect(await find(tree, 2, 'between')).toBeUndefined();
  expect(await find(tree, 3, '\xe9\n"')).toEqual(REST);
  expect(await find(tree, 5, 'lost')).toBeUndefined();
  expect(await find(tree, 6, 'c')).toEqual({ content: [] });
});

test('another name at its place is not it, and does not hide what follows', async () => {
  const file = await noted((tree) => {
    tree.begin(SAID);
    tree.came(place(1, 'a'), Promise.resolve({}));
    tree.came(place(2, 'b'), Promise.resolve({}));
  });
  const tree = await found({ [SAID]: '' }, file);
  expect(await find(tree, 1, 'z')).toBeUndefined();
  expect(await find(tree, 2, 'b')).toEqual({});
});

test.for([
  ['named by tar', 'tar: ./a: Read error at byte 0, while reading 512 bytes: Input/output error\n', [undefined, {}]],
  ['of a stream of which more is said than can be explained', 'tar: what is this\n', [undefined, undefined]],
  ['of a stream that was ended', 'tar: Error is not recoverable: exiting now\n', [{}, {}]],
  ['of a stream that never began', undefined, [undefined, undefined]],
] as const)('what is %s is believed no more than that', async ([, said, expected]) => {
  const file = await noted((tree) => {
    tree.begin(SAID);
    tree.came(place(1, 'a'), Promise.resolve({}));
    tree.came(place(2, 'b'), Promise.resolve({}));
    tree.begin(OTHER);
    tree.came(place(3, 'c'), Promise.resolve({}));
  });
  const tree = await found({ ...(said === undefined ? {} : { [SAID]: said }), [OTHER]: '' }, file);
  expect([await find(tree, 1, 'a'), await find(tree, 2, 'b')]).toEqual(expected);
  expect(await find(tree, 3, 'c')).toEqual({});
});

test('a line that is torn ends what is known', async () => {
  const file = await noted((tree) => tree.came(place(1, 'a'), Promise.resolve({})));
  await appendFile(file, '{"at":2,"pa');
  const tree = await found({}, file);
  expect(await find(tree, 1, 'a')).toEqual({});
  expect(await find(tree, 2, 'b')).toBeUndefined();
});

test('of a large file the parts are found in order, and what another process knows better counts', async () => {
  const head = { rest: REST, sparse: Float64Array.of(0, 5) };
  const part = (text: string, endsAt: number) => Promise.resolve({ ids: [id(text)], endsAt });
  const first = await noted((tree) => {
    tree.begin(SAID);
    tree.part(place(4, 'f'), head, part('1', 10));
    tree.part(place(4, 'f'), head, part('2', 20));
  }, 'first');
  const second = await noted((tree) => {
    tree.begin(SAID);
    tree.part(place(4, 'f'), head, part('1', 10));
  }, 'second');
  const third = await noted((tree) => {
    tree.begin(SAID);
    tree.came(place(4, 'f'), Promise.resolve(REST));
  }, 'third');
  const { content: _, ...rest } = REST;
  expect(await find(await found({ [SAID]: '' }, first, second), 4, 'f')).toEqual({
    ...{ rest, sparse: head.sparse },
    parts: [
      { ids: [id('1')], endsAt: 10 },
      { ids: [id('2')], endsAt: 20 },
    ],
  });
  expect(await find(await found({ [SAID]: '' }, first, third), 4, 'f')).toEqual(REST);
  const doubted = 'tar: ./f: Read error at byte 0, while reading 512 bytes: Input/output error\n';
  expect(await find(await found({ [SAID]: doubted }, first, third), 4, 'f')).toBeUndefined();
});
