/** The one door through which errors of ssh2 and of sockets become ours. */
import { StillpointError } from '../../base/errors.ts';
import type { SshConfig } from './openssh-config.ts';

export function connectionLost(host: string, why: string, cause: unknown): StillpointError {
  return new StillpointError('ssh.connection-lost', `The connection to "${host}" was lost: ${why}.`, {
    advice: 'What was being read is not used. The host cleans up by itself; run it again when the host can be reached.',
    details: { host },
    cause,
    retry: 'maybe',
  });
}

export function connectDeadline(config: SshConfig, budgetMs: number): StillpointError {
  return new StillpointError(
    'ssh.deadline',
    `The host "${config.alias}" (${config.hostName}, port ${config.port}) did not finish the greeting of SSH within ${budgetMs / 1000} s.`,
    {
      advice:
        'Nothing was started. See whether the host is overloaded or a firewall swallows the connection; ConnectTimeout in the SSH configuration gives it longer.',
      details: { host: config.alias },
      cause: undefined,
      retry: 'safe',
    },
  );
}

/** An error before the login was complete. `proxySaid` is what a ProxyCommand printed. */
export function cannotConnect(config: SshConfig, error: unknown, proxySaid = ''): StillpointError {
  const { alias, hostName, port } = config;
  const cause = error as NodeJS.ErrnoException & { level?: string };
  const where = `"${alias}" (${hostName}, port ${port})`;
  const said = proxySaid.trim() === '' ? '' : ` Its ProxyCommand said: "${proxySaid.trim().slice(-400)}".`;
  const facts = (advice: string): ConstructorParameters<typeof StillpointError>[2] => ({
    advice: `Nothing was started. ${advice}`,
    details: { host: alias, address: hostName, port },
    cause: error,
    retry: 'safe',
  });
  switch (cause.code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new StillpointError(
        'ssh.unreachable',
        `The host "${alias}" cannot be found: the name "${hostName}" has no address.`,
        facts('Correct the name, or add the host to your SSH configuration with a HostName.'),
      );
    case 'ECONNREFUSED':
      return new StillpointError(
        'ssh.unreachable',
        `The host ${where} refuses the connection.`,
        facts('See that sshd runs there and listens on this port.'),
      );
    default:
      break;
  }
  if (/no matching|handshake failed/i.test(cause.message)) {
    return new StillpointError(
      'ssh.unreachable',
      `The host ${where} and Stillpoint have no common way to encrypt: ${cause.message}.${said}`,
      facts(
        'Its SSH server is too old or too restricted: it needs AES-GCM, AES-CTR or ChaCha20, SHA-2, and a key that is not DSA or SHA-1.',
      ),
    );
  }
  return new StillpointError(
    'ssh.unreachable',
    `The host ${where} cannot be reached: ${cause.message}.${said}`,
    facts(`See that it is up and that "ssh ${alias}" works.`),
  );
}
