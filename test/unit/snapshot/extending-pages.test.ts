/** The pages for who adds a storage or an application show the ports as they are. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { pageWithParts } from '../../support/generated-docs.ts';

const ROOT = new URL('../../../', import.meta.url);

/** From the first line that begins so, to the line before the one that begins otherwise; without imports and exports of a value. */
async function part(file: string, from: string, until?: string): Promise<string> {
  const text = await readFile(new URL(file, ROOT), 'utf8');
  const start = text.indexOf(`\n${from}`) + 1;
  const end = until === undefined ? text.length : text.indexOf(`\n${until}`, start);
  if (start === 0 || end < 0) throw new Error(`${file} has no part from "${from}"`);
  return ['```ts', `// ${file}`, text.slice(start, end).trimEnd(), '```'].join('\n');
}

async function comment(file: string, from: string): Promise<string> {
  const text = await readFile(new URL(file, ROOT), 'utf8');
  const start = text.indexOf(` * ${from}`);
  if (start < 0) throw new Error(`${file} does not explain "${from}"`);
  const lines = text.slice(start, text.indexOf(' */', start)).trimEnd().split('\n');
  return ['```', ...lines.map((line) => line.replace(/^ \* ?/, '')), '```'].join('\n');
}

const page = (name: string): URL => new URL(`docs/${name}.md`, ROOT);

test('of the ports', async () => {
  const parts = new Map([
    ['fragment', await part('shared/remote/fragment.ts', 'export interface Fragment<T>', '/** What the joined parts')],
    [
      'provider',
      await part('shared/snapshot/provider.ts', 'export interface SnapshotProvider', 'export interface TakenSnapshot'),
    ],
    [
      'storage',
      await part('shared/snapshot/host/functions.ts', 'export interface StorageFunctions', '/** Everything that'),
    ],
    [
      'capability',
      await part('shared/domain/host.ts', '/** How a snapshot of a volume', '/** What snapshots are taken'),
    ],
    ['mount', await part('shared/domain/host.ts', '/** One line of `/proc/self/mountinfo`', '/** What a volume is.')],
    ['fixture', await part('test/contract/provider.ts', 'export interface ProviderFixture', '/** Many calls')],
    ['kept', await part('shared/snapshot/kept-port.ts', '/** What has the form of a kept name')],
    ['section', await comment('shared/snapshot/critical-section.ts', 'sp_plan KIND ID')],
    ['hook', await part('shared/quiesce/hook.ts', '/** How the host itself lets go')],
  ]);
  await expect(await pageWithParts(page('extending'), parts)).toMatchFileSnapshot(fileURLToPath(page('extending')));
});

test('of the examples', async () => {
  const parts = new Map([
    ['folder-copy', await part('test/support/snapshot/folder-copy.ts', 'import')],
    ['flag-file', await part('test/support/quiesce/flag-file.ts', 'import')],
  ]);
  const file = page('extending-examples');
  await expect(await pageWithParts(file, parts)).toMatchFileSnapshot(fileURLToPath(file));
});
