/**
 * A host on which commands can be run: the port that the rooms above use. `connect-host.ts` opens one.
 */
import type { RemoteCommand, RemoteStream, StreamCommand } from './command.ts';

export interface RemoteHost extends AsyncDisposable {
  /** The name by which the user knows the host. */
  readonly name: string;
  /**
   * Runs a command and gives its parsed answer. An exit code that the command does not accept is
   * `remote.command-failed` with `details.exitCode` and `details.stderr`. When the connection is lost, the command is
   * run again if it had not been started or is `repeatable`.
   */
  run<T>(command: RemoteCommand<T>, signal: AbortSignal): Promise<T>;
  /**
   * Starts a command whose output is content. `input` is sent with back-pressure after the script said that it is
   * ready, each chunk wholly before the next one is asked for; without it the script reads from /dev/null. Resolves when the script runs. Never run again by itself.
   */
  stream(
    command: StreamCommand,
    input: AsyncIterable<Uint8Array> | undefined,
    signal: AbortSignal,
  ): Promise<RemoteStream>;
}
