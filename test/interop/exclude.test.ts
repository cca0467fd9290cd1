/** What a pattern leaves out is what restic leaves out for it: the same tree, the same patterns, restic as the judge. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compileExcludes } from '../../shared/domain/exclude-patterns.ts';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { needing } from '../support/needing.ts';
import { NO_RESTIC, restic, resticOk } from '../support/restic.ts';
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts';
import { createTestRepository } from '../support/test-repository.ts';

const FILES = [
  ...[
    'a',
    'b',
    '!a',
    'foo/f',
    'foo/bar/g',
    'foo/bar/baz/h',
    'foo/.git/x',
    'xay/q',
    'x/y',
    'a+b/k',
    'für/m',
    'cl[ass/n',
  ],
  ...[
    'z/.git',
    'z/foo',
    'sp ace/t',
    'UPPER/low',
    '-dash/-file',
    'tilde~',
    'deep/1/2/3/4/foo',
    'back\\slash/v',
    'star*/w',
    'a.c',
    'abc',
  ],
];

const PATTERNS = [
  ...[
    'foo',
    'foo/',
    '/foo',
    'foo/**',
    '**/foo',
    '*/foo',
    'foo/*',
    'f?r',
    'f[ü]r',
    'f[a-ÿ]r',
    '[!a]',
    '[^a]',
    'x[^a]y',
    'x[+-9]y',
  ],
  ...[
    'x?y',
    'foo//bar',
    './foo',
    'foo/../x',
    '[z-a]',
    'cl\\[ass',
    'foo/**/h',
    '**/h',
    'foo/b**',
    '\\!a',
    '[\\]a]',
    '[a\\-c]',
  ],
  ...[
    '.git',
    '.g*',
    '*',
    '**',
    '**/**',
    'sp ace',
    '*~',
    '[A-Z]*',
    '-*',
    'deep/**/foo',
    'deep/*/*/foo',
    'back\\\\slash',
    'star\\*',
    'a.c',
    'a?c',
  ],
];

describe('with restic', needing(NO_RESTIC), () => {
  let folder: TemporaryFolder;
  let tree: string;
  const repository = (): string => join(folder.path, 'repository');

  beforeAll(async () => {
    folder = await temporaryFolder();
    tree = join(folder.path, 'tree');
    for (const file of FILES) {
      await mkdir(join(tree, file, '..'), { recursive: true });
      await writeFile(join(tree, file), file);
    }
    // Our own, because its key is cheap: restic's costs half a second at each of a hundred calls.
    await (await createTestRepository(createLocalBackend(repository()))).close();
  });
  afterAll(() => folder[Symbol.asyncDispose]());

  const anchored = (pattern: string): string => (pattern.startsWith('/') ? `${tree}${pattern}` : pattern);

  test.each([...PATTERNS, `/**/g`, `/foo/**`, `/foo/*/baz`])('%j', async (raw) => {
    const pattern = anchored(raw);
    const exclude = compileExcludes([pattern]);
    const all = [
      ...new Set(FILES.flatMap((file) => file.split('/').map((_, at, parts) => parts.slice(0, at + 1).join('/')))),
    ];
    const isLeftOut = (path: string): boolean =>
      path
        .split('/')
        .some((_, at, parts) => exclude.matches(Buffer.from(join(tree, parts.slice(0, at + 1).join('/')))));
    // restic leaves nothing to list where the pattern takes the tree itself.
    const takesAll = tree
      .split('/')
      .some((_, at, parts) => at > 0 && exclude.matches(Buffer.from(parts.slice(0, at + 1).join('/'))));
    const made = await restic(repository(), 'backup', '--json', '--exclude', pattern, tree);
    const listed = /"snapshot_id":"(\w+)"/.exec(made.stdout)?.[1];
    const kept = listed === undefined ? '' : await resticOk(repository(), 'ls', listed);
    const inRestic = new Set(kept.split('\n'));
    const expected = all.filter((path) => inRestic.has(join(tree, path)));
    expect(takesAll ? [] : all.filter((path) => !isLeftOut(path))).toEqual(expected);
  });

  test.each(['[a', '[]a]', '[a-]', 'a\\'])('%j is refused by both', async (pattern) => {
    expect(() => compileExcludes([pattern])).toThrow(expect.objectContaining({ code: 'config.invalid' }) as Error);
    expect((await restic(repository(), 'backup', '--exclude', pattern, tree)).exitCode).not.toBe(0);
  });
});
