/**
 * Opens a host: the one way into this room for the rooms above. It joins OpenSSH's configuration, the SSH session (or
 * the local machine), and the running of commands.
 *
 * Crash story: nothing of ours is on the host before the first command runs; when we die, the connection closes.
 */
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { registerSecret } from '../base/log.ts';
import type { Prompter } from '../domain/prompter.ts';
import { type Carrier, connectSession } from './connect-session.ts';
import { createLocalTransport } from './local.ts';
import type { RemoteHost } from './remote-host.ts';
import { createShellHost } from './shell-host.ts';
import { createSshTransport } from './ssh/ssh-transport.ts';
import type { GivenPassword, SudoMode } from './sudo.ts';
import type { Transport } from './transport.ts';

export type { SudoMode } from './sudo.ts';

export interface HostAddress {
  /** The name by which the user knows the host. */
  readonly name: string;
  /** The name to give to OpenSSH's configuration; undefined means the machine that we run on. */
  readonly ssh: string | undefined;
  /** Instead of ~/.ssh/config and /etc/ssh/ssh_config. */
  readonly sshConfigFile?: string;
  readonly sudo: SudoMode;
}

export interface HostPorts {
  /** Undefined where no person can be asked. */
  readonly prompter: Prompter | undefined;
  readonly logger: Logger;
  readonly clock: Clock;
  /** The value of SSH_AUTH_SOCK; undefined where there is no agent. */
  readonly agentSocket: string | undefined;
  /** For `~` and key files: `openSshHome()`, the home folder as OpenSSH sees it. */
  readonly homeFolder: string;
  /** Wraps the transport, for recording, replaying and cutting in tests. */
  readonly wrapTransport?: (transport: Transport) => Transport;
  readonly nonceBudgetMs?: number;
  readonly keepAlive?: { readonly intervalMs: number; readonly count: number };
  /** Instead of the better one of this machine; for tests. */
  readonly carrier?: Carrier;
}

/**
 * Connects, logs in, and sees that commands can be run, so that what is wrong with the way to the host is said before
 * anything is started. Whether we can be root is found out with the first command that needs it. Errors: `ssh.*`, the
 * signal's reason.
 */
export async function connectHost(address: HostAddress, ports: HostPorts, signal: AbortSignal): Promise<RemoteHost> {
  const transport = openTransport(address, ports);
  const { prompter } = ports;
  const host = createShellHost({
    name: address.name,
    transport: ports.wrapTransport?.(transport) ?? transport,
    sudo: address.sudo,
    logger: ports.logger,
    clock: ports.clock,
    ...(ports.nonceBudgetMs === undefined ? {} : { nonceBudgetMs: ports.nonceBudgetMs }),
    askPassword: prompter && ((...asked) => askSudoPassword(prompter, address.name, ...asked)),
  });
  try {
    await host.whoAmI(signal);
    return host;
  } catch (error) {
    await host[Symbol.asyncDispose]();
    throw error;
  }
}

async function askSudoPassword(
  prompter: Prompter,
  host: string,
  account: string,
  text: string,
  signal: AbortSignal,
): Promise<GivenPassword | undefined> {
  const question = { kind: 'sudo-password', subject: host, key: account } as const;
  const password = await prompter.ask({ ...question, text, echo: false }, signal);
  if (password === undefined) return undefined;
  registerSecret(password);
  return { password, settle: (outcome) => prompter.settle(question, outcome) };
}

function openTransport(address: HostAddress, ports: HostPorts): Transport {
  const { ssh } = address;
  if (ssh === undefined) return createLocalTransport();
  const { prompter, logger, agentSocket, homeFolder, keepAlive, carrier } = ports;
  const question = {
    alias: ssh,
    homeFolder,
    ...(address.sshConfigFile === undefined ? {} : { configFile: address.sshConfigFile }),
  };
  const sessionPorts = {
    prompter,
    logger,
    agentSocket,
    homeFolder,
    ...(keepAlive === undefined ? {} : { keepAlive }),
    ...(carrier === undefined ? {} : { carrier }),
  };
  return createSshTransport({
    host: address.name,
    logger,
    clock: ports.clock,
    connect: (signal) => connectSession(question, sessionPorts, signal),
  });
}
