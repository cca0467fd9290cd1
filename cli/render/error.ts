/** Errors as people read them: what happened, what to do, and the code to search for. */
import type { ErrorRecord } from '../../shared/base/errors.ts';
import { redact } from '../../shared/base/log.ts';
import { type Paint, shown } from './text.ts';

/** Only the mistakes of the configuration are a list; any other line break may come from a host. */
function linesOf({ code, message }: ErrorRecord): string[] {
  return code === 'config.invalid' ? message.split('\n') : [message];
}

export function renderError(error: ErrorRecord, paint: Paint): string {
  const lines = linesOf(error).map((line) => paint('red', shown(redact(line))));
  if (error.advice !== '') lines.push(shown(redact(error.advice)));
  lines.push(paint('dim', `[${shown(error.code)}]`));
  return lines.map((line) => `${line}\n`).join('');
}
