/**
 * One SSH connection to one host, whichever client carries it: OpenSSH's own client (`openssh/`) or ssh2 (`ssh/`). A
 * session is ready when it is given out; nothing leads back from lost or closed: a new connection is a new session.
 */
import type { RemoteProcess } from './transport.ts';

export interface Session extends AsyncDisposable {
  /** False as soon as the connection is lost or closed. */
  readonly isReady: boolean;
  /**
   * Starts a command line on a new channel. Undefined when the server refuses another channel; every rejection means
   * that nothing was started, and `ssh.connection-lost` that this session is over. `onClose` is called once, when the
   * channel is gone, perhaps before the process is given out.
   */
  exec(commandLine: string, onClose: () => void, signal: AbortSignal): Promise<RemoteProcess | undefined>;
  /** The same for a subsystem, such as "sftp", which needs no login shell. */
  subsystem(name: string, onClose: () => void, signal: AbortSignal): Promise<RemoteProcess | undefined>;
}
