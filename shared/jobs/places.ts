/**
 * What a request means. The names in it mean other things in each configuration, and other machines in each
 * SSH configuration; so a job is known by what its names resolve to, and two jobs are the same only where all of that is.
 */
import { realpath } from 'node:fs/promises';
import { StillpointError } from '../base/errors.ts';
import type { Configuration } from '../config/configuration.ts';
import { findRepository, findSource, hostSpec } from '../config/look-up.ts';
import { type PlanId, planIdOf } from '../domain/plan-id.ts';
import type { HostSpec, RepositorySpec, Source, SshHost } from '../domain/source.ts';
import { type JobRequest, verbOf } from '../domain/verbs/verbs.ts';
import { openSshHome, resolveSshConfig } from '../remote/ssh/openssh-config.ts';

/** What a job touches. */
export interface Places {
  readonly source: Source | undefined;
  readonly host: HostSpec | undefined;
  readonly repositories: readonly RepositorySpec[];
  /** The host of a folder that is written to. */
  readonly keeper: HostSpec | undefined;
}

/** Errors: `config.unknown-…`. */
export function placesOf(request: JobRequest, configuration: Configuration): Places {
  const named = verbOf(request).places(request);
  const source = named.source && findSource(configuration, named.source);
  const hostName = source?.host ?? named.host;
  const host = hostName && hostSpec(configuration, hostName);
  const repositories = named.repositories ?? (source === undefined ? [] : [source.repository]);
  const keeper = named.keeper && hostSpec(configuration, named.keeper);
  return { source, host, repositories: repositories.map((name) => findRepository(configuration, name)), keeper };
}

export interface JobIdentity {
  /**
   * The request, the configuration, all that it says of the places, and the machines to which the SSH configuration
   * leads from there. A job is joined only where this is equal, and its runner finds the same or refuses.
   */
  readonly resolved: PlanId;
  /** The same without what is asked for: where it is asked. */
  readonly places: PlanId;
  /** Of the host that the job has for itself: the same for every name of one address. */
  readonly machine: PlanId | undefined;
}

/** Errors: `ssh.config`, the signal's reason. */
export async function identifyJob(
  request: JobRequest,
  places: Places,
  configFile: string,
  signal: AbortSignal,
): Promise<JobIdentity> {
  const { source, host, repositories, keeper } = places;
  const configuration = await realpath(configFile).catch(() => configFile);
  const address = host && (await addressOf(host, signal));
  const stores = [];
  for (const { sshHost, place } of repositories) {
    const login = place.kind === 'sftp' ? { user: place.user, port: place.port } : {};
    stores.push(sshHost === undefined ? undefined : await addressOf(sshHost, signal, login));
  }
  const found = { address, stores, kept: keeper && (await addressOf(keeper, signal)) };
  const facts = { configuration, source: source && sourceFacts(source), host, repositories, keeper, ...found };
  return {
    resolved: planIdOf({ request, ...facts }),
    places: planIdOf(facts),
    machine: address && planIdOf({ host: address.hostName.toLowerCase(), port: address.port }),
  };
}

/** Keep rules are for `forget`, which carries them in its request. */
function sourceFacts(source: Source): object {
  const { paths, devices } = source;
  const texts = (list: readonly Buffer[]): readonly string[] => list.map((path) => path.toString('latin1'));
  return {
    ...{ ...source, keep: undefined, paths: texts(paths) },
    ...(devices === undefined ? {} : { devices: texts(devices) }),
  };
}

interface Login {
  readonly user?: string | undefined;
  readonly port?: number | undefined;
}

async function addressOf({ ssh, sshConfigFile }: SshHost | HostSpec, signal: AbortSignal, login: Login = {}) {
  const question = {
    alias: ssh,
    homeFolder: openSshHome(),
    ...(sshConfigFile === undefined ? {} : { configFile: sshConfigFile }),
    ...(login.user === undefined ? {} : { user: login.user }),
    ...(login.port === undefined ? {} : { port: login.port }),
  };
  const { hostName, port, user, proxy } = await resolveSshConfig(question, signal);
  return { hostName, port, user, proxy };
}

/** For a runner that finds another meaning of its request than its starter did. */
export function configurationChanged(file: string): StillpointError {
  return new StillpointError(
    'config.changed',
    `The configuration "${file}", or the SSH configuration, was changed while the job began or waited.`,
    {
      advice: 'Start the job again; it then uses what they say now.',
      details: { file },
      cause: undefined,
    },
  );
}
