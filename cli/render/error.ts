/** Errors as people read them: what happened, what to do, and the code to search for. */
import type { ErrorRecord } from '../../shared/base/errors.ts';
import { redact } from '../../shared/base/log.ts';
import { messageLines } from '../../shared/base/problems.ts';
import { formatCount, type Paint, shown } from './text.ts';

/** What was given may be as long as a line of commands can be; repeated whole it would hide what is said about it. */
const LONGEST = 2_000;
const HEAD = 1_200;
const TAIL = 600;

function clipped(text: string): string {
  if (text.length <= LONGEST) return text;
  return `${text.slice(0, HEAD)} … (${formatCount(text.length - HEAD - TAIL)} characters left out) … ${text.slice(-TAIL)}`;
}

export function renderError(error: ErrorRecord, paint: Paint): string {
  const lines = messageLines(error).map((line) => paint('red', shown(clipped(redact(line)))));
  if (error.advice !== '') lines.push(shown(clipped(redact(error.advice))));
  lines.push(paint('dim', `[${shown(error.code)}]`));
  return lines.map((line) => `${line}\n`).join('');
}
