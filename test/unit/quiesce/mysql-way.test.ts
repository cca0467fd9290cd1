/** By which lock MySQL is held, by what it says of itself. */
import { expect, test } from 'vitest';
import { lookAtServers } from '../../../shared/quiesce/mariadb/look.ts';

/** What a look finds of a server that answers so. */
function found(rights: readonly string[], plain: number) {
  const hex = (text: string): string => Buffer.from(text).toString('hex').toUpperCase();
  const said = [
    ...[`version ${hex('8.0.36')}`, 'binlog 1', ...rights.map((right) => `right ${hex(right)}`), `plain ${plain}`],
    ...[`data ${hex('/var/lib/mysql/')}`, 'redo ', 'undo ', `system ${hex('|ibdata1:12M')}`, 'end 7'],
  ];
  const stdout = Buffer.from(`0\0${said.join('\n')}\0\0`);
  return lookAtServers([{ of: 'mysql' }]).parse({ stdout, stderr: '', exitCode: 0 });
}

test('MySQL is held by its lock of the instance only where all tables are known to be of InnoDB', () => {
  const seesAll = ['PROCESS', 'SELECT'];
  expect(found(seesAll, 0)).toMatchObject({ lacks: [], facts: { 'way-0': 'instance' } });
  expect(found([...seesAll, 'RELOAD'], 1)).toMatchObject({ lacks: [], facts: { 'way-0': 'tables' } });
  // Whoever may read no table counts none.
  const blind = found(['PROCESS'], 0);
  expect(blind).toMatchObject({ facts: { 'way-0': 'tables' } });
  expect(blind.lacks.map(({ message }) => message)).toEqual(['The account that is used on MySQL lacks RELOAD.']);
});
