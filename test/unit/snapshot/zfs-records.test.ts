import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseDatasets, parseMountpoints, parseOwn, parsePool } from '../../../shared/snapshot/zfs/records.ts';
import { listDatasets } from '../../../shared/snapshot/zfs/survey-command.ts';
import { parsed } from './fixtures.ts';

/** What ZFS of these versions said of a pool with a dataset of each kind, one device of whose mirror was taken away. */
const FOLDER = join(import.meta.dirname, 'fixtures', 'zfs');
const said = (version: string, what: string): string =>
  readFileSync(join(FOLDER, version, what), 'latin1').replace(/\n$/, '');
const [newest = ''] = readdirSync(FOLDER).toSorted().reverse();

describe.each(readdirSync(FOLDER))('what ZFS %s says', (version) => {
  test('of a pool is read', () => {
    expect(parsePool(said(version, 'pool'))).toMatchObject({ name: 'pond', health: 'DEGRADED', isReadOnly: false });
  });

  test('of datasets is read, whatever is odd about them', () => {
    const found = parseDatasets(said(version, 'datasets'));
    const byName = new Map(found.map((each) => [each.name, each]));
    expect([...byName.keys()].toSorted()).toEqual([
      ...['pond', 'pond/by-hand', 'pond/legacy', 'pond/limited', 'pond/locked', 'pond/odd', 'pond/off', 'pond/on'],
      ...['pond/secret', 'pond/with blank'],
    ]);
    expect(byName.get('pond/locked')).toMatchObject({ isMounted: false, isKeyMissing: true });
    expect(byName.get('pond/secret')).toMatchObject({ isMounted: true, isKeyMissing: false });
    expect(byName.get('pond/by-hand')).toMatchObject({ isMounted: false, canMount: 'noauto' });
    expect(byName.get('pond/limited')).toMatchObject({ quotaBytes: 64 * 1024 ** 2, refquotaBytes: 32 * 1024 ** 2 });
  });

  test('of places is read by guid, and a line break in one makes no other', () => {
    const guids = new Map(parseDatasets(said(version, 'datasets')).map(({ name, guid }) => [guid, name]));
    const places = parseMountpoints(said(version, 'mountpoints'));
    const known = [...places].flatMap(([guid, place]) => (guids.has(guid) ? [[guids.get(guid), place]] : []));
    expect(Object.fromEntries(known)).toMatchObject({
      'pond/with blank': '/srv/pond/with blank',
      'pond/locked': '/srv/pond/locked',
    });
    expect(known.map(([name]) => name)).not.toContain('pond/legacy');
  });
});

describe('an answer in another form', () => {
  const datasets = said(newest, 'datasets');

  test.each([
    ['a column is missing', datasets.replace(/\t[^\t]*$/m, '')],
    ['there is one more', datasets.replace(/$/m, '\tx')],
    ['a number is none', datasets.replace(/\t\d+\t/, '\t1.5K\t')],
    ['a word is not known', datasets.replace('\tyes\t', '\tperhaps\t')],
    ['a name is none', datasets.replace('pond', '-pond')],
  ])('is not read: %s', (_, text) => {
    expect(() => parseDatasets(text)).toThrow(/a dataset is described in another form/);
  });

  test('of places leaves out what is not clear', () => {
    expect([...parseMountpoints('1\t/a\n2\t/b\nc\n3\t/d\n1\t/e\n4\tlegacy')]).toEqual([['3', '/d']]);
  });

  test('of snapshots is not read', () => {
    const line = 'object zfs 0123abcd 00112233aabb tank/a=b@sp_0123abcd_00000000';
    expect(parseOwn(`${line}\nunread the pool x\tits state is SUSPENDED\n`)).toEqual([
      { run: '0123abcd', owner: '00112233aabb', id: 'tank/a=b@sp_0123abcd_00000000' },
    ]);
    expect(() => parseOwn(`${line} more`)).toThrow(/a snapshot is described in another form/);
  });
});

describe('the answer of a host', () => {
  const seen = ['pond', 'seen', said(newest, 'pool'), said(newest, 'datasets'), said(newest, 'mountpoints')];
  const answer = (...fields: readonly string[]) =>
    parsed(listDatasets, Buffer.from(fields.map((field) => `${field}\0`).join(''), 'latin1'));

  test('has all pools, and says of one that cannot be looked at why', () => {
    const { pools, hasPrograms, own } = answer(
      ...['programs', ...seen, 'pond', 'seen', said(newest, 'pool'), 'odd', '', 'lake', 'state', 'SUSPENDED'],
      ...['sea', 'no-answer', 'cannot open', '', 'object zfs 0123abcd - sea@sp_0123abcd_00000000\n'],
    );
    expect(hasPrograms).toBe(true);
    expect(pools).toMatchObject([
      { name: 'pond', health: 'DEGRADED' },
      { name: 'pond', why: 'unknown-form' },
      { name: 'lake', why: 'state', said: 'SUSPENDED' },
      { name: 'sea', why: 'no-answer', said: 'cannot open' },
    ]);
    expect(own).toHaveLength(1);
  });

  test('without the programs has none', () => {
    expect(answer('no-programs')).toEqual({ hasPrograms: false, pools: [], own: [] });
  });

  test.each([
    ['cut', ['programs', 'pond', 'seen']],
    ['longer', ['programs', '', '', 'x']],
    ['other', ['something']],
    ['of a pool in another way', ['programs', 'pond', 'perhaps', 'x', '', '']],
  ])('that is %s is not believed', (_, fields) => {
    expect(() => answer(...fields)).toThrow(/list-datasets/);
  });
});
