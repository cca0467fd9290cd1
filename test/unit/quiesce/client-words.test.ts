import { expect, test } from 'vitest';
import { adviceOn, lastWords } from '../../../shared/quiesce/client-words.ts';

test('what a client said is quoted as text, and steers no terminal', () => {
  const said = Buffer.from('first\nZugriff für "x" verweigert.\n').toString('latin1');
  expect(lastWords(said)).toBe(`it said "Zugriff für 'x' verweigert."`);
  expect(lastWords('\u001b[2Jgone\n')).not.toContain('\u001b');
  expect(lastWords('\n')).toBe('its client said nothing');
});

test.each([
  ['there is neither "mariadb" nor "mysql" on it', true],
  ['there is no "psql" on it\n', true],
  ['Access denied for user root', false],
])('%j is told with what helps there', (said, lacksClient) => {
  expect(adviceOn(said, 'Log in otherwise.') === 'Log in otherwise.').toBe(!lacksClient);
});
