import { expect, test } from 'vitest';
import { lastWords } from '../../../shared/quiesce/client-words.ts';

test('what a client said is quoted as text, and steers no terminal', () => {
  const said = Buffer.from('first\nZugriff für "x" verweigert.\n').toString('latin1');
  expect(lastWords(said)).toBe(`it said "Zugriff für 'x' verweigert."`);
  expect(lastWords('\u001b[2Jgone\n')).not.toContain('\u001b');
  expect(lastWords('\n')).toBe('its client said nothing');
});
