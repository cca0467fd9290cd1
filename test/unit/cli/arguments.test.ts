/** What is typed, from the folder in which it is typed. */
import { expect, test } from 'vitest';
import { localFile, localFolder, pathInPoint } from '../../../cli/arguments.ts';
import { exportTarget } from '../../../cli/commands/export-target.ts';

test('a folder whose name is not text is no folder to begin from, and does no harm to whole paths', () => {
  const here = { workingFolder: '/srv/caf\uFFFD', homeFolder: '/home/ann' };
  const refused = expect.objectContaining({
    message: `The working folder, "${here.workingFolder}", has bytes that are not UTF-8, and this program was not given them as they are.`,
  }) as Error;
  expect(() => localFolder(here, 'out')).toThrow(refused);
  expect(() => localFile(here, './pw')).toThrow(refused);
  expect(() => exportTarget({ tar: 'a.tar.zst' }, here)).toThrow(refused);
  expect(() => exportTarget({ mirror: 'states' }, here)).toThrow(refused);
  expect(localFolder(here, '/out')).toBe('/out');
  expect(localFolder({ ...here, workingFolder: '/srv/café' }, 'out')).toBe('/srv/café/out');
});

test('the home folder is meant by "~/" behind "=", too, and what only a shell knows is refused', () => {
  const here = { workingFolder: '/srv', homeFolder: '/home/ann' };
  expect(localFolder(here, '~/out')).toBe('/home/ann/out');
  expect(exportTarget({ mirror: '~/states' }, here)).toEqual({ kind: 'mirror', folder: '/home/ann/states' });
  expect(localFolder(here, './$HOME')).toBe('/srv/$HOME');
  for (const text of ['$HOME/out', '~bob/out', '${X}/out']) {
    const refused = /the shell has not replaced/;
    expect(() => localFolder(here, text)).toThrow(refused);
    expect(() => exportTarget({ tar: text }, here)).toThrow(refused);
  }
});

test.each(['/srv/../etc', './srv', '/srv/.'])('"%s" is no path in a restore point', (text) => {
  const refused = /nothing in a restore point/;
  expect(() => pathInPoint(text)).toThrow(refused);
  expect(pathInPoint('/srv/..x/.y')).toBe('/srv/..x/.y');
});
