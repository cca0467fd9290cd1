/** How long something is to be kept, as people write it. */
import { StillpointError } from '../base/errors.ts';

const SECONDS: Readonly<Record<string, number>> = { min: 60, h: 3600, d: 86_400, w: 7 * 86_400 };

/** "90min", "12h", "7d" or "4w". Not "m", which is months in rules of restic's. */
export function parseLifetime(text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,5})(min|h|d|w)$/.exec(text.trim()) ?? [];
  const seconds = Number(digits) * (SECONDS[unit] ?? 0);
  if (seconds > 0) return seconds;
  throw new StillpointError('usage.invalid', `"${text}" is not a length of time.`, {
    advice: 'Write minutes, hours, days or weeks, such as 90min, 12h, 7d or 4w.',
    cause: undefined,
  });
}
