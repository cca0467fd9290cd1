/** Errors as people read them: what happened, what to do, and the code to search for. */
import type { ErrorRecord } from '../../shared/base/errors.ts';
import { redact } from '../../shared/base/log.ts';
import { type Paint, shown } from './text.ts';

export function renderError(error: ErrorRecord, paint: Paint): string {
  const lines = [paint('red', shown(redact(error.message)))];
  if (error.advice !== '') lines.push(shown(redact(error.advice)));
  lines.push(paint('dim', `[${shown(error.code)}]`));
  return lines.map((line) => `${line}\n`).join('');
}
