/**
 * The one file of the core that reads the process's environment. What it finds is handed on as a value, so that tests
 * and shells can put another in its place.
 */
import { userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import process from 'node:process';

export interface Environment {
  readonly home: string;
  /** The value of STILLPOINT_CONFIG. */
  readonly configFile: string | undefined;
  /** XDG_CONFIG_HOME, else ~/.config. */
  readonly configHome: string;
  /** XDG_STATE_HOME, else ~/.local/state. */
  readonly stateHome: string;
  /** XDG_CACHE_HOME, else ~/.cache. */
  readonly cacheHome: string;
  /** The socket of the user's ssh-agent. */
  readonly sshAuthSock: string | undefined;
}

export function readEnvironment(variables: Readonly<Record<string, string | undefined>> = process.env): Environment {
  const { HOME } = variables;
  const home = HOME !== undefined && isAbsolute(HOME) ? HOME : homeByUserList();
  return {
    home,
    configFile: variables['STILLPOINT_CONFIG'] || undefined,
    configHome: baseFolder(variables['XDG_CONFIG_HOME'], join(home, '.config')),
    stateHome: baseFolder(variables['XDG_STATE_HOME'], join(home, '.local', 'state')),
    cacheHome: baseFolder(variables['XDG_CACHE_HOME'], join(home, '.cache')),
    sshAuthSock: variables['SSH_AUTH_SOCK'] || undefined,
  };
}

/** A user who is not in the system's user database has none, as in some containers; nothing is kept for them. */
function homeByUserList(): string {
  try {
    // Not `homedir`, which takes an empty HOME for the answer
    return userInfo().homedir || '/';
  } catch {
    return '/';
  }
}

/** The XDG specification wants a path that is not absolute to be treated as if it were not set. */
function baseFolder(value: string | undefined, standard: string): string {
  return value !== undefined && isAbsolute(value) ? value : standard;
}

/** The environment for a child process of ours: this process's own, with additions. */
export function childEnvironment(additions: Readonly<Record<string, string>>): Record<string, string | undefined> {
  return { ...process.env, ...additions };
}
