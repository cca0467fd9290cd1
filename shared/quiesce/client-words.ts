/** What a client on the host said, for a sentence of ours: its bytes are foreign, and may be anything. */
import { quotation } from '../base/bytes.ts';

/** Its last line, quoted so that it cannot end the quotation. @param said bytes as Latin-1 */
export function lastWords(said: string): string {
  const last = said.trim().split('\n').at(-1) ?? '';
  if (last === '') return 'its client said nothing';
  return `it said ${quotation(Buffer.from(last.slice(0, 300), 'latin1').toString('utf8'))}`;
}

/** Where our own script found no client, nothing else would help. @param otherwise what helps where the server itself said no */
export const adviceOn = (said: string, otherwise: string): string =>
  /there is (?:no|neither) "/.test(said)
    ? 'Install it on the host: what is held is asked through its own client. Where the server runs in a container, pause that, or take the entry out of "quiesce".'
    : otherwise;
