/** Finds what a user names in the configuration, and says what is there instead when it is not. */
import { displayName } from '../base/bytes.ts';
import type { ErrorCode } from '../base/error-codes.ts';
import { StillpointError } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import { DEFAULT_MAX_CLOCK_SKEW_SECONDS } from '../domain/clock-skew.ts';
import type { ConfiguredNames } from '../domain/known-names.ts';
import type { HostName, RepositoryName, SourceName } from '../domain/names.ts';
import type { HostSpec, RepositorySpec, Source } from '../domain/source.ts';
import type { Configuration } from './configuration.ts';
import { DEFAULT_LEASE_SECONDS } from './schema.ts';

export function findSource(configuration: Configuration, name: SourceName): Source {
  const { sources, file } = configuration;
  const found = sources.get(name);
  if (found !== undefined) return found;
  const ofHost = [...sources.values()]
    .filter(({ host }) => (host as string) === name)
    .map((source) => `"${source.name}"`);
  const hint =
    ofHost.length === 0
      ? ''
      : `"${name}" is a host, whose source${ofHost.length === 1 ? ' is' : 's are'} ${ofHost.join(', ')}.`;
  return unknown('config.unknown-source', 'source', name, [...sources.keys()], file, hint);
}

export function findRepository(configuration: Configuration, name: RepositoryName): RepositorySpec {
  const { repositories, file } = configuration;
  const known = [...repositories.keys()];
  return repositories.get(name) ?? unknown('config.unknown-repository', 'repository', name, known, file);
}

/** What a filter may name although no restore point bears it yet. */
export function configuredNames({ sources, hosts }: Configuration): ConfiguredNames {
  const all = [...sources.values()];
  return {
    sources: all.map(({ name }) => name),
    hostnames: [...hosts.keys(), ...all.map(({ host }) => host)],
    paths: all.flatMap(({ paths }) => paths.map(displayName)),
  };
}

/** Never none: an answer about no repository would look like one about empty repositories. */
export function allRepositories({ repositories, file }: Configuration): readonly RepositorySpec[] {
  if (repositories.size > 0) return [...repositories.values()];
  throw new StillpointError('config.unknown-repository', `"${file}" names no repository.`, {
    advice:
      'Add one under "repositories" with its "location" and "passwordFile"; or "stillpoint setup HOST" makes one for a host, and the file where there is none.',
    details: { file },
    cause: undefined,
  });
}

/** A name that is not written here stands for itself in the SSH configuration, with root as the user. */
export function hostSpec(configuration: Configuration, name: HostName): HostSpec {
  const known = configuration.hosts.get(name);
  const limits = { leaseSeconds: DEFAULT_LEASE_SECONDS, maxClockSkewSeconds: DEFAULT_MAX_CLOCK_SKEW_SECONDS };
  return known ?? { name, ssh: name, sshConfigFile: undefined, sudo: 'none', ...limits };
}

/** What makes the name known. For a host the file alone does not: ssh has to find it. */
const toWrite = {
  host: (what: string) => `add ${what} to your SSH configuration, with its HostName`,
  source: (what: string, file: string) => `write ${what} into "sources" in "${file}"`,
  repository: (what: string, file: string) => `write ${what} into "repositories" in "${file}"`,
} as const;

/** @param known the names that could have been meant @param hint what is known of this one, a sentence */
export function unknown(
  code: ErrorCode,
  kind: 'host' | 'source' | 'repository',
  name: string,
  known: readonly string[],
  file: string,
  hint = '',
): never {
  const guess = nearest(name, known);
  const shown = known.slice(0, 10).map((one) => `"${one}"`);
  const more = known.length > shown.length ? ` and ${known.length - shown.length} more` : '';
  const write = (what: string): string => toWrite[kind](what, file);
  const there =
    known.length > 0
      ? `There ${known.length === 1 ? 'is' : 'are'} ${shown.join(', ')}${more}. Name one of these, or ${write(`"${name}"`)}.`
      : kind === 'host'
        ? `There are none yet: ${write('it')}.`
        : `There are none yet: "stillpoint setup HOST" proposes what fits a host, or ${write('it')}.`;
  const where =
    kind === 'host' ? 'the configuration or the SSH configuration, and the name has no address' : 'the configuration';
  throw new StillpointError(code, `There is no ${kind} "${name}" in ${where}.`, {
    advice: hint !== '' ? hint : guess === undefined ? there : `Did you mean "${guess}"? Otherwise ${write('it')}.`,
    details: { name, known: known.slice(0, 100), file },
    cause: undefined,
  });
}
