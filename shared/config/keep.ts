/** Keep rules in the configuration: their shape, and what the shape cannot say. */
import { z } from 'zod';
import { isStillpointError } from '../base/errors.ts';
import { isEmptyRules, parseSpan, WITHIN_RULES } from '../domain/keep-rules.ts';

const count = (what: string) =>
  z
    .union([z.int().min(0), z.literal('unlimited')], {
      error: 'This is neither a whole number of 0 or more nor "unlimited".',
    })
    .optional()
    .describe(`Keep ${what}: a number, or "unlimited".`);

const each = (period: string): string => `the newest of each of this many ${period}`;

const span = (what: string) =>
  z
    .string()
    .min(1)
    .optional()
    .describe(`Keep ${what} within this time before the newest restore point, such as "1y5m7d2h".`);

export const keepSchema = z
  .strictObject({
    last: count('this many of the newest'),
    hourly: count(each('hours')),
    daily: count(each('days')),
    weekly: count(each('weeks')),
    monthly: count(each('months')),
    yearly: count(each('years')),
    within: span('everything'),
    withinHourly: span('one an hour'),
    withinDaily: span('one a day'),
    withinWeekly: span('one a week'),
    withinMonthly: span('one a month'),
    withinYearly: span('one a year'),
    tags: z
      .array(z.array(z.string().min(1)).min(1))
      .optional()
      .describe('Lists of tags; keep what has all tags of one list.'),
  })
  .describe('Which restore points of this source "stillpoint forget" keeps when it is given no rules.');

interface KeepProblem {
  readonly path: readonly string[];
  readonly message: string;
  readonly advice: string;
}

/** @param isWhole whether nothing was left out of the rules for its shape */
export function keepProblems(keep: z.infer<typeof keepSchema>, isWhole: boolean): KeepProblem[] {
  const problems = Object.keys(WITHIN_RULES).flatMap((rule): KeepProblem[] => {
    try {
      const text = keep[rule as keyof typeof WITHIN_RULES];
      if (text !== undefined) parseSpan(text);
      return [];
    } catch (error) {
      if (!isStillpointError(error)) throw error;
      return [{ path: [rule], message: error.message, advice: error.advice }];
    }
  });
  if (problems.length > 0 || !isWhole || !isEmptyRules(keep)) return problems;
  const message = 'These rules keep nothing, and "forget" would forget everything.';
  return [{ path: [], message, advice: 'Write at least one above 0, as in "keep": {"daily": 7}, or remove "keep".' }];
}
