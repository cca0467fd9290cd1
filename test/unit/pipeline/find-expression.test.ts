/**
 * What find passes over changes nothing in a listing: after the selection it is the same as without, for any
 * tree, excludes and places. And it does pass over what it can.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileExcludes } from '../../../shared/domain/exclude-patterns.ts';
import { findExpression } from '../../../shared/pipeline/backup/find-expression.ts';
import { type ListedEntry, PRINT, parseListing } from '../../../shared/pipeline/backup/listing.ts';
import { selection } from '../../../shared/pipeline/backup/select.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const parts = ['a', 'b', 'cc', '[x]', 'st*r', '0', String.raw`back\slash`, '.hidden', 'ü'];
const part = fc.constantFrom(...parts);
const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((list) => list.join('/'));
const pattern = fc.oneof(
  fc
    .array(fc.constantFrom('a', 'b', 'cc', '0', '**', '*', 'c*', '.hidden', 'ü', '?', '[[]x]'), {
      minLength: 1,
      maxLength: 3,
    })
    .map((list) => list.join('/')),
  path.map((text) => `/srv/${text}`),
  path.map((text) => `/srv/${text}/**`),
  fc.constantFrom('/srv/*', '/srv/a/*', '/other/a', 'srv/a', 'tree/a', '**/a', '/srv/**/b', '/', '/srv'),
);

function compiled(patterns: readonly string[]): ReturnType<typeof compileExcludes> {
  return compileExcludes(
    patterns.filter((one) => {
      try {
        compileExcludes([one]);
        return true;
      } catch {
        return false;
      }
    }),
  );
}

async function list(root: string, expression: readonly (string | Buffer)[]): Promise<readonly ListedEntry[]> {
  const args = Buffer.concat([root, '-xdev', ...expression].flatMap((arg) => [Buffer.from(arg), Buffer.from([0])]));
  const { stdout } = await execa('xargs', ['-0', 'find'], { input: args, encoding: 'buffer' });
  async function* once(): AsyncGenerator<Uint8Array> {
    yield stdout;
  }
  return await Array.fromAsync(parseListing(once()));
}

describe('what find passes over', () => {
  test('is a part of what is left out anyway', async () => {
    await using folder = await temporaryFolder();
    let trees = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(path, { minLength: 1, maxLength: 12 }),
        fc.array(pattern, { maxLength: 5 }),
        fc.array(path, { maxLength: 2 }),
        fc.constantFrom('/srv', '/'),
        async (files, patterns, places, at) => {
          trees += 1;
          const root = join(folder.path, `t[${trees}]*`, 'tree');
          for (const file of files) {
            await mkdir(join(root, dirname(file)), { recursive: true }).catch(() => undefined);
            await writeFile(join(root, file), '').catch(() => undefined);
          }
          const exclude = compiled(patterns);
          const mounted = new Set(places.map((place) => Buffer.from(place).toString('latin1')));
          const rules = { root: Buffer.from(at), exclude, mounted };
          const selected = (entries: readonly ListedEntry[]): string[] => {
            const isWanted = selection(rules)();
            return entries.filter((entry) => isWanted(entry)).map((entry) => entry.path.toString('latin1'));
          };
          const expression = findExpression({ path: Buffer.from(at), root: Buffer.from(root), exclude, mounted });
          expect(selected(await list(root, expression))).toEqual(selected(await list(root, PRINT)));
        },
      ),
      { numRuns: 120 },
    );
  });

  test.each([
    ['node_modules', 1],
    ['/srv/deep/cache', 1],
    ['/srv/deep/cache/**', 1],
    ['**/cache', 1],
    ['deep/cache', 1],
    ['*cache', 1],
    ['/srv/*/cache', 4],
  ])('%s costs %i lines of the listing', async (exclude, lines) => {
    await using folder = await temporaryFolder();
    const name = exclude.includes('cache') ? 'cache' : 'node_modules';
    await mkdir(join(folder.path, 'deep', name, 'x'), { recursive: true });
    await writeFile(join(folder.path, 'deep', name, 'x', 'y'), '');
    const order = { path: Buffer.from('/srv'), root: Buffer.from(folder.path), mounted: new Set<string>() };
    const found = await list(folder.path, findExpression({ ...order, exclude: compileExcludes([exclude]) }));
    expect(found.length - 1).toBe(lines);
  });

  test('is what lies below a place where something is mounted, but not the place', async () => {
    await using folder = await temporaryFolder();
    await mkdir(join(folder.path, 'data/pg/hidden'), { recursive: true });
    const order = { path: Buffer.from('/srv'), root: Buffer.from(folder.path), exclude: compileExcludes([]) };
    const found = await list(folder.path, findExpression({ ...order, mounted: new Set(['data/pg']) }));
    expect(found.map((entry) => entry.path.toString())).toEqual(['', 'data', 'data/pg']);
  });
});
