/** `--no-lock`, as restic has it, for the commands that only read. */
import { type Command, Option } from 'commander';

export interface NoLockOption {
  /** False with `--no-lock`. */
  readonly lock?: boolean;
}

/** For those that take a lock where they can. */
export function withNoLock(command: Command): Command {
  return command.option('--no-lock', 'read without a lock: a prune meanwhile could remove what is being read');
}

/** For those that never take one; scripts may give the option to all that read. */
export function withoutLockAnyhow(command: Command): Command {
  return command.addOption(new Option('--no-lock').hideHelp());
}

export function noLockOf({ lock }: NoLockOption): { readonly noLock?: true } {
  return lock === false ? { noLock: true } : {};
}
