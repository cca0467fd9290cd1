import type { Command } from 'commander';
import type { PointFilter } from '../../shared/domain/point-filter.ts';

export interface FilterOptions {
  readonly host?: readonly string[];
  readonly tag?: readonly string[];
  readonly path?: readonly string[];
}

const gather = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** `--host`, `--tag` and `--path`, the same on every command that takes many restore points. */
export function withFilter(command: Command): Command {
  return command
    .option('--host <hostname>', 'only of this host, by the name that it gave itself; may be repeated', gather)
    .option('--tag <tags>', 'only with these tags, joined by commas; repeated: with any of the lists', gather)
    .option('--path <path>', 'only of backups of this path; repeated: of all of them', gather);
}

export function filterOf({ host = [], tag = [], path = [] }: FilterOptions): PointFilter {
  return { hostnames: host, tags: tag.map((list) => list.split(',').map((one) => one.trim())), paths: path };
}
