/** Every piece of a configuration that a page shows is one that is understood. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseConfiguration } from '../../../shared/config/configuration.ts';

const ROOT = join(import.meta.dirname, '../../..');
const AROUND = '"repositories": {"main": {"location": "/srv/backup"}}, "hosts": {"db1": {}, "kvm1": {}}';

interface Example {
  readonly page: string;
  readonly text: string;
}

const examples = ['README.md', ...globSync('docs/*.md', { cwd: ROOT })].toSorted().flatMap((page): Example[] =>
  [...readFileSync(join(ROOT, page), 'utf8').matchAll(/```jsonc\n([\s\S]*?)```/g)].map(([, text = '']) => ({
    page,
    text,
  })),
);

/** As a whole configuration: a page shows as little of it as it can. */
function wholeOf(text: string): string {
  const [, key] = /^\s*"(\w+)":/.exec(text) ?? [];
  if (/^\s*\{\s*"of":/.test(text)) return inSource(`"dumps": [${text}]`);
  if (key === undefined) return text;
  if (key === 'hosts') return `{${text}}`;
  return key === 'sources' ? `{${AROUND}, ${text}}` : inSource(text);
}

const inSource = (keys: string): string =>
  `{${AROUND}, "sources": {"shop": {"host": "db1", "repository": "main", "paths": ["/srv"], ${keys}}}}`;

describe('what a page shows of a configuration', () => {
  test.each(examples)('is understood: $page $text', ({ text }) => {
    expect(() => parseConfiguration(wholeOf(text), '/etc/stillpoint.jsonc', '/home/ann')).not.toThrow();
  });

  test('is looked for where it is', () => {
    expect(new Set(examples.map(({ page }) => page))).toContain('docs/configuration.md');
    expect(examples.length).toBeGreaterThan(10);
  });
});
