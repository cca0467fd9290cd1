/** From the name of a host to its file transfers, over the same way as its commands: OpenSSH's configuration and keys. */

import type { Prompter } from '../../domain/prompter.ts';
import type { HostPorts } from '../connect-host.ts';
import { connectSession } from '../connect-session.ts';
import { KeptSession } from '../ssh/kept-session.ts';
import { type SftpLine, SftpPool, type SftpPoolOptions } from './sftp-pool.ts';

export interface SftpAddress {
  /** The name by which the user knows the host. */
  readonly name: string;
  /** The name to give to OpenSSH's configuration, and what to put over what it says. */
  readonly ssh: string;
  readonly user?: string;
  readonly port?: number;
  /** Instead of ~/.ssh/config and /etc/ssh/ssh_config. */
  readonly sshConfigFile?: string;
}

export interface SftpPorts extends Omit<HostPorts, 'prompter' | 'wrapTransport' | 'nonceBudgetMs'> {
  /** Asked for each login, so that answers from the one before are not taken for refused when a connection is made again. */
  readonly prompter: () => Prompter | undefined;
}

/** Nothing is connected before it is used. */
export function openSftp(
  address: SftpAddress,
  ports: SftpPorts,
  options: Pick<SftpPoolOptions, 'connections' | 'silence'>,
): SftpPool {
  const line = sshLine(address, ports);
  return new SftpPool({ ...options, host: address.name, line, clock: ports.clock });
}

function sshLine({ name, ssh, user, port, sshConfigFile }: SftpAddress, ports: SftpPorts): SftpLine {
  const { prompter, logger, agentSocket, homeFolder, keepAlive, carrier } = ports;
  const question = {
    alias: ssh,
    homeFolder,
    ...(user === undefined ? {} : { user }),
    ...(port === undefined ? {} : { port }),
    ...(sshConfigFile === undefined ? {} : { configFile: sshConfigFile }),
  };
  const sessionPorts = {
    logger,
    agentSocket,
    homeFolder,
    ...(keepAlive === undefined ? {} : { keepAlive }),
    ...(carrier === undefined ? {} : { carrier }),
  };
  const kept = new KeptSession({
    host: name,
    logger,
    connect: (signal) => connectSession(question, { ...sessionPorts, prompter: prompter() }, signal),
  });
  return {
    async start(signal) {
      const session = await kept.ready(signal);
      return await session.subsystem('sftp', () => undefined, signal);
    },
    [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
  };
}
