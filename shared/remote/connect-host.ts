/**
 * Opens a host: the one way into this room for the rooms above.
 */
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Prompter } from './prompter.ts';
import type { RemoteHost } from './remote-host.ts';
import type { SudoMode } from './sudo.ts';
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
  /** The user's home folder, for `~` in OpenSSH's configuration. */
  readonly homeFolder: string;
  /** Wraps the transport, for recording, replaying and cutting in tests. */
  readonly wrapTransport?: (transport: Transport) => Transport;
}

/**
 * Connects and logs in, and finds out whether sudo works where the address wants it, so that what is wrong is said
 * before anything is started. Errors: `ssh.*`, `remote.sudo-refused`, the signal's reason.
 */
export type ConnectHost = (address: HostAddress, ports: HostPorts, signal: AbortSignal) => Promise<RemoteHost>;
