/** A failure as an answer of a tool: words for the model, code and details in `_meta` for programs. */
import type { CallToolResult } from '@modelcontextprotocol/server';
import { toErrorRecord } from '../shared/base/errors.ts';
import { redact, redactValue } from '../shared/base/log.ts';
import { messageLines } from '../shared/base/problems.ts';
import { foreign, NOTICE } from './foreign-text.ts';
import { INNER_LIST } from './limits.ts';
import { personCommand } from './person-command.ts';

/** The key in `_meta` under which an error answer carries its code. */
const ERROR_META = 'stillpoint/error';

/** An error answer has no structuredContent: clients would check it against the schema of a success. */
export function errorAnswer(
  error: unknown,
  context: { readonly personWords: readonly string[] | undefined; readonly configFile: string | undefined },
): CallToolResult {
  const record = toErrorRecord(error);
  const said = messageLines(record).slice(0, INNER_LIST);
  const message = said.map((line) => foreign(redact(line))).join('\n');
  const advice = foreign(redact(record.advice));
  const command = personCommand(record, context.personWords, context.configFile);
  const lines = [message, advice, `[${record.code}]`];
  if (command !== undefined) lines.push(`A person has to run this in a terminal: ${command}`);
  lines.push(NOTICE);
  return {
    isError: true,
    content: [{ type: 'text', text: lines.join('\n') }],
    _meta: {
      [ERROR_META]: {
        code: record.code,
        message,
        advice,
        details: harmless(plainJson(redactValue(record.details))),
        ...(command === undefined ? {} : { command }),
      },
    },
  };
}

/** Details hold what programs on hosts said, as they said it. */
function harmless(value: unknown): unknown {
  if (typeof value === 'string') return foreign(value);
  if (Array.isArray(value)) return value.map(harmless);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [foreign(key), harmless(inner)]));
}

/** Details are meant to be plain data; what is not must not break the answer. */
function plainJson(value: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(value)) as unknown;
  } catch {
    return {};
  }
}
