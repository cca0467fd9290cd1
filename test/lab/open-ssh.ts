/**
 * The plain OpenSSH client, as the lab uses it on guests and private servers. The lab never uses the product's own
 * way of reaching a host, so that a fault there cannot hide itself from the tests.
 */
import { writeFile } from 'node:fs/promises';
import { execa } from 'execa';

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

/** Writes a client configuration for `aliases` that looks at no other configuration and asks nobody anything. */
export async function writeSshConfig(path: string, aliases: readonly SshAlias[]): Promise<void> {
  const blocks = aliases.map(({ name, options }) =>
    [`Host ${name}`, ...Object.entries(options).map(([key, value]) => `  ${key} ${value}`)].join('\n'),
  );
  await writeFile(path, `${blocks.join('\n\n')}\n`, { mode: 0o600 });
}

/** Runs `script` with /bin/sh on the host that `alias` names in `configFile`. A failing script is a result, not an error. */
export async function runOverSsh(
  target: { readonly configFile: string; readonly alias: string },
  script: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<RunResult> {
  const command = 'exec env LC_ALL=C PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin /bin/sh -s';
  const result = await execa(
    'ssh',
    ['-F', target.configFile, '-T', '-o', 'BatchMode=yes', '-o', 'LogLevel=ERROR', target.alias, command],
    { input: script, reject: false, cancelSignal: signal, stripFinalNewline: false, maxBuffer: 64 * 1024 * 1024 },
  );
  signal.throwIfAborted();
  return { stdout: result.stdout, stderr: result.stderr, code: result.exitCode };
}
