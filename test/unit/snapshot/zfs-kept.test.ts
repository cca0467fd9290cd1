import { describe, expect, test } from 'vitest';
import { toErrorRecord } from '../../../shared/base/errors.ts';
import { ownerId, runId } from '../../../shared/domain/names.ts';
import { parseKept, zfsKept } from '../../../shared/snapshot/zfs/kept.ts';

const NAME = 'tank/my data@spk_0a1b2c3d_11111111';
const said = (marks: string, source = 'local', name = NAME): string =>
  `${name}\0${['guid\t77\t-', 'createtxg\t1234\t-', 'used\t8192\t-', `stillpoint:kept\t${marks}\t${source}`, ''].join('\n')}\0`;
const parse = (text: string) => parseKept(text, (dataset) => (dataset === 'tank/my data' ? 'zfs:1:2' : undefined));
const codeOf = (text: string): string | undefined => {
  try {
    parse(text);
  } catch (error) {
    return toErrorRecord(error).code;
  }
  return undefined;
};

describe('kept snapshots of ZFS', () => {
  test('are told with their dataset, their marks and the room that they take', () => {
    expect(parse(said('spk.owner=00112233aabb spk.part=1/1'))).toEqual([
      {
        ...{ kind: 'zfs', id: 'tank/my=data@spk_0a1b2c3d_11111111', set: '0a1b2c3d', proof: '77,1234', state: 'whole' },
        ...{ volumeId: 'zfs:1:2', volume: 'tank/my data', words: ['spk.owner=00112233aabb', 'spk.part=1/1'] },
        room: { usedBytes: 8192, totalBytes: undefined },
      },
    ]);
  });

  test.each(['inherited from tank', 'received', '-'])('marks that are %s are none', (source) => {
    expect(parse(said('spk.owner=00112233aabb', source))).toMatchObject([{ words: [] }]);
  });

  test('a value with lines of its own says nothing of another snapshot, and nothing of this one', () => {
    const forged =
      'spk.owner=00112233aabb\nguid\t1\t-\nstillpoint:kept\tspk.owner=00112233aabb\tlocal\ntank/b@spk_x\tguid\t2\t-';
    expect(parse(said(forged))).toMatchObject([{ proof: '77,1234', words: [] }]);
    expect(parse(said('a\tb'))).toMatchObject([{ words: [] }]);
  });

  test('one that went while it was looked at is not there', () => {
    expect(parse(`${NAME}\0\0`)).toEqual([]);
  });

  test.each([
    ['a number that is none', said('x').replace('\t77\t', '\tseventy\t')],
    ['a name of another form', said('x', 'local', 'tank/a@spk_holiday')],
    ['the name of a short-lived one', said('x', 'local', 'tank/a@sp_0a1b2c3d_11111111')],
    ['what is cut', said('x').slice(0, -1)],
    ['a name without what is said of it', `${said('x')}${NAME}\0`],
  ])('%s is not believed', (_, text) => {
    expect(codeOf(text)).toBe('remote.unreadable-output');
  });

  const kept = zfsKept(() => undefined);

  test('one is marked, renamed in one step, held as what it is, and let go of its run', () => {
    const {
      id,
      mark,
      rename,
      lines: shown,
    } = kept.keep(
      {
        ...{ run: runId('0a1b2c3d'), owner: ownerId('00112233aabb'), provider: 'zfs' },
        id: 'tank/my=data@sp_0a1b2c3d_58f8ee8f',
        planned: { snapshot: 'sp_0a1b2c3d_58f8ee8f', volumeId: 'zfs:1:2' },
        standing: { seen: { guid: '77', txg: '1234' } },
      },
      ['spk.part=1/1'],
    );
    const before = 'tank/my data@sp_0a1b2c3d_58f8ee8f';
    const after = id.replace('=', ' ');
    expect(id).toMatch(/^tank\/my=data@spk_0a1b2c3d_[0-9a-f]{8}$/);
    expect(shown).toEqual([
      `zfs set 'stillpoint:kept=spk.part=1/1' '${before}'`,
      `zfs rename '${before}' '${after}'`,
      `zfs hold spk_0a1b2c3d '${after}' && zfs release sp_0a1b2c3d '${after}'`,
    ]);
    const identity = '0a1b2c3d:00112233aabb:77:1234';
    expect(mark.args).toEqual([before, identity, 'stillpoint:kept=spk.part=1/1']);
    // What is only marked goes with its run, which knows no hold but its own.
    expect(mark.script).not.toContain('zfs hold');
    expect(rename.args).toEqual([before, identity, after, 'sp_0a1b2c3d', 'spk_0a1b2c3d']);
    expect(rename.script).toMatch(
      /zfs rename "\$1" "\$3"[\s\S]*zfs hold "\$5" "\$3"[\s\S]*zfs inherit stillpoint:run "\$3"[\s\S]*zfs release "\$4"/,
    );
  });

  test('one is removed by its name, its owner and the identity that was found', () => {
    const [object] = parse(said('spk.owner=00112233aabb'));
    if (object === undefined) throw new Error('nothing was found');
    const { line, remove } = kept.remove(object, '00112233aabb');
    expect(line).toBe(`zfs release spk_0a1b2c3d '${NAME}' && zfs destroy '${NAME}'`);
    // By either hold, and with the mark of its run, where its making was cut after it had its name.
    expect(remove.args).toEqual([
      ...['tank/my=data@spk_0a1b2c3d_11111111', '77,1234', '00112233aabb', '0a1b2c3d'],
      'sp_0a1b2c3d spk_0a1b2c3d',
    ]);
    expect(remove.parse([''])).toBe('gone');
    expect(remove.parse(['needed'])).toBe('needed');
    expect(() => remove.parse(['well'])).toThrow('another form');
  });
});
