/**
 * The port through which bytes reach one host. A transport starts a command line and hands over its three streams; it
 * knows nothing of scripts, storage, sudo or retries. Implementations: SSH, the local machine, a recorder, a script of
 * expectations. All of them pass `test/contract/transport.ts`.
 *
 * Crash story: a transport that dies closes its channels. What then happens on the host is decided by the script that
 * ran there, never by us.
 */
import type { Readable, Writable } from 'node:stream';

export interface Transport extends AsyncDisposable {
  readonly properties: TransportProperties;
  /**
   * Starts a command line, which the login shell of the account interprets. Waits for a free channel and, where the
   * connection was lost, for a new one. A rejection means that nothing was started: `ssh.unreachable`,
   * `ssh.auth-failed`, `ssh.host-key-…`, `ssh.connection-lost`, `ssh.deadline`, or the signal's reason.
   *
   * @param onFull called before it waits for a channel: whoever keeps one that is idle lets go of it
   */
  start(commandLine: string, signal: AbortSignal, onFull?: () => void): Promise<RemoteProcess>;
}

interface TransportProperties {
  readonly isLocal: boolean;
  /** How many processes may run at once; `start` waits when there are more. */
  readonly maxChannels: number;
}

/**
 * One started command line. The streams keep back-pressure: what is not read is not fetched, and a write is finished
 * when the far side took it. When the connection is lost, the streams fail with `ssh.connection-lost`; they never look
 * as if they had ended by themselves.
 */
export interface RemoteProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Rejects with `ssh.connection-lost`. A consumer may ignore it. */
  readonly exited: Promise<ExitStatus>;
  /** Asks the process to end and lets go of its channel. May be called at any time and more than once. */
  kill(): void;
}

/** Both are undefined where the far side closed without telling. */
export interface ExitStatus {
  readonly code: number | undefined;
  readonly signal: string | undefined;
}
