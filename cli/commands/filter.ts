import type { Command } from 'commander';
import type { PointFilter } from '../../shared/domain/point-filter.ts';
import type { PointScope } from '../../shared/domain/restore-point.ts';
import { optionalRepository } from '../arguments.ts';

export interface FilterOptions {
  readonly source?: readonly string[];
  readonly host?: readonly string[];
  readonly tag?: readonly string[];
  readonly path?: readonly string[];
}

/** An option that may be given several times. */
export const gather = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** `--source`, `--host`, `--tag` and `--path`, the same on every command that takes restore points. */
export function withFilter(command: Command): Command {
  return command
    .option('--source <name>', 'only of this source; may be repeated', gather)
    .option('--host <hostname>', 'only of this host, by the name that restore points show; may be repeated', gather)
    .option('--tag <tags>', 'only with these tags, joined by commas; repeated: with any of the lists', gather)
    .option('--path <path>', 'only of this path, as it was backed up; repeated: of all of them', gather);
}

export function filterOf({ source = [], host = [], tag = [], path = [] }: FilterOptions): PointFilter {
  return {
    sources: source,
    hostnames: host,
    tags: tag.map((list) => list.split(',').map((one) => one.trim())),
    paths: path,
  };
}

export function scopeOf(options: FilterOptions & { readonly repository?: string }): PointScope {
  const repository = optionalRepository(options.repository);
  return { ...(repository === undefined ? {} : { repository }), filter: filterOf(options) };
}
