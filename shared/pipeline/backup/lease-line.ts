/**
 * The connection of the lease: one of its own, because a renewal that waits behind content on a slow line comes too
 * late, and because a server that allows one session has none left while content is being read.
 */
import { toStillpointError } from '../../base/errors.ts';
import type { EmitEvent } from '../../domain/events.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';

export interface LeaseLinePorts {
  /** Each call opens a connection that shares nothing with the others. */
  openHost(signal: AbortSignal): Promise<RemoteHost>;
  readonly emit: EmitEvent;
}

/** Where a second login is not possible, as with passwords that are good once, the lease shares the first connection. */
export async function openLeaseLine(
  first: RemoteHost,
  ports: LeaseLinePorts,
  signal: AbortSignal,
): Promise<RemoteHost> {
  try {
    return await ports.openHost(signal);
  } catch (error) {
    signal.throwIfAborted();
    const { code, message } = toStillpointError(error);
    ports.emit({
      type: 'warning',
      code,
      message: `A second connection to "${first.name}" could not be opened, so the lease is renewed on the one that carries the content. ${message}`,
      advice:
        'On a slow line, or where sshd allows one session only (MaxSessions), the lease may end before the reading does.',
    });
    return { ...shared(first), [Symbol.asyncDispose]: async () => undefined };
  }
}

function shared(host: RemoteHost): Pick<RemoteHost, 'name' | 'run' | 'stream'> {
  return {
    name: host.name,
    run: (command, signal) => host.run(command, signal),
    stream: (command, input, signal) => host.stream(command, input, signal),
  };
}
