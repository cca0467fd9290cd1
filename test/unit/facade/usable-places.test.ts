/** A home folder whose name is not text reaches us as another name: nothing is read or made there. */
import { expect, test } from 'vitest';
import { readEnvironment } from '../../../shared/base/environment.ts';
import { requireUsablePlaces } from '../../../shared/facade/usable-places.ts';

const LOST = '/home/caf\uFFFD';
const places = { XDG_CONFIG_HOME: '/c', XDG_STATE_HOME: '/s', XDG_CACHE_HOME: '/k' };

test.each<[string, Record<string, string>, object]>([
  ['the home folder', { HOME: LOST }, {}],
  ['the home folder, also with a configuration elsewhere', { HOME: LOST }, { configFile: '/c.jsonc' }],
  ['the place of the configuration', { HOME: '/home/ann', XDG_CONFIG_HOME: LOST }, {}],
  ['the named configuration', { HOME: '/home/ann', STILLPOINT_CONFIG: `${LOST}/c.jsonc` }, {}],
  ['the state folder', { ...places, HOME: LOST, XDG_STATE_HOME: LOST }, {}],
  ['the cache', { ...places, HOME: LOST, XDG_CACHE_HOME: LOST }, {}],
])('%s is refused', (_, variables, own) => {
  const refused = { code: 'usage.invalid', message: expect.stringContaining('are not UTF-8') as string };
  expect(() => requireUsablePlaces(readEnvironment(variables), own)).toThrow(expect.objectContaining(refused));
});

test.each<[Record<string, string>, object]>([
  [{ HOME: '/home/café' }, {}],
  [{ ...places, HOME: LOST }, {}],
  [{ ...places, HOME: LOST, STILLPOINT_CONFIG: LOST }, { configFile: '/c.jsonc' }],
])('what is not used is not judged: %j', (variables, own) => {
  expect(() => requireUsablePlaces(readEnvironment(variables), own)).not.toThrow();
});
