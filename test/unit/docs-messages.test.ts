/** What the documents show of messages is what the program can print. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { SpokenTexts } from '../support/spoken-texts.ts';

const root = new URL('../../', import.meta.url).pathname;
const spoken = new SpokenTexts([`${root}shared`, `${root}cli`]);
const KEYS = new Set(['message', 'advice', 'reason', 'remedy', 'risks', 'warnings']);

/** Whatever stands under one of the keys in the JSON of a page, whole or a line at a time. */
function messagesIn(page: string): readonly string[] {
  const found = new Set<string>();
  const visit = (value: unknown, key: string): void => {
    if (typeof value === 'string') {
      if (KEYS.has(key)) found.add(value);
    } else if (Array.isArray(value)) {
      for (const item of value) visit(item, key);
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, item] of Object.entries(value)) visit(item, name);
    }
  };
  for (const [, block = ''] of page.matchAll(/```json\n([^]*?)```/g)) {
    const documents = [block, ...block.split('\n')].map(parsed);
    for (const document of documents) visit(document, '');
  }
  return [...found];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

describe('a page shows no message that the program cannot print', () => {
  const pages = readdirSync(`${root}docs`).filter((name) => name.endsWith('.md'));
  test.each(pages)('%s', (name) => {
    const messages = messagesIn(readFileSync(`${root}docs/${name}`, 'utf8'));
    expect(messages.filter((message) => !spoken.canSay(message))).toEqual([]);
  });

  test('the page of the command line shows some', () => {
    expect(messagesIn(readFileSync(`${root}docs/cli.md`, 'utf8')).length).toBeGreaterThan(10);
  });

  test.each([
    'It is a plain partition.',
    'The snapshot overflows if more than 2.0 GiB are written during the run.',
    'Nothing was done. Is it switched on?',
    'it does not bear our',
    'That it does not bear our mark',
  ])('which would find out %j', (text) => {
    expect(spoken.canSay(text)).toBe(false);
  });

  test.each([
    'it does not bear our mark',
    'The snapshot "sp_a" on "db1" filled up while it was being read.',
    'does not match its name, damaged blobs: 1 of 14',
  ])('and lets pass %j', (text) => {
    expect(spoken.canSay(text)).toBe(true);
  });
});
