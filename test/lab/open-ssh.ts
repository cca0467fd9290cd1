/**
 * The plain OpenSSH client, as the lab uses it on guests and private servers. The lab never uses the product's own
 * way of reaching a host, so that a fault there cannot hide itself from the tests.
 */
import { writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { descendantsOf, killIfAlive } from './process-tree.ts';

/** One `Host` block of an OpenSSH client configuration. */
export interface SshAlias {
  readonly name: string;
  readonly options: Readonly<Record<string, string>>;
}

export interface RunResult {
  readonly stdout: string;
  readonly stderr: string;
  /** Exit code of the script; 255 when the connection itself failed; undefined when ended by a signal. */
  readonly code: number | undefined;
}

/** Writes a client configuration for `aliases` that reads no other configuration and never asks. */
export async function writeSshConfig(path: string, aliases: readonly SshAlias[]): Promise<void> {
  const blocks = aliases.map(({ name, options }) =>
    [`Host ${name}`, ...Object.entries(options).map(([key, value]) => `  ${key} ${value}`)].join('\n'),
  );
  await writeFile(path, `${blocks.join('\n\n')}\n`, { mode: 0o600 });
}

/**
 * Runs `script` with /bin/sh on the host that `alias` names in `configFile`. A failing script is a result, not an
 * error.
 */
export async function runOverSsh(
  target: { readonly configFile: string; readonly alias: string },
  script: string,
  { signal, options = [] }: { readonly signal: AbortSignal; readonly options?: readonly string[] },
): Promise<RunResult> {
  const command = 'exec env LC_ALL=C PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin /bin/sh -s';
  signal.throwIfAborted();
  const child = execa(
    'ssh',
    ['-F', target.configFile, '-T', '-o', 'BatchMode=yes', '-o', 'LogLevel=ERROR', ...options, target.alias, command],
    { input: script, reject: false, stripFinalNewline: false, maxBuffer: 64 * 1024 * 1024 },
  );
  // A ProxyCommand that waits for a dead network outlives ssh and would hold our pipes open for minutes.
  const killTree = (): void => {
    if (child.pid !== undefined) for (const pid of [...descendantsOf(child.pid), child.pid]) killIfAlive(pid);
    // A shared connection has these pipes too, and may wait for a dead network.
    child.stdout.destroy();
    child.stderr.destroy();
  };
  signal.addEventListener('abort', killTree);
  const result = await child;
  signal.removeEventListener('abort', killTree);
  signal.throwIfAborted();
  return { stdout: result.stdout, stderr: result.stderr, code: result.exitCode };
}
