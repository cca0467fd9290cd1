/** The list of decision records in the README is made from the records. `vitest -u` writes it anew. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { pageWithParts } from '../support/generated-docs.ts';

const RECORDS = new URL('../../docs/decisions/', import.meta.url);

test('the README lists every decision record under its own title', async () => {
  const links = readdirSync(RECORDS)
    .toSorted()
    .map((name, index) => {
      const [, number, title] = /^# (\d+)\. (.+)\n/.exec(readFileSync(new URL(name, RECORDS), 'utf8')) ?? [];
      expect([name.slice(0, 4), number], name).toEqual([String(index + 1).padStart(4, '0'), String(index + 1)]);
      return `[${number} ${title}](docs/decisions/${name})`;
    });
  const page = new URL('../../README.md', import.meta.url);
  const parts = new Map([['decision records', links.join(' ·\n')]]);
  await expect(await pageWithParts(page, parts)).toMatchFileSnapshot(page.pathname);
});
