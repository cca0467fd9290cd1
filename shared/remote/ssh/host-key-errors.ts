/** What is said of a host key that is not trusted. Never advise to take a key over the network that it would secure. */
import { StillpointError } from '../../base/errors.ts';
import { type SshConfig, sshCommand } from './openssh-config.ts';

export interface ShownHostKey {
  readonly config: SshConfig;
  readonly keyType: string;
  /** "SHA256:…" of the key that the host shows. */
  readonly fingerprint: string;
}

/** As it is written in known_hosts. */
function knownAs({ hostKeyAlias, hostName, port }: SshConfig): string {
  if (hostKeyAlias !== undefined) return hostKeyAlias;
  return port === 22 ? hostName : `[${hostName}]:${port}`;
}

/** What makes ssh ask about an unknown key where the configuration forbids it. */
function optionsToBeAsked({ strictHostKeyChecking, batchMode }: SshConfig): string {
  const strict = strictHostKeyChecking === 'yes' ? '-o StrictHostKeyChecking=ask ' : '';
  return batchMode ? `${strict}-o BatchMode=no ` : strict;
}

export function unknownKey(
  { config, keyType, fingerprint }: ShownHostKey,
  otherKeys: readonly string[],
  hint = '',
): StillpointError {
  const others =
    otherKeys.length === 0
      ? ''
      : ` Other keys of this host are known (${otherKeys.join(', ')}): a host that suddenly shows a new one deserves a close look.`;
  const options = optionsToBeAsked(config);
  const why = options === '' ? '' : ' (your SSH configuration lets no one be asked otherwise)';
  return new StillpointError(
    'ssh.host-key-unknown',
    `The host "${config.alias}" shows a ${keyType} key that is not known here: ${fingerprint}.${others}`,
    {
      advice: `Nothing was sent to it.${hint} Compare the fingerprint with what "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" (or the file of its type) prints on the host itself, at its console; then run "${sshCommand(config, options)}" once and answer with that fingerprint${why}.`,
      // Without those options our own question would not be asked either.
      details: { host: config.alias, keyType, fingerprint, otherKeys, personHelps: options === '' },
      cause: undefined,
    },
  );
}

export function changedKey(
  { config, keyType, fingerprint }: ShownHostKey,
  known: { readonly file: string; readonly line: number; readonly fingerprint?: string } | undefined,
): StillpointError {
  const before = known?.fingerprint === undefined ? '' : ` instead of ${known.fingerprint}`;
  const where = known === undefined ? '' : ` (${known.file}, line ${known.line})`;
  const file = known?.file ?? config.userKnownHostsFiles[0] ?? '~/.ssh/known_hosts';
  return new StillpointError(
    'ssh.host-key-changed',
    `The host "${config.alias}" shows another ${keyType} key than the known one: ${fingerprint}${before}${where}.`,
    {
      advice: `Nothing was sent to it: someone may be intercepting the connection. If it was reinstalled, compare ${fingerprint} with "ssh-keygen -lf" on its console, then remove the old key with: ssh-keygen -f "${file}" -R "${knownAs(config)}"`,
      details: { host: config.alias, shown: fingerprint, ...known },
      cause: undefined,
    },
  );
}

/** OpenSSH trusts no key while it cannot see whether it is revoked; what the host shows may be well known. */
export function unreadableRevocations(config: SshConfig, file: string, why: string): StillpointError {
  return new StillpointError(
    'ssh.config',
    `The revoked host keys for "${config.alias}" cannot be read: "${file}" (RevokedHostKeys): ${why}.`,
    {
      advice: `OpenSSH trusts no key without that file. Make it readable, or take RevokedHostKeys out of ${config.configFile ?? 'your SSH configuration'}; "${sshCommand(config)}" has to work first.`,
      details: { host: config.alias, file },
      cause: undefined,
    },
  );
}

/** `by` says where it is written. */
export function revokedKey({ config, fingerprint }: ShownHostKey, by: string): StillpointError {
  return new StillpointError(
    'ssh.host-key-revoked',
    `The host "${config.alias}" shows the key ${fingerprint}, which is marked as revoked (${by}).`,
    {
      advice:
        'Nothing was sent to it: anyone who has this key can impersonate the host. Give the host a new key, then connect again.',
      details: { host: config.alias, fingerprint, by },
      cause: undefined,
    },
  );
}
