/** Connects to a host of the configuration, with the questions of the way there put in the words of the shells. */
import type { Clock } from '../base/clock.ts';
import type { Environment } from '../base/environment.ts';
import { isStillpointError, StillpointError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Prompter } from '../domain/prompter.ts';
import type { HostSpec, SshHost } from '../domain/source.ts';
import { connectHost } from '../remote/connect-host.ts';
import type { RemoteHost } from '../remote/remote-host.ts';
import { openSshHome } from '../remote/ssh/openssh-config.ts';
import type { SshWay } from '../repository/backend/open-backend.ts';

export interface OpenHostPorts {
  readonly prompter: Prompter;
  readonly environment: Environment;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Errors: `ssh.…`, `remote.sudo-refused`, the signal's reason. */
export async function openHost(spec: HostSpec, ports: OpenHostPorts, signal: AbortSignal): Promise<RemoteHost> {
  const { name, ssh, sshConfigFile, sudo } = spec;
  const address = { name, ssh, sudo, ...(sshConfigFile === undefined ? {} : { sshConfigFile }) };
  try {
    return await connectHost(address, remotePorts(name, ports), signal);
  } catch (error) {
    throw isStillpointError(error) && error.code.startsWith('ssh.') ? ofTheHost(name, error) : error;
  }
}

/** SSH knows a host by the name that it is given, which may be another one than that in the configuration. */
function ofTheHost(name: string, error: StillpointError): StillpointError {
  if (error.message.includes(`"${name}"`)) return error;
  return new StillpointError(error.code, `On the way to "${name}": ${error.message}`, {
    advice: error.advice,
    details: error.details,
    cause: error,
    retry: error.retry,
  });
}

/** This machine itself, for what is restored onto it. */
export function openThisMachine(ports: OpenHostPorts, signal: AbortSignal): Promise<RemoteHost> {
  const address = { name: 'this machine', ssh: undefined, sudo: 'none' } as const;
  return connectHost(address, remotePorts(address.name, ports), signal);
}

/** The way to a host that keeps files for us. `login` gives a prompter for each time that we log in. */
export function sshWay(
  { name, ssh, sshConfigFile }: SshHost,
  login: () => Prompter,
  ports: Omit<OpenHostPorts, 'prompter'>,
): SshWay {
  return {
    host: { name, ssh, ...(sshConfigFile === undefined ? {} : { sshConfigFile }) },
    ports: { ...placePorts(name, ports), prompter: () => about(name, login()) },
  };
}

function remotePorts(host: string, ports: OpenHostPorts) {
  return { ...placePorts(host, ports), prompter: about(host, ports.prompter) };
}

function placePorts(host: string, { environment, logger, clock }: Omit<OpenHostPorts, 'prompter'>) {
  return {
    logger: logger.child({ host }),
    clock,
    agentSocket: environment.sshAuthSock,
    homeFolder: openSshHome(),
  };
}

/** Answers are kept by the host's name as the user knows it; a jump host on the way there has a text of its own. */
function about(host: string, prompter: Prompter): Prompter {
  return {
    ask: (question, signal) => prompter.ask({ ...question, subject: host }, signal),
    settle: (question, outcome) => prompter.settle({ ...question, subject: host }, outcome),
    confirmHostKey: (offer, signal) => prompter.confirmHostKey({ ...offer, host }, signal),
  };
}
