import type { Command } from 'commander';

/** `--detach`, the same on every command that starts a job. */
export function withDetach(command: Command): Command {
  return command.option('--detach', 'start the job, print its id and return');
}

export interface DetachOption {
  readonly detach?: boolean;
}
