/**
 * The byte stream under an SSH session: a TCP connection, the standard streams of a ProxyCommand, or a channel of
 * another session (ProxyJump). Disposing it ends whatever was started for it.
 */
import { type Duplex, Duplex as DuplexStream } from 'node:stream';
import { connect } from 'node:net';
import { execa } from 'execa';
import type { SshConfig } from './openssh-config.ts';

export interface Wire extends AsyncDisposable {
  readonly stream: Duplex;
  /** What a ProxyCommand printed on standard error, its end. */
  proxySaid(): string;
}

/** A TCP connection that may still be connecting; its errors come as events of the stream. */
export function openTcp(config: SshConfig): Wire {
  const socket = connect({
    host: config.hostName,
    port: config.port,
    family: config.addressFamily,
    noDelay: true,
    keepAlive: true,
    ...(config.bindAddress === undefined ? {} : { localAddress: config.bindAddress }),
  });
  return { stream: socket, proxySaid: () => '', [Symbol.asyncDispose]: async () => void socket.destroy() };
}

const PROXY_WORDS = 2_000;

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
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-PROXY_WORDS);
  });
  const stream = DuplexStream.from({ readable: child.stdout, writable: child.stdin });
  const gone = new Promise<void>((resolve) => {
    child.nodeChildProcess.once('exit', () => resolve());
    child.nodeChildProcess.once('error', () => resolve());
  });
  return {
    stream,
    proxySaid: () => said,
    async [Symbol.asyncDispose]() {
      stream.on('error', () => undefined);
      stream.destroy();
      child.kill('SIGTERM');
      const stubborn = setTimeout(() => child.kill('SIGKILL'), 1_000);
      await gone;
      clearTimeout(stubborn);
    },
  };
}
