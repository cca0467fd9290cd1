/** Small commands and a host on a transport, for tests of the remote room. */

import type { Clock } from '../../../shared/base/clock.ts';
import { systemClock } from '../../../shared/base/clock.ts';
import { silentLogger } from '../../../shared/base/log.ts';
import type { CommandOutput, RemoteCommand, StreamCommand } from '../../../shared/remote/command.ts';
import type { RemoteHost } from '../../../shared/remote/remote-host.ts';
import type { ShellHostOptions } from '../../../shared/remote/shell-host.ts';
import { createShellHost } from '../../../shared/remote/shell-host.ts';
import type { Transport } from '../../../shared/remote/transport.ts';

/** A command whose answer is its whole output. */
export function aCommand(
  script: string,
  more: Partial<RemoteCommand<CommandOutput>> = {},
): RemoteCommand<CommandOutput> {
  return {
    name: 'try-it',
    script,
    args: [],
    needs: 'user',
    budgetMs: 10_000,
    repeatable: false,
    parse: (output) => output,
    ...more,
  };
}

export function aStream(script: string, more: Partial<StreamCommand> = {}): StreamCommand {
  return { name: 'stream-it', script, args: [], needs: 'user', ...more };
}

/** Waits of the host itself take no time, so that tests of retries do not wait. */
export const hastyClock: Clock = {
  ...systemClock,
  async sleep(_ms, signal) {
    signal.throwIfAborted();
  },
};

export function aHost(transport: Transport, more: Partial<ShellHostOptions> = {}): RemoteHost {
  return createShellHost({
    name: 'db1',
    transport,
    sudo: 'none',
    logger: silentLogger,
    clock: hastyClock,
    askPassword: undefined,
    ...more,
  });
}
