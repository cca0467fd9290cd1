import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { readEnvironment } from '../../../shared/base/environment.ts';

afterEach(() => void vi.unstubAllEnvs());

test.each([undefined, '', 'relative/home', '~'])('HOME=%j is no home; the one of the account counts', (HOME) => {
  vi.stubEnv('HOME', HOME);
  const { home, configHome, stateHome } = readEnvironment();
  expect(home).toBe(userInfo().homedir);
  expect(stateHome.startsWith('/')).toBe(true);
  if (process.env['XDG_CONFIG_HOME'] === undefined) expect(configHome).toBe(join(home, '.config'));
});
