/**
 * What ssh2 cannot honour of a host's configuration, and refuses: a restriction that is ignored is a hole. What only
 * adds a way to log in, or what is ours anyhow, is no reason to refuse (docs/ssh.md has the table). Pure.
 */
import { StillpointError } from '../../base/errors.ts';
import type { SshConfig } from './openssh-config.ts';

type Limit = readonly [keyword: string, isRefused: (value: string) => boolean];

const isSet = (value: string): boolean => value !== 'none' && value !== '';
const isYes = (value: string): boolean => value !== 'no' && value !== 'false';

const LIMITS: readonly Limit[] = [
  ['BindInterface', isSet],
  ['CertificateFile', isSet],
  ['CheckHostIP', isYes],
  ['Compression', isYes],
  ['ConnectionAttempts', (value) => Number(value) > 1],
  ['KbdInteractiveDevices', isSet],
  ['KnownHostsCommand', isSet],
  ['PKCS11Provider', isSet],
  ['ProxyUseFdpass', isYes],
  ['RekeyLimit', (value) => value !== '0 0' && value !== 'default none'],
  ['RequiredRSASize', (value) => Number(value) > 1024],
  ['RevokedHostKeys', isSet],
  ['SecurityKeyProvider', (value) => isSet(value) && value !== 'internal' && value !== '$SSH_SK_PROVIDER'],
];

/** Paths in which `ssh -G` leaves the variables of the environment as they are. */
const PATHS = ['IdentityFile', 'IdentityAgent', 'UserKnownHostsFile', 'GlobalKnownHostsFile'];

/** Throws `ssh.config` with the first line that cannot be honoured. */
export function refuseWhatSsh2Ignores({ alias, keywords }: SshConfig): void {
  for (const [keyword, isRefused] of LIMITS) {
    const value = keywords.get(keyword.toLowerCase())?.find(isRefused);
    if (value !== undefined) throw cannotHonour(alias, `${keyword} ${value}`);
  }
  for (const keyword of PATHS) {
    const value = keywords.get(keyword.toLowerCase())?.find((path) => path.includes('${'));
    if (value !== undefined) throw cannotHonour(alias, `${keyword} ${value}`);
  }
}

export function cannotHonour(alias: string, line: string): StillpointError {
  return new StillpointError(
    'ssh.config',
    `The SSH configuration for "${alias}" has "${line}", which can only be honoured by OpenSSH's own client.`,
    {
      advice:
        'Install OpenSSH 7.4 or newer (the package openssh-client) on this machine, or take the line away for this host.',
      details: { host: alias, line },
      cause: undefined,
    },
  );
}
