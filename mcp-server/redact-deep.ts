import { redact } from '../shared/base/log.ts';

/** A copy of plain JSON data with every registered secret taken out of every string, keys included. */
export function redactDeep(value: unknown): unknown {
  if (typeof value === 'string') return redact(value);
  if (Array.isArray(value)) return value.map(redactDeep);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [redact(key), redactDeep(inner)]));
  }
  return value;
}
