/**
 * A transport whose connection breaks at a chosen step, for tests that ask what is left on a host. It breaks the
 * connection and not the program: as under an sshd that lost its client, what runs on the host gets no signal and goes
 * on, with closed pipes.
 */
import { connectionLost } from '../../../shared/remote/ssh/ssh-errors.ts';
import type { RemoteProcess, Transport } from '../../../shared/remote/transport.ts';
import { mustFire } from '../must-fire.ts';
import { Hearing } from './spoken-script.ts';
import { tapProcess } from './tapped-process.ts';

export interface Cut {
  /** Which command, counted from 0 in the order of `start`. */
  readonly command: number;
  /** Before it is started; once its whole script was sent; or once so many bytes of answer had come. */
  readonly at: 'start' | 'script-sent' | { readonly receivedBytes: number };
  /** Whether connecting again fails, too. */
  readonly forGood?: boolean;
}

export interface CuttingTransport extends Transport {
  /** How many commands were started. */
  started(): number;
}

export function cutTransport(inner: Transport, cut: Cut): CuttingTransport {
  const running = new Set<(error: Error) => void>();
  let started = 0;
  let fired = false;
  const fire = (): Error => {
    fired = true;
    const error = connectionLost('cut', 'the test cut it', undefined);
    for (const lose of running) lose(error);
    running.clear();
    return error;
  };
  mustFire(() => (fired ? undefined : `the cut of command ${cut.command}`));
  return {
    properties: inner.properties,
    started: () => started,
    async start(commandLine, signal) {
      if (fired && cut.forGood === true) throw connectionLost('cut', 'the test keeps it cut', undefined);
      const isDue = !fired && started === cut.command;
      started += 1;
      if (isDue && cut.at === 'start') throw fire();
      const { process, lose } = losable(await inner.start(commandLine, signal), isDue ? cut.at : undefined, fire);
      running.add(lose);
      process.exited.then(
        () => running.delete(lose),
        () => running.delete(lose),
      );
      return process;
    },
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}

function losable(
  inner: RemoteProcess,
  at: Cut['at'] | undefined,
  fire: () => void,
): { process: RemoteProcess; lose: (error: Error) => void } {
  let received = 0;
  // The chunk is still on its way to the host; it gets there before our side hears of the loss.
  const hearing = new Hearing({ told: () => void setImmediate(fire) });
  const tapped = tapProcess(inner, {
    sent(chunk) {
      if (at === 'script-sent') hearing.push(chunk);
    },
    received(chunk) {
      received += chunk.length;
      if (typeof at === 'object' && received >= at.receivedBytes) fire();
    },
  });
  const exit = Promise.withResolvers<Awaited<RemoteProcess['exited']>>();
  exit.promise.catch(() => undefined);
  inner.exited.then(exit.resolve, exit.reject);
  let isLost = false;
  return {
    process: { ...tapped, exited: exit.promise, kill: () => (isLost ? undefined : inner.kill()) },
    lose(error) {
      isLost = true;
      exit.reject(error);
      // The tapped streams take their sources with them: the program finds its pipes closed, as under sshd.
      for (const stream of [tapped.stdin, tapped.stdout, tapped.stderr]) stream.destroy(error);
      inner.stdin.destroy();
    },
  };
}
