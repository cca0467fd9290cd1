/** The line between the two ends: how it is asked for, and the way through it. */
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { LocalSshd } from '../test/lab/local-sshd.ts';

export interface Line {
  readonly roundTripMs: number;
  /** Each way; undefined is as fast as this machine is. */
  readonly bytesPerSecond: number | undefined;
}

/** What the relay is told. */
export interface RelayOrder extends Line {
  /** Of the server behind it. */
  readonly port: number;
}

/** "20ms", "100mbit" or "20ms,100mbit". */
export function parseLine(text: string): Line {
  let line: Line = { roundTripMs: 0, bytesPerSecond: undefined };
  for (const part of text.split(',')) {
    const [, number = '', unit] = /^(\d+)(ms|mbit)$/.exec(part) ?? [];
    if (unit === undefined) throw new Error(`"${part}" is no line: write 20ms, 100mbit or both with a comma`);
    line =
      unit === 'ms' ? { ...line, roundTripMs: Number(number) } : { ...line, bytesPerSecond: Number(number) * 125_000 };
  }
  return line;
}

export interface Way extends AsyncDisposable {
  /** Of OpenSSH, with a host "local" that is reached through the line. */
  readonly sshConfigFile: string;
  /** Bytes that crossed the line so far, both ways, with what TCP and IP add. */
  bytes(): Promise<number>;
}

/** A network of its own is expected: all that passes its loopback is ours. */
export async function openWay(sshd: LocalSshd, line: Line | undefined): Promise<Way> {
  if (line === undefined) {
    return { sshConfigFile: sshd.sshConfigFile, bytes: loopbackBytes, [Symbol.asyncDispose]: async () => undefined };
  }
  const order: RelayOrder = { ...line, port: sshd.port };
  const relay = execa(process.execPath, [join(import.meta.dirname, 'relay.ts'), JSON.stringify(order)], {
    buffer: false,
    reject: false,
  });
  const [port] = (await once(relay.stdout, 'data')) as [Buffer];
  const config = await readFile(sshd.sshConfigFile, 'utf8');
  const sshConfigFile = join(sshd.directory, 'ssh_config_of_line');
  const known = `HostKeyAlias [127.0.0.1]:${sshd.port}`;
  await writeFile(sshConfigFile, config.replace(/^(\s*)Port .*$/m, `$1Port ${String(port).trim()}\n$1${known}`));
  return {
    sshConfigFile,
    // Once to the relay, once from it.
    bytes: async () => (await loopbackBytes()) / 2,
    [Symbol.asyncDispose]: async () => {
      relay.kill();
      await relay;
    },
  };
}

async function loopbackBytes(): Promise<number> {
  const [, received] = /^\s*lo:\s*(\d+)/m.exec(await readFile('/proc/net/dev', 'utf8')) ?? [];
  return Number(received);
}
