/** Keep rules as people write them: how many of which kind, for how long, and which tags. */
import { StillpointError } from '../base/errors.ts';
import type { CalendarSpan } from './local-time.ts';

/** The counted rules in the order in which reasons are given. */
export const COUNTED_RULES = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
type Period = Exclude<(typeof COUNTED_RULES)[number], 'last'>;

/** Plain JSON, so that it can be in the configuration, in a request and in a plan. Absent or 0: no such rule. */
export interface KeepRules {
  readonly last?: KeepCount | undefined;
  readonly hourly?: KeepCount | undefined;
  readonly daily?: KeepCount | undefined;
  readonly weekly?: KeepCount | undefined;
  readonly monthly?: KeepCount | undefined;
  readonly yearly?: KeepCount | undefined;
  /** Everything that is newer than this, reckoned back from the newest restore point of its group: "1y5m7d2h". */
  readonly within?: string | undefined;
  readonly withinHourly?: string | undefined;
  readonly withinDaily?: string | undefined;
  readonly withinWeekly?: string | undefined;
  readonly withinMonthly?: string | undefined;
  readonly withinYearly?: string | undefined;
  /** Lists of tags; a restore point that has all tags of one list is kept. */
  readonly tags?: readonly (readonly string[])[] | undefined;
}

export type KeepCount = number | 'unlimited';

export const WITHIN_RULES = {
  within: undefined,
  withinHourly: 'hourly',
  withinDaily: 'daily',
  withinWeekly: 'weekly',
  withinMonthly: 'monthly',
  withinYearly: 'yearly',
} as const satisfies Partial<Record<keyof KeepRules, Period | undefined>>;

const SPAN = /^(?:(\d{1,4})y)?(?:(\d{1,5})m)?(?:(\d{1,6})d)?(?:(\d{1,8})h)?$/;

/** Years, months, days and hours in this order, each at most once. */
export function parseSpan(text: string): CalendarSpan {
  const parts = SPAN.exec(text.trim());
  if (parts === null || text.trim() === '') {
    throw new StillpointError('usage.invalid', `"${text}" is not a length of time for a keep rule.`, {
      advice: 'Write years, months, days and hours in this order, such as 1y5m7d2h, 30d or 48h.',
      cause: undefined,
    });
  }
  const [years = 0, months = 0, days = 0, hours = 0] = parts.slice(1).map((digits) => Number(digits ?? 0));
  return { years, months, days, hours };
}

export function formatSpan({ years, months, days, hours }: CalendarSpan): string {
  const parts = [`${years}y`, `${months}m`, `${days}d`, `${hours}h`];
  return parts.filter((part) => !/^0\D$/.test(part)).join('');
}

/** Whole numbers from 0, or `unlimited`. */
export function parseKeepCount(text: string): KeepCount {
  if (text === 'unlimited') return text;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new StillpointError('usage.invalid', `"${text}" is not a number of restore points to keep.`, {
    advice: 'Write a whole number such as 7, or "unlimited".',
    cause: undefined,
  });
}

/** No rule would keep anything; forgetting by it would forget all. */
export function isEmptyRules(rules: KeepRules): boolean {
  const counted = COUNTED_RULES.some((rule) => (rules[rule] ?? 0) !== 0);
  const within = (Object.keys(WITHIN_RULES) as (keyof typeof WITHIN_RULES)[]).some(
    (rule) => rules[rule] !== undefined && formatSpan(parseSpan(rules[rule])) !== '',
  );
  return !counted && !within && (rules.tags ?? []).length === 0;
}
