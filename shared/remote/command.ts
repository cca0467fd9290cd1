/**
 * Remote commands as values. Making one has no effect, so each can be printed before it runs, tested without a host
 * and replayed. How a value becomes bytes on a connection is up to `wire.ts`.
 */

import type { Readable } from 'node:stream';
import { StillpointError } from '../base/errors.ts';

type Rights = 'root' | 'user' | 'either';

/** What every script of ours is made of. */
export interface RemoteScript {
  /** A verb and a noun in kebab-case ("list-volumes"); it appears in logs, errors and recordings. */
  readonly name: string;
  /**
   * POSIX sh, the body of one function. It finds its arguments in "$@", runs with LC_ALL=C, umask 077, a fixed absolute
   * PATH and standard input from /dev/null (unless it takes input), and may `exit`. A process that it leaves behind
   * must have its standard output redirected.
   */
  readonly script: string;
  readonly args: readonly (string | Uint8Array)[];
  /** Whose rights it takes; "either": root's where the host has let us be root, else those of the account. */
  readonly needs: Rights;
  /** Exit codes that are an answer and not a failure; [0] unless said otherwise. */
  readonly accepts?: readonly number[];
}

/** A command with a short answer. */
export interface RemoteCommand<T> extends RemoteScript {
  /** How long it may take from the moment that its script was sent, in milliseconds. */
  readonly budgetMs: number;
  /** Whether it may run again when the connection was lost and it is unknown how far it came. */
  readonly repeatable: boolean;
  /** When it has answered, no process of it is left on the host, so that its shell can be given the next script, too. */
  readonly leavesNoProcess?: boolean;
  /** Small input for the script's standard input, for what must not be an argument. Not part of any printed form. */
  readonly input?: Uint8Array;
  /** Strict: throws `remote.unreadable-output` for anything that it does not know. */
  parse(output: CommandOutput): T;
}

/** A command whose output is content of any length, or that is fed content. Never repeated by the host itself. */
export interface StreamCommand extends RemoteScript {
  /** Without it there is no limit in time; the connection's keep-alive still holds. */
  readonly budgetMs?: number;
  /** How much of standard error is kept, in bytes; 8 KiB by default. For programs that name what they could not do. */
  readonly stderrBytes?: number;
}

export interface CommandOutput {
  readonly stdout: Buffer;
  /** The last 8 KiB. */
  readonly stderr: string;
  readonly exitCode: number;
}

export interface RemoteStream extends AsyncDisposable {
  /** The content without our framing. It ends only after the proof of completeness and fails in every other case. */
  readonly output: Readable;
  /**
   * Settles once `output` was read to its end: what the script's trailer says. Rejects with `read.incomplete`,
   * `ssh.connection-lost`, `remote.command-failed` or the signal's reason. May be ignored.
   */
  readonly finished: Promise<StreamResult>;
}

export interface StreamResult {
  readonly exitCode: number;
  /** Length of the content. */
  readonly bytes: number;
  /** The end of it, as much as the command keeps. */
  readonly stderr: string;
  /** Whether `stderr` is all that was said. */
  readonly stderrIsWhole: boolean;
}

/** For `parse`: what was printed is not what this program is known to print. */
export function unreadableOutput(command: RemoteScript, why: string, sample: string): StillpointError {
  return new StillpointError(
    'remote.unreadable-output',
    `The output of "${command.name}" cannot be understood: ${why}.`,
    {
      advice:
        'What it printed is not used. Report it with the log, so that this version of the program can be supported.',
      details: { command: command.name, sample: sample.slice(0, 400) },
      cause: undefined,
    },
  );
}
