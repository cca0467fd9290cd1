/**
 * Waits for a host whose connection was lost: a laptop's lid was closed, or a line was down. What the run holds there lives as
 * long as its lease, and the watchman sees to that, so until then nothing is lost with a connection but time.
 *
 * Invariant: a command that must not run twice is not repeated here either.
 */
import type { Clock } from '../../base/clock.ts';
import { StillpointError, toStillpointError } from '../../base/errors.ts';
import type { EmitEvent } from '../../domain/events.ts';
import type { RemoteCommand } from '../../remote/command.ts';
import { isLostConnection } from '../../remote/host-errors.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';

export interface Patience {
  /** The same host, which outlasts a lost connection where what it is asked may be asked again. */
  readonly host: RemoteHost;
  /**
   * Does work again that was lost with its connection, until the lease must be over by our clock: `snapshot.lease-lost`.
   */
  outlast<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /**
   * After a loss in the middle of content, waits until the host answers this. Where nothing came since the last times, there
   * is a connection and it is no good: the loss is thrown.
   * @param came how many bytes of the content are there
   */
  after<T>(lost: unknown, came: number, command: RemoteCommand<T>, signal: AbortSignal): Promise<T>;
}

export interface PatiencePorts {
  readonly host: RemoteHost;
  readonly leaseSeconds: number;
  readonly clock: Clock;
  readonly emit: EmitEvent;
}

function isOver(host: string, leaseSeconds: number, cause: StillpointError): StillpointError {
  return new StillpointError(
    'snapshot.lease-lost',
    `"${host}" could not be reached for longer than the lease of ${leaseSeconds} s, so the run is over; the host removes our snapshots by itself.`,
    {
      advice: `See why it could not: ${cause.message} Run the backup again; "leaseSeconds" of the host can be raised.`,
      details: { host, leaseSeconds },
      cause,
    },
  );
}

/** A connection that is tried takes some seconds by itself. */
const PAUSE_MS = 3_000;

const MOST_FRUITLESS = 3;

export function patienceWith({ host, leaseSeconds, clock, emit }: PatiencePorts): Patience {
  const leaseMs = leaseSeconds * 1000;
  const again = async <T>(lost: unknown, work: () => Promise<T>, signal: AbortSignal): Promise<T> => {
    const sinceMs = clock.monotonicMs();
    emit({ type: 'connection-lost', host: host.name, leaseMs });
    for (let last = toStillpointError(lost); ; ) {
      signal.throwIfAborted();
      if (clock.monotonicMs() - sinceMs > leaseMs) throw isOver(host.name, leaseSeconds, last);
      try {
        const value = await work();
        emit({ type: 'connection-back', host: host.name, lostMs: Math.round(clock.monotonicMs() - sinceMs) });
        return value;
      } catch (error) {
        if (signal.aborted || !isLostConnection(error)) throw error;
        last = error;
      }
      await clock.sleep(PAUSE_MS, signal);
    }
  };
  const outlast: Patience['outlast'] = async (work, signal) => {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted || !isLostConnection(error)) throw error;
      return await again(error, work, signal);
    }
  };
  const patient: RemoteHost = {
    name: host.name,
    run: <T>(command: RemoteCommand<T>, signal: AbortSignal) =>
      command.repeatable ? outlast(() => host.run(command, signal), signal) : host.run(command, signal),
    stream: (command, input, signal) => host.stream(command, input, signal),
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  };
  let fruitless = 0;
  let lastCame: number | undefined;
  const after: Patience['after'] = async (lost, came, command, signal) => {
    fruitless = came === lastCame ? fruitless + 1 : 0;
    lastCame = came;
    if (fruitless === MOST_FRUITLESS) throw lost;
    return await again(lost, () => host.run(command, signal), signal);
  };
  return { host: patient, outlast, after };
}
