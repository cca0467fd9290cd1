import { describe, expect, test } from 'vitest';
import { toErrorRecord } from '../../../shared/base/errors.ts';
import { ownerId, runId } from '../../../shared/domain/names.ts';
import { parseKept, zfsKept } from '../../../shared/snapshot/zfs/kept.ts';

const NAME = 'tank/my data@spk_0a1b2c3d_11111111';
const lines = (marks: string, source = 'local', name = NAME): string =>
  [
    `${name}\tguid\t77\t-`,
    `${name}\tcreatetxg\t1234\t-`,
    `${name}\tused\t8192\t-`,
    `${name}\tstillpoint:kept\t${marks}\t${source}`,
    '',
  ].join('\n');
const parse = (text: string) => parseKept(text, (dataset) => (dataset === 'tank/my data' ? 'zfs:1:2' : undefined));

describe('kept snapshots of ZFS', () => {
  test('are told with their dataset, their marks and the room that they take', () => {
    expect(parse(lines('spk.owner=00112233aabb spk.part=1/1'))).toEqual([
      {
        ...{ kind: 'zfs', id: 'tank/my=data@spk_0a1b2c3d_11111111', set: '0a1b2c3d', proof: '77,1234', state: 'whole' },
        ...{ volumeId: 'zfs:1:2', volume: 'tank/my data', words: ['spk.owner=00112233aabb', 'spk.part=1/1'] },
        room: { usedBytes: 8192, totalBytes: undefined },
      },
    ]);
  });

  test.each(['inherited from tank', 'received', '-'])('marks that are %s are none', (source) => {
    expect(parse(lines('spk.owner=00112233aabb', source))).toMatchObject([{ words: [] }]);
  });

  test('names of another form are passed over, and short-lived ones are', () => {
    expect(parse(lines('x', 'local', 'tank/a@spk_holiday'))).toEqual([]);
    expect(parse(lines('x', 'local', 'tank/a@sp_0a1b2c3d_11111111'))).toEqual([]);
  });

  test('what is printed in another form is not believed', () => {
    const failure = (() => {
      try {
        return parse(lines('x').replace('\t77\t', '\tseventy\t'));
      } catch (error) {
        return toErrorRecord(error);
      }
    })();
    expect(failure).toMatchObject({ code: 'remote.unreadable-output' });
  });

  const kept = zfsKept(() => undefined);

  test('one is marked and held, renamed in one step, and let go of its run', () => {
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
    expect(shown).toEqual([`zfs set 'stillpoint:kept=spk.part=1/1' '${before}'`, `zfs rename '${before}' '${after}'`]);
    const identity = '0a1b2c3d:00112233aabb:77:1234';
    expect(mark.args).toEqual([before, identity, 'stillpoint:kept=spk.part=1/1', 'spk_0a1b2c3d']);
    expect(rename.args).toEqual([before, identity, after, 'sp_0a1b2c3d']);
    expect(rename.script).toMatch(/zfs rename "\$1" "\$3"[\s\S]*zfs inherit stillpoint:run "\$3"[\s\S]*zfs release/);
  });

  test('one is removed by its name, its owner and the identity that was found', () => {
    const [object] = parse(lines('spk.owner=00112233aabb'));
    if (object === undefined) throw new Error('nothing was found');
    const { line, remove } = kept.remove(object, '00112233aabb');
    expect(line).toBe(`zfs release spk_0a1b2c3d '${NAME}' && zfs destroy '${NAME}'`);
    expect(remove.args).toEqual(['tank/my=data@spk_0a1b2c3d_11111111', '77,1234', '00112233aabb', 'spk_0a1b2c3d']);
    expect(remove.parse([''])).toBe('gone');
    expect(remove.parse(['needed'])).toBe('needed');
    expect(() => remove.parse(['well'])).toThrow('another form');
  });
});
