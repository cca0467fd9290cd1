/**
 * How a guest is reached: an OpenSSH client configuration with one alias per user, each through a ProxyCommand into
 * the guest's network namespace, and the host key known beforehand.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { GuestProcess } from './guest-process.ts';
import type { SshAlias } from './open-ssh.ts';
import { runOverSsh, writeSshConfig } from './open-ssh.ts';
import { guestAddress } from './recipe.ts';

/** Aliases by user: root; sudo without a password; sudo with one; no sudo at all. */
const users = { lab: 'root', 'lab-bak': 'bak', 'lab-bakpw': 'bakpw', 'lab-nosudo': 'nosudo' } as const;

/** The aliases of every guest. `lab-proxied` is root through the proxy that can be cut, where there is one. */
export type GuestAlias = keyof typeof users | 'lab-proxied';

/** Writes `ssh_config` and `known_hosts` into `directory`; returns the path of the configuration. */
export async function writeGuestSshConfig(options: {
  readonly directory: string;
  readonly guest: GuestProcess;
  readonly identityFile: string;
  readonly hostKey: string;
  /** Port of the cuttable proxy on 127.0.0.1. */
  readonly proxyPort?: number;
}): Promise<string> {
  const { directory, guest, identityFile, proxyPort } = options;
  const knownHosts = join(directory, 'known_hosts');
  const names = [guestAddress, ...(proxyPort === undefined ? [] : [`[127.0.0.1]:${String(proxyPort)}`])];
  const hostKey = options.hostKey.split(' ').slice(0, 2).join(' ');
  await writeFile(knownHosts, names.map((name) => `${name} ${hostKey}\n`).join(''));
  const common = {
    IdentityFile: identityFile,
    IdentitiesOnly: 'yes',
    UserKnownHostsFile: knownHosts,
    GlobalKnownHostsFile: '/dev/null',
    StrictHostKeyChecking: 'yes',
  };
  const aliases: SshAlias[] = Object.entries(users).map(([name, user]) => ({
    name,
    options: { HostName: guestAddress, User: user, ProxyCommand: guest.connectScript, ...common },
  }));
  if (proxyPort !== undefined) {
    aliases.push({
      name: 'lab-proxied',
      options: { HostName: '127.0.0.1', Port: String(proxyPort), User: 'root', ...common },
    });
  }
  const configFile = join(directory, 'ssh_config');
  await writeSshConfig(configFile, aliases);
  return configFile;
}

/** Waits until the guest answers a login. Throws as soon as the guest has ended, with how. */
export async function waitForSsh(
  target: { readonly configFile: string; readonly alias: string },
  guest: GuestProcess,
  signal: AbortSignal,
): Promise<void> {
  const limit = AbortSignal.any([signal, guest.endedSignal]);
  while (!(await answers(target, limit))) await delay(100, undefined, { signal: limit });
}

/** A login that meets the guest's network in the middle of its start may wait for ever; the next one does not. */
const attemptMs = 30_000;

async function answers(target: Parameters<typeof waitForSsh>[0], limit: AbortSignal): Promise<boolean> {
  try {
    const signal = AbortSignal.any([limit, AbortSignal.timeout(attemptMs)]);
    return (await runOverSsh(target, 'exit 0', { signal })).code === 0;
  } catch {
    limit.throwIfAborted();
    return false;
  }
}
