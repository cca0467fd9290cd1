/** Arguments that several tools take. Everything is a name or an id; no tool takes a command, an address or a secret. */
import { z } from 'zod';
import { repositoryName } from '../shared/domain/names.ts';
import { EVERY_POINT } from '../shared/domain/point-filter.ts';
import type { PointScope } from '../shared/domain/restore-point.ts';

export const hostInput = z.string().max(128).describe('Name of a host, as list_hosts shows it.');
export const sourceInput = z.string().max(128).describe('Name of a source, as list_hosts shows it.');
const repositoryInput = z.string().max(128).describe('Name of a repository in the configuration.');

/** Where restore points are looked for, and which of them are meant. */
export const scopeInput = {
  repository: repositoryInput.optional(),
  source: sourceInput.optional(),
  hostname: z.string().min(1).max(255).optional().describe('Only those of this host, as restore points show it.'),
};

interface ScopeArguments {
  readonly repository?: string | undefined;
  readonly source?: string | undefined;
  readonly hostname?: string | undefined;
}

export function scopeOf({ repository, source, hostname }: ScopeArguments): PointScope {
  return {
    ...(repository === undefined ? {} : { repository: repositoryName(repository) }),
    filter: {
      ...EVERY_POINT,
      sources: source === undefined ? [] : [source],
      hostnames: hostname === undefined ? [] : [hostname],
    },
  };
}

/** The same for a command line. */
export function scopeWords({ repository, source, hostname }: ScopeArguments): readonly string[] {
  return [
    ...(repository === undefined ? [] : ['--repository', repository]),
    ...(source === undefined ? [] : ['--source', source]),
    ...(hostname === undefined ? [] : ['--host', hostname]),
  ];
}
