/** Numbers that the pages state are those of the program. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ANSWER_BYTES, CALLS_AT_ONCE, CALLS_WAITING, PROGRESS_MS, WAIT_SECONDS_MOST } from '../../mcp-server/limits.ts';
import manifest from '../../package.json' with { type: 'json' };
import { jsonSchema } from '../../shared/config/schema.ts';
import { PATIENCE } from '../../shared/repository/backend/patience.ts';
import { inOneLine } from '../support/page-units.ts';

const pageOf = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
const WORDS = new Map([
  [1, 'one'],
  [5, 'five'],
  [8, 'eight'],
  [10, 'ten'],
]);
const word = (number: number): string => WORDS.get(number) ?? String(number);
const minutes = (ms: number): string => `${word(ms / 60_000)} minutes`;
const seconds = (ms: number): string => `${ms / 1000} seconds`;

const { job, question } = PATIENCE;
const [major = '', minor = ''] = manifest.engines.vscode.replace('^', '').split('.');
const node = manifest.engines.node.replace('>=', '');

test.each([
  ['docs/repositories.md', `by a job for up to ${minutes(job.budgetMs)}`],
  ['docs/repositories.md', `for ${seconds(question.budgetMs)} where a person waits for an answer`],
  ['docs/repositories.md', `a job then gives up after ${seconds(job.refusedMs)} in all`],
  [
    'docs/repositories.md',
    `given up after ${minutes(job.silenceMs)} by a job, and after ${seconds(question.silenceMs)}`,
  ],
  ['docs/mcp.md', `longer than ${seconds(question.budgetMs)}, and one that is silent for ${question.silenceMs / 1000}`],
  ['docs/mcp.md', `Lists in answers are cut at about ${ANSWER_BYTES / 1000} kB`],
  ['docs/mcp.md', `Eight calls that reach out to hosts or stores are worked on at a time and ${CALLS_WAITING} wait`],
  ['docs/mcp.md', `waits up to ${WAIT_SECONDS_MOST} seconds`],
  ['docs/mcp.md', `at most ${word(PROGRESS_MS / 1000)} a second`],
  ['docs/extension.md', `It needs VS Code ${major}.${minor} or newer`],
  ['docs/extension.md', `${manifest.name}-${manifest.version}.vsix`],
  ['docs/cli.md', `It needs Node ${node};`],
  ['README.md', `This is version ${manifest.version}`],
  ['README.md', `You need Linux with Node ${node}`],
  ['README.md', `code --install-extension ${manifest.name}-${manifest.version}.vsix`],
])('%s says: %s', (page, words) => {
  expect(inOneLine(pageOf(page))).toContain(words);
});

test('the number that is written as a word is that of the limit', () => {
  expect(word(CALLS_AT_ONCE)).toBe('eight');
});

describe('the keys of a repository in docs/repositories.md', () => {
  interface Bounds {
    readonly minimum?: number;
    readonly maximum?: number;
    readonly description?: string;
  }
  interface Schema {
    readonly properties: Readonly<Record<string, Bounds>>;
  }
  const { repositories } = (jsonSchema() as { properties: { repositories: { additionalProperties: Schema } } })
    .properties;
  const { properties } = repositories.additionalProperties;
  const rows = [...pageOf('docs/repositories.md').matchAll(/^\| ((?:`\w+`(?:, )?)+) \| (.+) \|$/gm)];
  const spaced = (number: number): string => String(number).replaceAll(/\B(?=(\d{3})+$)/g, ' ');
  const cases = rows.flatMap(([, keys = '', meaning = '']) =>
    [...keys.matchAll(/`(\w+)`/g)].map(([, key = '']) => [key, meaning] as const),
  );

  test('are those with limits, and the certificates', () => {
    const numeric = Object.keys(properties).filter((key) => properties[key]?.maximum !== undefined);
    expect(cases.map(([key]) => key).toSorted()).toEqual(['caCertificateFile', ...numeric].toSorted());
  });

  test.each(cases)('%s has the limits of the schema: %s', (key, meaning) => {
    const { minimum, maximum, description = '' } = properties[key] ?? {};
    if (minimum !== undefined && maximum !== undefined) {
      expect(meaning).toContain(`from ${spaced(minimum)} to ${maximum < 10_000 ? maximum : spaced(maximum)}`);
    }
    for (const [, number] of description.matchAll(/(?:Default: |, )(\d+) (?=for)|Default: (\d+);/g)) {
      if (number !== undefined) expect(meaning).toContain(number);
    }
  });
});
