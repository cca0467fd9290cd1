/**
 * Logging as a port. The message is a constant sentence, the facts are fields. Secrets that were registered are
 * replaced wherever they appear, because a foreign library's error text may carry them.
 */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  log(level: LogLevel, message: string, fields?: LogFields): void;
  child(fields: LogFields): Logger;
}

export type LogSink = (entry: { level: LogLevel; message: string; fields: LogFields }) => void;

/** Values that must never be shown. One per process: a secret is one wherever it came from. */
const secrets = new Set<string>();

export function registerSecret(value: string): void {
  if (value.length >= 4) secrets.add(value);
}

export function redact(text: string): string {
  let out = text;
  for (const secret of secrets) out = out.replaceAll(secret, '[redacted]');
  return out;
}

/** The same for every text inside a plain value. */
export function redactValue(value: unknown): unknown {
  if (typeof value === 'string') return redact(value);
  if (value instanceof Error) return redact(value.message);
  if (Array.isArray(value)) return value.map(redactValue);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, redactValue(inner)]));
  }
  return value;
}

export function createLogger(sink: LogSink, fields: LogFields = {}): Logger {
  return {
    log: (level, message, extra = {}) =>
      sink({ level, message: redact(message), fields: redactValue({ ...fields, ...extra }) as LogFields }),
    child: (more) => createLogger(sink, { ...fields, ...more }),
  };
}

export const silentLogger: Logger = createLogger(() => undefined);
