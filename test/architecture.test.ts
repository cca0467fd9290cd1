/**
 * Holds the layers, doors and sizes of the house over the real sources, and shows that the law bites: each rule is
 * seen to refuse a planted break, and to allow its lawful neighbour.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { describe, expect, test } from 'vitest';
import { choicesIn, strayChoices } from './support/choices-by-kind.ts';
import { claimsIn, strayClaims } from './support/claimed-consequences.ts';
import { findViolations, MAX_LINES, PRODUCT_FOLDERS } from './support/house-law.ts';
import { readModuleFacts } from './support/module-facts.ts';
import { strayStorageWords } from './support/storage-words.ts';

const ROOT = join(import.meta.dirname, '..');

function readSources(folder: string): [path: string, text: string][] {
  let names: string[];
  try {
    names = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return names
    .filter((name) => name.endsWith('.ts'))
    .map((name) => [join(folder, name).replaceAll(sep, '/'), readFileSync(join(ROOT, folder, name), 'utf8')]);
}

describe('the sources', () => {
  const sources = new Map([...PRODUCT_FOLDERS, 'bench', 'test', '.ci'].flatMap(readSources));

  test('keep the law of the house', () => {
    expect(findViolations(sources)).toEqual([]);
  });

  test('leave it to the end of a job to say what the end means', () => {
    const products = [...sources].filter(([path]) => PRODUCT_FOLDERS.some((folder) => path.startsWith(`${folder}/`)));
    expect(strayClaims(new Map(products))).toEqual([]);
  });

  test('choose by the kind of a job in its definition and in one table of each shell alone', () => {
    const products = [...sources].filter(([path]) => PRODUCT_FOLDERS.some((folder) => path.startsWith(`${folder}/`)));
    expect(strayChoices(new Map(products))).toEqual([]);
  });

  test('know no storage by name outside of its own folder', () => {
    const products = [...sources].filter(([path]) => PRODUCT_FOLDERS.some((folder) => path.startsWith(`${folder}/`)));
    expect(strayStorageWords(new Map(products))).toEqual([]);
    const planted = new Map([
      ['shared/snapshot/lvm/a.ts', '// lvcreate'],
      ['shared/snapshot/btrfs/a.ts', '// a subvolume'],
      ['shared/snapshot/host/a.ts', 'const a = 1;\n// lvcreate'],
      ['cli/a.ts', "'the volume group'"],
    ]);
    expect(strayStorageWords(planted)).toEqual([
      'shared/snapshot/host/a.ts:2 // lvcreate',
      "cli/a.ts:1 'the volume group'",
    ]);
  });

  test('were really read', () => {
    const files = [...sources.keys()].filter((path) => path.startsWith('shared/'));
    expect(files.length).toBeGreaterThan(10);
    const imports = files.flatMap((path) => readModuleFacts(path, sources.get(path) ?? '').imports);
    expect(imports.length).toBeGreaterThan(files.length / 2);
  });
});

/** Files that a sample may import; each keeps the law by itself. */
const NEIGHBOURS = [
  'shared/base/errors.ts',
  'shared/domain/host.ts',
  'shared/config/load.ts',
  'shared/remote/transport.ts',
  'shared/tar/reader.ts',
  'shared/snapshot/provider.ts',
  'shared/repository/repository.ts',
  'shared/repository/format/tree.ts',
  'shared/pipeline/backup.ts',
  'shared/jobs/store.ts',
  'shared/stillpoint.ts',
  'cli/main.ts',
  'mcp-server/main.ts',
  'extension/activate.ts',
  'bench/main.ts',
  'test/support/tree.ts',
];

function judge(path: string, text: string): string[] {
  return findViolations(new Map([...NEIGHBOURS.map((name) => [name, 'export const x = 1;\n'] as const), [path, text]]));
}

describe('the law refuses', () => {
  test.each<[name: string, path: string, text: string, complaint: string]>([
    ['a room above', 'shared/base/a.ts', `import { x } from '../domain/host.ts';`, 'a room above its own'],
    ['a room beside', 'shared/snapshot/a.ts', `import { x } from '../repository/repository.ts';`, 'a room beside'],
    ['tar beside remote', 'shared/tar/a.ts', `import { x } from '../remote/transport.ts';`, 'a room beside'],
    ['a type of a room above', 'shared/remote/a.ts', `import type { x } from '../jobs/store.ts';`, 'a room above'],
    ['import() in a type', 'shared/remote/a.ts', `export type T = import('../jobs/store.ts').x;`, 'a room above'],
    ['a dynamic import', 'shared/remote/a.ts', `export const m = import('../jobs/store.ts');`, 'a room above'],
    ['a re-export', 'shared/remote/a.ts', `export { x } from '../jobs/store.ts'; export const y = 1;`, 'a room above'],
    ['a require', 'shared/remote/a.ts', `export const m = createRequire(u)('../jobs/store.ts');`, 'a room above'],
    ['a computed import', 'shared/remote/a.ts', 'export const m = import(name);', 'name is computed'],
    ['the façade from inside', 'shared/jobs/a.ts', `import { x } from '../stillpoint.ts';`, 'a room above'],
    ['a shell in the core', 'shared/jobs/a.ts', `import { x } from '../../cli/main.ts';`, 'does not know its shells'],
    ['a test in the product', 'shared/jobs/a.ts', `import { x } from '../../test/support/tree.ts';`, 'not part of'],
    ['the engine in a shell', 'extension/a.ts', `import { x } from '../shared/pipeline/backup.ts';`, 'shells see'],
    ['another shell', 'cli/a.ts', `import { x } from '../mcp-server/main.ts';`, 'do not know each other'],
    [
      'the format in a verb',
      'shared/pipeline/a.ts',
      `import { x } from '../repository/format/tree.ts';`,
      'their ports',
    ],
    ['a type of it', 'shared/facade/a.ts', `export type T = import('../repository/format/tree.ts').x;`, 'their ports'],
    ['the format in a port', 'shared/repository/node.ts', `import { x } from './format/tree.ts';`, 'a port does not'],
    ['an unknown room', 'shared/misc/a.ts', 'export const a = 1;', 'no room of shared/'],
    ['ssh2 outside its room', 'shared/remote/a.ts', `import { Client } from 'ssh2';`, '"ssh2", whose door'],
    ['a type of ssh2', 'shared/pipeline/a.ts', `export type C = import('ssh2').Client;`, '"ssh2", whose door'],
    ['a process', 'shared/snapshot/a.ts', `import { spawn } from 'node:child_process';`, '"node:child_process"'],
    ['execa', 'cli/a.ts', `import { execa } from 'execa';`, '"execa", whose door'],
    ['zod inside', 'shared/pipeline/a.ts', `import { z } from 'zod';`, '"zod", whose door'],
    ['the editor in the core', 'shared/base/a.ts', `import type { Uri } from 'vscode';`, '"vscode", whose door'],
    ['MCP in the core', 'shared/jobs/a.ts', `import '@modelcontextprotocol/server/stdio';`, '/server", whose door'],
    ['an unlisted package', 'shared/base/a.ts', `import _ from 'lodash';`, '"lodash", which has no door'],
    ['a default export', 'cli/a.ts', 'export default 1;', 'default export'],
    ['an export named default', 'cli/a.ts', 'const a = 1; export { a as default };', 'default export'],
    ['export *', 'cli/a.ts', `export * from './main.ts'; export const a = 1;`, 're-exports everything'],
    ['an index file', 'cli/index.ts', 'export const a = 1;', 'is a barrel'],
    ['a barrel by another name', 'cli/all.ts', `export { x } from './main.ts';`, 'is a barrel'],
    ['an import without .ts', 'cli/a.ts', `import { x } from './main';`, 'does not end in .ts'],
    ['a missing file', 'cli/a.ts', `import { x } from './gone.ts';`, 'not there'],
    ['a long file', 'test/unit/a.test.ts', 'let a;\n'.repeat(MAX_LINES + 1), `has ${MAX_LINES + 1} lines`],
    ['a broken file', 'cli/a.ts', 'export const = ;', 'cannot be parsed'],
  ])('%s', (_name, path, text, complaint) => {
    const violations = judge(path, text);
    expect(violations).toHaveLength(1);
    expect(violations[0]).toContain(complaint);
  });

  test('a cycle, even of types', () => {
    const files = new Map([
      ['shared/remote/a.ts', `import { b } from './b.ts'; export const a = b;`],
      ['shared/remote/b.ts', `import type { c } from './c.ts'; export const b: typeof c = 1;`],
      ['shared/remote/c.ts', `export type T = typeof import('./a.ts'); export const c = 1;`],
    ]);
    expect(findViolations(files)).toEqual([
      'shared/remote/a.ts → shared/remote/b.ts → shared/remote/c.ts → shared/remote/a.ts is a cycle',
    ]);
  });
});

describe('the law allows', () => {
  test.each<[name: string, path: string, text: string]>([
    ['a lower layer', 'shared/repository/a.ts', `import { x } from '../domain/host.ts'; export const a = x;`],
    ['the own room', 'shared/repository/a.ts', `import { x } from './repository.ts'; export const a = x;`],
    [
      'a port in a verb',
      'shared/pipeline/a.ts',
      `import { x } from '../repository/repository.ts'; export const a = x;`,
    ],
    [
      'the format in its room',
      'shared/repository/prune/a.ts',
      `import { x } from '../format/tree.ts'; export const a = x;`,
    ],
    [
      'the format where trees are written',
      'shared/pipeline/backup/root-tree.ts',
      `import { x } from '../../repository/format/tree.ts'; export const a = x;`,
    ],
    ['a room under the façade', 'shared/stillpoint.ts', `import { x } from './jobs/store.ts'; export const a = x;`],
    ['the façade in a shell', 'cli/a.ts', `import { x } from '../shared/stillpoint.ts'; export const a = x;`],
    ['domain in a shell', 'extension/a.ts', `import { x } from '../shared/domain/host.ts'; export const a = x;`],
    ['ssh2 in its room', 'shared/remote/ssh/a.ts', `import { Client } from 'ssh2'; export const a = Client;`],
    ['zod in records', 'shared/snapshot/lvm/records.ts', `import { z } from 'zod'; export const a = z;`],
    ['node modules', 'shared/base/a.ts', `import { join } from 'node:path'; export const a = join;`],
    ['the engine in a test', 'test/unit/a.test.ts', `import { x } from '../../shared/jobs/store.ts'; use(x);`],
  ])('%s', (_name, path, text) => {
    expect(judge(path, text)).toEqual([]);
  });
});

describe('a claim of what an end means', () => {
  const claims = (text: string): readonly string[] =>
    claimsIn('shared/remote/a.ts', `export const a = ${text};`).map(({ sentence }) => sentence);

  test.each([
    ["'Nothing was started. Look at the host.'", 'Nothing was started.'],
    ["'It has no room. Nothing in the repository was changed.'", 'Nothing in the repository was changed.'],
    ["'No restore point was saved.'", 'No restore point was saved.'],
    ["'Earlier restore points are whole. Make room.'", 'Earlier restore points are whole.'],
    ['`The snapshot "${name}" was removed.`', 'The snapshot "…" was removed.'],
    ["{ advice: isOld ? 'Wait.' : 'The old keys are as they were.' }", 'The old keys are as they were.'],
    ["f('This step was not started.')", 'This step was not started.'],
    ["'It failed and changed nothing.'", 'It failed and changed nothing.'],
    ["'The repository stays as it was.'", 'The repository stays as it was.'],
  ])('is found in %s', (text, sentence) => {
    expect(claims(text)).toEqual([sentence]);
  });

  test.each([
    "'There is no room left.'",
    "'LVM may be told there to change nothing.'",
    "'The restore point is not whole.'",
    "'Run it again when the host can be reached.'",
    '`nothing was removed\nrm -f x\n`',
  ])('is not found in %s', (text) => {
    expect(claims(text)).toEqual([]);
  });
});

describe('a choice by the kind of a job', () => {
  const choices = (text: string): readonly string[] => choicesIn('shared/jobs/a.ts', text);

  test.each([
    [`switch (request.kind) { case 'sweep': f(); }`, 'switch (request.kind)'],
    [`if (request.kind === 'backup') f();`, `request.kind === 'backup'`],
    [`const is = 'copy' !== job.request.kind;`, `'copy' !== job.request.kind`],
    [`const is = ['check', 'verify'].includes(kind);`, `['check', 'verify']`],
    [`const words = { prune: 1, 'repair': 2, other: 3, sweep: 4 };`, '{ prune, repair, sweep }'],
  ])('is found in %s', (text, choice) => {
    expect(choices(text)).toEqual([choice]);
  });

  test.each([
    `if (event.phase === 'restore') f();`,
    `switch (scope.part) { case 'index': f(); }`,
    `const report = { kind: 'sweep', removed, kept };`,
    `const plan = { forget, prune, keep };`,
    `const words = ['backup', source];`,
  ])('is not found in %s', (text) => {
    expect(choices(text)).toEqual([]);
  });
});
