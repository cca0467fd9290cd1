/**
 * From a name to a session of ssh2: asks OpenSSH what the name means, goes through its ProxyJump or ProxyCommand, and
 * logs in. What ssh2 cannot honour is refused before anything is connected.
 */
import { MAX_JUMPS } from '../budgets.ts';
import type { ConfigQuestion, Jump, SshConfig } from './openssh-config.ts';
import { resolveSshConfig } from './openssh-config.ts';
import type { SessionPorts } from './session.ts';
import { SshSession } from './session.ts';
import type { Wire } from './socket.ts';
import { openProxyCommand, openTcp } from './socket.ts';
import { cannotConnect, endlessJumps } from './ssh-errors.ts';
import { refuseWhatSsh2Ignores } from './ssh2-limits.ts';

export async function connectSsh2(
  question: ConfigQuestion,
  ports: SessionPorts,
  signal: AbortSignal,
): Promise<SshSession> {
  const config = await resolveForSsh2(question, signal);
  const wire = await openWire(config, question, ports, signal, 0);
  return await SshSession.connect(config, wire, ports, signal);
}

async function resolveForSsh2(question: ConfigQuestion, signal: AbortSignal): Promise<SshConfig> {
  const config = await resolveSshConfig(question, signal);
  refuseWhatSsh2Ignores(config);
  return config;
}

async function openWire(
  config: SshConfig,
  question: ConfigQuestion,
  ports: SessionPorts,
  signal: AbortSignal,
  depth: number,
): Promise<Wire> {
  if (config.proxy.kind === 'command') return openProxyCommand(config.proxy.commandLine);
  if (config.proxy.kind === 'none') return openTcp(config);
  let previous: SshSession | undefined;
  for (const hop of config.proxy.hops) {
    previous = await connectHop(hop, previous, question, ports, signal, depth + 1);
  }
  return previous === undefined ? openTcp(config) : await openThrough(previous, config, signal);
}

/** The first hop may have a proxy of its own; the next ones are reached through the hop before, as OpenSSH does. */
async function connectHop(
  hop: Jump,
  previous: SshSession | undefined,
  question: ConfigQuestion,
  ports: SessionPorts,
  signal: AbortSignal,
  depth: number,
): Promise<SshSession> {
  if (depth > MAX_JUMPS) throw endlessJumps(question.alias, MAX_JUMPS);
  const hopQuestion: ConfigQuestion = {
    alias: hop.alias,
    homeFolder: question.homeFolder,
    ...(question.configFile === undefined ? {} : { configFile: question.configFile }),
    ...(hop.user === undefined ? {} : { user: hop.user }),
    ...(hop.port === undefined ? {} : { port: hop.port }),
  };
  try {
    const config = await resolveForSsh2(hopQuestion, signal);
    const wire =
      previous === undefined
        ? await openWire(config, hopQuestion, ports, signal, depth)
        : await openThrough(previous, config, signal);
    return await SshSession.connect(config, wire, ports, signal);
  } catch (error) {
    await previous?.[Symbol.asyncDispose]();
    throw error;
  }
}

/** A channel of the session before; that session ends with it. */
async function openThrough(previous: SshSession, config: SshConfig, signal: AbortSignal): Promise<Wire> {
  const stream = await previous.forward(config.hostName, config.port, signal);
  if (stream === undefined) {
    await previous[Symbol.asyncDispose]();
    throw cannotConnect(config, new Error('the host to jump through does not let us connect to it'));
  }
  return {
    stream,
    proxySaid: async () => '',
    async [Symbol.asyncDispose]() {
      stream.destroy();
      await previous[Symbol.asyncDispose]();
    },
  };
}
