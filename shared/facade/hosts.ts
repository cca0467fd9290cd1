/** The hosts that there are: those of the configuration, and those that the user's OpenSSH configuration offers. */
import type { Configuration } from '../config/configuration.ts';
import { hostSpec, unknown } from '../config/look-up.ts';
import type { HostSummary } from '../domain/host.ts';
import { type HostName, hostName } from '../domain/names.ts';
import type { HostSpec } from '../domain/source.ts';
import { hostNames } from '../remote/ssh/config-hosts.ts';
import { isKnownToSsh } from '../remote/ssh/known-to-ssh.ts';
import { openSshHome } from '../remote/ssh/openssh-config.ts';

/** First the configured ones, each group in the order of its file. */
export async function listAllHosts(configuration: Configuration): Promise<HostSummary[]> {
  const { hosts, sources } = configuration;
  const offered = await offeredNames();
  // A host that only a source names is listed too; otherwise that source would not be shown.
  const configured = new Set([...hosts.keys(), ...[...sources.values()].map(({ host }) => host)]);
  const summary = (name: HostName, origin: HostSummary['origin']): HostSummary => ({
    name,
    origin,
    sources: [...sources.values()].filter(({ host }) => host === name).map((source) => source.name),
    login: loginOf(hostSpec(configuration, name)),
    forAssistants: configured.has(name) || configuration.assistantsMayUseSshHosts,
  });
  return [
    ...[...configured].map((name) =>
      summary(name, hosts.has(name) || !offered.includes(name) ? 'configuration' : 'ssh-config'),
    ),
    ...offered.filter((name) => !configured.has(name)).map((name) => summary(name, 'ssh-config')),
  ];
}

function loginOf({ ssh, sshConfigFile, sudo }: HostSpec): string {
  return JSON.stringify([ssh, sshConfigFile ?? null, sudo]);
}

/** Errors: `config.unknown-host` for a name that is in neither place, and that ssh would not find. */
export async function findHost(configuration: Configuration, name: HostName, signal: AbortSignal): Promise<HostSpec> {
  if (!configuration.hosts.has(name)) {
    const offered = await offeredNames();
    if (!offered.includes(name) && !(await isKnownToSsh(name, { homeFolder: openSshHome() }, signal))) {
      const { hosts, sources, file } = configuration;
      const source = [...sources.values()].find((one) => (one.name as string) === name);
      const hint = source === undefined ? '' : `"${name}" is a source, and its host is "${source.host}".`;
      return unknown('config.unknown-host', 'host', name, [...hosts.keys(), ...offered], file, hint);
    }
  }
  return hostSpec(configuration, name);
}

/** Names of the SSH configuration that can be names of ours. */
async function offeredNames(): Promise<HostName[]> {
  const names = await hostNames({ homeFolder: openSshHome() });
  return names.flatMap((name) => {
    try {
      return [hostName(name)];
    } catch {
      return [];
    }
  });
}
