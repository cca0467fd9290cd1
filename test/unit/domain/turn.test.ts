import { expect, test } from 'vitest';
import { renderEvent } from '../../../cli/render/event.ts';
import { eventLines } from '../../../extension/texts/event-lines.ts';
import { eventOf } from '../../../mcp-server/shapes/event.ts';
import type { RunEvent } from '../../../shared/domain/events.ts';
import { turnOf, turnsOfService, turnWords } from '../../../shared/domain/turn.ts';

const event: RunEvent & { type: 'turn-waiting' } = {
  ...{ type: 'turn-waiting', seq: 4, at: '2026-11-30T03:14:05.000Z' },
  ...{ host: 'web1', what: 'MariaDB', run: '0a1b2c3d', by: 'ada@laptop', heldMs: 125_000 },
};

test('says who has it since when, in the same words in each shell', () => {
  const words = 'MariaDB is held by run 0a1b2c3d of ada@laptop since 2026-11-30 03:12 UTC (2 min)';
  expect(turnWords(event, new Date(event.at))).toBe(words);
  const wording = {
    t: (text: string, ...parts: unknown[]) =>
      text.replaceAll(/\{(\d)\}/g, (_, at: string) => String(parts[Number(at)])),
  };
  expect(renderEvent(event, (_, text) => text)).toEqual({ text: `  waiting for "web1": ${words}\n`, trouble: true });
  expect(JSON.stringify(eventOf(event))).toContain(words);
  expect(eventLines(event, 'backup', { ...wording, locale: 'en', timeZone: 'UTC' })).toEqual([
    `03:14:05  Waiting for "web1": ${words}.`,
  ]);
});

test('says no more than it knows', () => {
  const at = new Date(event.at);
  expect(turnWords({ ...event, by: '' }, at)).toMatch(/^MariaDB is held by run 0a1b2c3d since /);
  expect(turnWords({ ...event, run: undefined, by: '', heldMs: 0 }, at)).toMatch(
    /^MariaDB is held by another run since .*\(0 s\)$/,
  );
});

test('has a name of words only, another one for everything else', () => {
  expect(turnOf('zfs', '4711', 'a').name).toBe('zfs:4711');
  const names = ['a b', 'a=20b', 'a%b', 'a\\x2db', 'ä', "a'b", 'a"b', 'a$b', ''].map(
    (what) => turnOf('service', what, 'a').name,
  );
  for (const name of names) expect(name).toMatch(/^[A-Za-z0-9+_.:/=@,-]+$/);
  expect(new Set(names).size).toBe(names.length);
});

test('a service is the same however it is called, and what is paused is what is stopped', () => {
  const names = (name: string, known = ''): readonly string[] =>
    turnsOfService(name, known, 'a').map((turn) => turn.name);
  expect(names('nginx.service')).toEqual(['service:nginx']);
  expect(names('nginx')).toEqual(['service:nginx']);
  expect(names('mysql', 'mariadb.service')).toEqual(['service:mariadb']);
  expect(names('compose:shop')).toEqual(['compose:shop']);
  expect(names('container:db')).toEqual(['container:db']);
  expect(names('container:shop-db-1', 'shop')).toEqual(['container:shop-db-1', 'compose:shop']);
});
