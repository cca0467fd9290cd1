/** What people write into the setting, and what they are told where it names no file. */
import { expect, test } from 'vitest';
import { CONFIG_FILE_SETTING, configFileIn } from '../../../extension/config-setting.ts';
import { english } from './wording.ts';

test.each([
  [undefined, undefined],
  ['', undefined],
  ['  ', undefined],
  ['/etc/stillpoint.jsonc', '/etc/stillpoint.jsonc'],
  [' /etc/stillpoint.jsonc ', '/etc/stillpoint.jsonc'],
  ['~/mine.jsonc', '~/mine.jsonc'],
])('%j names %j', (value, file) => {
  expect(configFileIn(value, english.t)).toBe(file);
});

test.each([
  ['config.jsonc', '"config.jsonc"'],
  ['./config.jsonc', '"./config.jsonc"'],
  ['${userHome}/config.jsonc', '"${userHome}/config.jsonc"'],
  ['file:///etc/stillpoint.jsonc', '"file:///etc/stillpoint.jsonc"'],
  ['~ann/config.jsonc', '"~ann/config.jsonc"'],
  [7, '7'],
  [['/etc/stillpoint.jsonc'], '["/etc/stillpoint.jsonc"]'],
  [null, 'null'],
])('%j names no file, and it is said of which setting', (value, shown) => {
  expect(() => configFileIn(value, english.t)).toThrow(
    expect.objectContaining({
      code: 'config.not-found',
      message: `The setting "${CONFIG_FILE_SETTING}" is ${shown}, which is not the whole path of a file.`,
      advice: expect.stringContaining('"/home/ann/stillpoint.jsonc" or "~/stillpoint.jsonc"') as string,
      details: { setting: CONFIG_FILE_SETTING },
    }),
  );
});
