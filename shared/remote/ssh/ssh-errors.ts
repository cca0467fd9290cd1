/** The one door through which errors of ssh2 and of sockets become ours. */
import { quotation } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import { lastLines } from '../host-errors.ts';
import { type SshConfig, sshCommand } from './openssh-config.ts';

export function connectionLost(host: string, why: string, cause: unknown): StillpointError {
  return new StillpointError(
    'ssh.connection-lost',
    `The connection to "${host}" was lost: ${why.replace(/\.+$/, '')}.`,
    {
      advice: 'Run it again when the host can be reached.',
      details: { host },
      cause,
      retry: 'maybe',
    },
  );
}

export function connectDeadline(config: SshConfig, budgetMs: number): StillpointError {
  return new StillpointError(
    'ssh.deadline',
    `The host "${config.alias}" (${config.hostName}, port ${config.port}) did not finish the greeting of SSH within ${budgetMs / 1000} s.`,
    {
      advice:
        'See whether the host is overloaded or a firewall swallows the connection; ConnectTimeout in the SSH configuration gives it longer.',
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
  const said = proxySaid.trim() === '' ? '' : ` Its ProxyCommand said: ${quotation(proxySaid.trim().slice(-400))}.`;
  const facts = (advice: string): ConstructorParameters<typeof StillpointError>[2] => ({
    advice,
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
        facts(
          /^[^:]+:\d+$/.test(hostName)
            ? 'A port is no part of a name: write "HostName" and "Port" into your SSH configuration, and the name of its "Host" where this one stands.'
            : 'Correct the name, or add the host to your SSH configuration with a HostName.',
        ),
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
  const uncommon = /no matching (?:[CS]->[CS] )?([\w -]+?)(?: algorithm| format)?$/i.exec(cause.message)?.[1];
  if (uncommon !== undefined) return noCommonAlgorithm(config, uncommon.toLowerCase(), '', error);
  if (/Too many authentication failures/i.test(cause.message)) {
    return loginRefused(config, { tried: [], skipped: [], takes: [], tooMany: true }, error);
  }
  return new StillpointError(
    'ssh.unreachable',
    `The host ${where} cannot be reached: ${cause.message}.${said}`,
    facts(`See that it is up and that "${sshCommand(config)}" works.`),
  );
}

/** `what` is OpenSSH's word for the kind of algorithm, such as "host key type"; `offer` is what the server has. */
export function noCommonAlgorithm(config: SshConfig, what: string, offer: string, cause: unknown): StillpointError {
  const { alias, hostName, port } = config;
  const keyword = KEYWORDS.find(([kind]) => kind.test(what))?.[1];
  const has = offer === '' ? '' : ` It has only: ${offer}.`;
  const offered = offer.split(',').filter((name) => name !== '');
  const allow =
    keyword === undefined || offered.length === 0
      ? ''
      : ` If you accept what is obsolete, allow it for this host in your SSH configuration: ${keyword} +${offered[0]}.`;
  const advice =
    offered.length > 0 && !offered.every((name) => OBSOLETE.test(name))
      ? `Your SSH configuration allows this host none of these: look at ${keyword ?? what} in what "${sshCommand(config, '-G ')}" prints, and correct ${config.configFile ?? 'the configuration'}.`
      : `The SSH server of the host is too old or too restricted for the client here; update it.${allow}`;
  return new StillpointError(
    'ssh.unreachable',
    `The host "${alias}" (${hostName}, port ${port}) and this machine have no ${what} in common.${has}`,
    {
      advice,
      details: { host: alias, address: hostName, port, offer },
      cause,
      retry: 'never',
    },
  );
}

/** What OpenSSH's client no longer offers by itself. */
const OBSOLETE =
  /^(?:ssh-rsa|ssh-dss|.*-cbc|.*-cbc@.*|arcfour.*|diffie-hellman-group(?:1|14|-exchange)-sha1|hmac-(?:md5|sha1|ripemd160).*|umac-64.*)$/;

const KEYWORDS = [
  [/host key/, 'HostKeyAlgorithms'],
  [/key exchange/, 'KexAlgorithms'],
  [/cipher/, 'Ciphers'],
  [/mac/i, 'MACs'],
] as const;

export interface LoginAttempts {
  /** What was tried, each with its outcome. */
  readonly tried: readonly string[];
  /** What could not be tried, each with its reason. */
  readonly skipped: readonly string[];
  /** Methods that the host takes. */
  readonly takes: readonly string[];
  /** The host lost patience before everything was tried. */
  readonly tooMany: boolean;
}

export function loginRefused(
  config: SshConfig,
  { tried, skipped, takes, tooMany }: LoginAttempts,
  cause: unknown,
): StillpointError {
  const said = [...tried, ...skipped];
  const takesText = takes.length > 0 ? ` It takes ${takes.join(', ')}.` : '';
  const list = said.length > 0 ? ` Tried: ${said.join('; ')}.` : ' There was nothing to try.';
  const patience = tooMany ? ' It ended the connection after too many attempts (MaxAuthTries).' : '';
  return new StillpointError(
    'ssh.auth-failed',
    `The host "${config.alias}" did not let "${config.user}" log in.${patience}${takesText}${list}`,
    {
      advice: tooMany
        ? `Name the key for this host in your SSH configuration ("IdentityFile" with "IdentitiesOnly yes"), so that it is offered alone; "${sshCommand(config)}" has to work first.`
        : `Put your key into the agent (ssh-add), or add its public half to ~/.ssh/authorized_keys of "${config.user}" on the host. Where it is there already, the log of sshd says why it is refused (from=, AllowUsers, permissions of the folder); "${sshCommand(config)}" has to work first.`,
      details: { host: config.alias, user: config.user, tried, skipped, takes },
      cause,
    },
  );
}

/** The host ended the login though it had refused nothing: an account that is expired, locked or not let in here. */
export function loginCutShort(config: SshConfig, accepted: string | undefined, printed: string): StillpointError {
  const after = accepted === undefined ? '' : `, after it had accepted ${accepted}`;
  return new StillpointError(
    'ssh.auth-failed',
    `The host "${config.alias}" ended the login of "${config.user}"${after}.${lastLines(printed)}`,
    {
      advice: `The account may be expired, locked or not let in now (chage -l, AllowUsers, /etc/nologin, PAM); the log of sshd on the host says why. "${sshCommand(config)}" has to work first.`,
      details: { host: config.alias, user: config.user },
      cause: undefined,
    },
  );
}

/** What listens there greeted, and not as an SSH server does. */
export function notAnSshServer(config: SshConfig, greeting: readonly string[]): StillpointError {
  const { alias, hostName, port } = config;
  return new StillpointError(
    'ssh.unreachable',
    `What answers for "${alias}" (${hostName}, port ${port}) does not speak SSH.${lastLines(greeting.join('\n'))}`,
    {
      advice: 'Another service listens there. Correct HostName, Port or ProxyCommand in your SSH configuration.',
      details: { host: alias, address: hostName, port },
      cause: undefined,
      retry: 'safe',
    },
  );
}

/** The connection was made and ended before a greeting came. `proxySaid` is what a ProxyCommand printed. */
export function closedUnheard(config: SshConfig, cause: unknown, proxySaid: string): StillpointError {
  const { alias, hostName, port } = config;
  const isBehindProxy = config.proxy.kind === 'command';
  const said = proxySaid.trim() === '' ? '' : ` Its ProxyCommand said: ${quotation(proxySaid.trim().slice(-400))}.`;
  return new StillpointError(
    'ssh.unreachable',
    `The connection to "${alias}" (${hostName}, port ${port}) was closed before an SSH server had greeted.${said}`,
    {
      advice: isBehindProxy
        ? `Its ProxyCommand ended, or what it reached hung up. See that "${sshCommand(config)}" works.`
        : `sshd may refuse the address of this machine or too many logins at once (MaxStartups), or it is no SSH server. See its log, and that "${sshCommand(config)}" works.`,
      details: { host: alias, address: hostName, port },
      cause,
      retry: 'safe',
    },
  );
}

/** We are logged in on `gate`, and it does not lead on to `target`. */
export function notReachedThrough(gate: SshConfig, target: SshConfig, why: string): StillpointError {
  const where = `"${target.alias}" (${target.hostName}, port ${target.port})`;
  const facts = (advice: string): ConstructorParameters<typeof StillpointError>[2] => ({
    advice,
    details: { host: target.alias, through: gate.alias, address: target.hostName, port: target.port },
    cause: new Error(why),
    retry: 'safe',
  });
  if (/prohibited/i.test(why))
    return new StillpointError(
      'ssh.unreachable',
      `"${gate.alias}", which leads to ${where}, forbids to go on to it.`,
      facts(
        `Allow forwarding on "${gate.alias}": "AllowTcpForwarding" of its sshd, and "restrict,port-forwarding" in place of "restrict" in its authorized_keys.`,
      ),
    );
  if (/name resolution|not known|No address/i.test(why))
    return new StillpointError(
      'ssh.unreachable',
      `The host "${target.alias}" cannot be found from "${gate.alias}", which leads there: the name "${target.hostName}" has no address on it.`,
      facts(`Write a HostName that "${gate.alias}" knows.`),
    );
  const refused = /refused/i.test(why);
  return new StillpointError(
    'ssh.unreachable',
    refused
      ? `The host ${where} refuses the connection from "${gate.alias}", which leads there.`
      : `The host ${where} cannot be reached from "${gate.alias}", which leads there: ${why}.`,
    facts(
      refused
        ? 'See that sshd runs there and listens on this port.'
        : `See that it is up, and that "${sshCommand(target)}" works.`,
    ),
  );
}

/** A path of the configuration names a variable that this process does not have. */
export function unsetVariable(config: SshConfig, name: string): StillpointError {
  return new StillpointError(
    'ssh.config',
    `The SSH configuration for "${config.alias}" cannot be used: it names the environment variable "${name}", which is not set.`,
    {
      advice: `Set it where Stillpoint is started, also for cron or a service, or write the path itself into ${config.configFile ?? 'the configuration'}.`,
      details: { host: config.alias, variable: name },
      cause: undefined,
    },
  );
}

export function endlessJumps(alias: string, limit: number): StillpointError {
  return new StillpointError('ssh.config', `The route to "${alias}" goes through more than ${limit} hosts.`, {
    advice: 'Its ProxyJump probably leads back to itself. Correct your SSH configuration.',
    details: { host: alias },
    cause: undefined,
  });
}
