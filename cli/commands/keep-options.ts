/** The options that say which restore points to keep or to forget, as restic's. */
import type { Command } from 'commander';
import { StillpointError } from '../../shared/base/errors.ts';
import type { ForgetSelection } from '../../shared/domain/forget-plan.ts';
import { LATEST, refuseNoId } from '../../shared/domain/id-start.ts';
import { isEmptyRules, type KeepRules, parseKeepCount, parseSpan } from '../../shared/domain/keep-rules.ts';
import { fitsAll } from '../../shared/domain/point-filter.ts';
import { DEFAULT_GROUP_BY, GROUP_KEYS, type GroupKey } from '../../shared/domain/retention.ts';
import { type FilterOptions, filterOf, gather, withFilter } from './filter.ts';

const COUNTS = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
const WITHIN = ['within', 'withinHourly', 'withinDaily', 'withinWeekly', 'withinMonthly', 'withinYearly'] as const;

type KeepFlag = `keep${Capitalize<(typeof COUNTS)[number] | (typeof WITHIN)[number]>}`;

export interface KeepFlags extends Partial<Record<KeepFlag, string>>, FilterOptions {
  readonly keepTag?: readonly string[];
  readonly point?: readonly string[];
  readonly groupBy: string;
}

export function withKeepOptions(command: Command): Command {
  for (const rule of COUNTS) {
    const what = rule === 'last' ? 'the newest n' : `one for each of the newest n ${PERIODS[rule]} that have any`;
    command.option(`--keep-${rule} <n>`, `keep ${what}`);
  }
  for (const rule of WITHIN) {
    const period = rule.slice('within'.length).toLowerCase();
    const flag = `--keep-within${period && `-${period}`} <span>`;
    command.option(flag, `keep ${WHAT_WITHIN[rule]} this time before the newest, such as 1y5m7d2h`);
  }
  return withFilter(command)
    .option('--keep-tag <tags>', 'keep those with all of these tags, separated by commas; may be repeated', gather)
    .option('--group-by <keys>', 'host, paths, tags, separated by commas; "" for none', 'host,paths')
    .option('--point <id>', 'forget this restore point, whatever the rules; may be repeated', gather);
}

const WHAT_WITHIN = {
  within: 'everything from',
  withinHourly: 'one an hour of',
  withinDaily: 'one a day of',
  withinWeekly: 'one a week of',
  withinMonthly: 'one a month of',
  withinYearly: 'one a year of',
} as const;
const PERIODS = { hourly: 'hours', daily: 'days', weekly: 'weeks', monthly: 'months', yearly: 'years' } as const;

/** Undefined where neither rules nor restore points are given. */
export function selectionOf(flags: KeepFlags): ForgetSelection | undefined {
  const rules = rulesOf(flags);
  const filter = filterOf(flags);
  const isFiltered = !fitsAll(filter);
  const hasRules = Object.keys(rules).length > 0;
  if (flags.point !== undefined) {
    for (const wanted of flags.point) refuseNotForgettable(wanted);
    if (!hasRules && !isFiltered) return { by: 'points', points: flags.point };
    throw usage('--point cannot be combined with keep rules or filters.', 'Give ids alone, or rules alone.');
  }
  if (hasRules && isEmptyRules(rules)) throw usage('The keep rules keep nothing.', 'Give at least one above 0.');
  if (hasRules) return { by: 'rules', rules, groupBy: groupKeys(flags.groupBy), filter };
  // Sources have rules of their own.
  if (fitsAll({ ...filter, sources: [] })) return undefined;
  throw usage('There are filters and no keep rule.', 'Give at least one rule, such as --keep-daily 7.');
}

function refuseNotForgettable(wanted: string): void {
  if (wanted !== LATEST) {
    refuseNoId('restore point', wanted, 'an id or the start of one; "stillpoint list" shows them');
    return;
  }
  throw usage(
    `What is to be forgotten is named by its id and not as "${LATEST}".`,
    'The latest may be another one by then. "stillpoint list" shows the ids; --keep-last and other rules forget by order.',
  );
}

function rulesOf(flags: KeepFlags): KeepRules {
  const given = <T>(rule: string, parse: (text: string) => T): [string, T][] => {
    const text = flags[`keep${rule.charAt(0).toUpperCase()}${rule.slice(1)}` as KeepFlag];
    return text === undefined ? [] : [[rule, parse(text)]];
  };
  const span = (text: string): string => {
    parseSpan(text);
    return text.trim();
  };
  return {
    ...Object.fromEntries(COUNTS.flatMap((rule) => given(rule, parseKeepCount))),
    ...Object.fromEntries(WITHIN.flatMap((rule) => given(rule, span))),
    ...(flags.keepTag && { tags: flags.keepTag.map(splitTags) }),
  };
}

const splitTags = (text: string): string[] => text.split(',').map((tag) => tag.trim());

function groupKeys(text: string): readonly GroupKey[] {
  if (text === DEFAULT_GROUP_BY.join(',')) return DEFAULT_GROUP_BY;
  const words = text.split(',').filter((word) => word !== '');
  const keys = words.map((word) => (word === 'path' ? 'paths' : word === 'tag' ? 'tags' : word));
  const unknown = keys.find((key) => !GROUP_KEYS.some((known) => known === key));
  if (unknown === undefined) return GROUP_KEYS.filter((key) => keys.includes(key));
  throw usage(`"${unknown}" is not something to group by.`, 'Choose from host, paths and tags, or "" for one group.');
}

function usage(message: string, advice: string): StillpointError {
  return new StillpointError('usage.invalid', message, {
    advice,
    cause: undefined,
  });
}
