/**
 * The byte stream under an SSH session: a TCP connection, the standard streams of a ProxyCommand, or a channel of
 * another session (ProxyJump). Disposing it ends whatever was started for it.
 */

import { connect } from 'node:net';
import { type Duplex, Duplex as DuplexStream } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import type { SshConfig } from './openssh-config.ts';

export interface Wire extends AsyncDisposable {
  readonly stream: Duplex;
  /** What a ProxyCommand that failed printed on standard error, its end. */
  proxySaid(): Promise<string>;
}

/** A TCP connection that may still be connecting. */
export function openTcp(config: SshConfig): Wire {
  const socket = connect({
    host: config.hostName,
    port: config.port,
    family: config.addressFamily,
    noDelay: true,
    keepAlive: true,
    ...(config.bindAddress === undefined ? {} : { localAddress: config.bindAddress }),
  });
  // It may fail before the session listens; the session looks at `errored` then.
  socket.on('error', () => undefined);
  return { stream: socket, proxySaid: async () => '', [Symbol.asyncDispose]: async () => void socket.destroy() };
}

const PROXY_WORDS = 2_000;

/** How long to wait for the words of a command whose output ended: they come on another pipe. */
const LAST_WORDS_MS = 500;

/** `exec` makes the command itself our child, so that ending the child ends the command. */
export function openProxyCommand(commandLine: string): Wire {
  const child = execa('/bin/sh', ['-c', `exec ${commandLine}`], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: false,
    reject: false,
  });
  let said = '';
  const heard = new Promise<void>((resolve) => child.stderr.once('close', () => resolve()));
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-PROXY_WORDS);
  });
  const stream = DuplexStream.from({ readable: child.stdout, writable: child.stdin });
  const gone = new Promise<void>((resolve) => {
    child.nodeChildProcess.once('exit', () => resolve());
    child.nodeChildProcess.once('error', () => resolve());
  });
  stream.on('error', () => undefined);
  return {
    stream,
    async proxySaid() {
      await Promise.race([heard, sleep(LAST_WORDS_MS)]);
      return said;
    },
    async [Symbol.asyncDispose]() {
      stream.destroy();
      child.kill('SIGTERM');
      const stubborn = setTimeout(() => child.kill('SIGKILL'), 1_000);
      await gone;
      clearTimeout(stubborn);
    },
  };
}
