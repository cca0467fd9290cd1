/** What is typed, from the folder in which it is typed. */
import { expect, test } from 'vitest';
import { localFile, localFolder } from '../../../cli/arguments.ts';
import { exportTarget } from '../../../cli/commands/export-target.ts';

test('a folder whose name is not text is no folder to begin from, and does no harm to whole paths', () => {
  const here = '/srv/caf\uFFFD';
  const refused = expect.objectContaining({
    message: `The working folder, "${here}", has bytes that are not UTF-8, and this program was not given them as they are.`,
  }) as Error;
  expect(() => localFolder(here, 'out')).toThrow(refused);
  expect(() => localFile(here, './pw')).toThrow(refused);
  expect(() => exportTarget({ tar: 'a.tar.zst' }, here)).toThrow(refused);
  expect(() => exportTarget({ mirror: 'states' }, here)).toThrow(refused);
  expect(localFolder(here, '/out')).toBe('/out');
  expect(localFolder('/srv/café', 'out')).toBe('/srv/café/out');
});
