/** OpenSSH's sftp-server as a child process: SFTP with a real server and without SSH around it. */
import { existsSync } from 'node:fs';
import { never } from '../../../shared/base/cancel.ts';
import { systemClock } from '../../../shared/base/clock.ts';
import { createLocalTransport } from '../../../shared/remote/local.ts';
import { SftpPool } from '../../../shared/remote/sftp/sftp-pool.ts';
import type { RemoteProcess } from '../../../shared/remote/transport.ts';

const PROGRAM = '/usr/lib/openssh/sftp-server';

export function whyNoSftpServer(): string | undefined {
  return existsSync(PROGRAM) ? undefined : `"${PROGRAM}" is not installed`;
}

export interface SftpServers {
  readonly pool: SftpPool;
  /** The processes that were started, the dead ones too. */
  readonly processes: RemoteProcess[];
}

export interface SftpServerOptions {
  /** Arguments of sftp-server, such as -P with requests that it shall not know. */
  readonly args?: readonly string[];
  /** How many it lets run at once. */
  readonly most?: number;
  readonly connections?: number;
}

export function sftpServers({ args = [], most = 10, connections = 5 }: SftpServerOptions = {}): SftpServers {
  const transport = createLocalTransport();
  const processes: RemoteProcess[] = [];
  let running = 0;
  const line = {
    async start() {
      if (running >= most) return undefined;
      running += 1;
      const process = await transport.start(`exec ${[PROGRAM, ...args].join(' ')}`, never);
      const buried = (): void => {
        running -= 1;
      };
      process.exited.then(buried, buried);
      processes.push(process);
      return process;
    },
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
  return { pool: new SftpPool({ host: 'here', line, connections, clock: systemClock }), processes };
}
