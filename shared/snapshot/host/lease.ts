/**
 * A lease: our time-limited claim on a host. While it lives, a watchman on the host guards the snapshots; we renew it
 * by a command that also brings back what the guard saw. When we vanish, he removes everything at the expiry.
 *
 * Invariants: nothing is made on the host before the watchman runs; a lease that was lost is never taken up again,
 * because what it protected may be gone already; one renewal at a time; releasing runs on its own clock.
 */
import { formatBytes } from '../../base/bytes.ts';
import { cleanupSignal } from '../../base/cancel.ts';
import type { Clock } from '../../base/clock.ts';
import { isStillpointError, StillpointError, toStillpointError } from '../../base/errors.ts';
import { Semaphore } from '../../base/limit.ts';
import type { Logger } from '../../base/log.ts';
import type { OwnerId, RunId } from '../../domain/names.ts';
import { lastLines } from '../../remote/host-errors.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import { RUN_ROOT } from '../../remote/run-root.ts';
import { identityChanged } from '../identity-changed.ts';
import { type ArmedHost, armLease, type ReapResult, releaseLease, renewLease } from './commands.ts';
import type { GuardReading, LeaseState, Threat } from './lease-state.ts';
import type { HostScripts } from './scripts.ts';

/** What the guard saw, and when: the host's uptime in seconds. */
export interface Seen extends Pick<LeaseState, 'peaks' | 'shares'> {
  readonly uptimeSeconds: number;
}

export interface LeasePorts {
  /**
   * Where the commands of the lease run. Should be a connection that carries no content: on a slow line a renewal would
   * wait behind it for longer than the lease, and a server that allows one session has none left for it.
   */
  readonly host: RemoteHost;
  /** The same, for arming alone: where a lease is taken up, what the host had answered to that. */
  readonly arming?: RemoteHost;
  readonly scripts: HostScripts;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called when releasing failed; the watchman then finishes it when the lease expires. */
  readonly onReleaseFailed: (error: unknown) => void;
  /** Called with what the guard saw, each time that the lease is renewed. */
  readonly onSeen?: (seen: Seen) => void;
}

export interface LeaseTerms {
  readonly run: RunId;
  readonly owner: OwnerId;
  readonly leaseSeconds: number;
  readonly mounts: number;
  readonly holds: number;
  /** See `ArmRequest`. */
  readonly who?: string;
}

export interface Lease extends AsyncDisposable {
  readonly armed: ArmedHost;
  /** Aborts with `snapshot.lease-lost`, `.full`, `.given-up` or `.identity-changed`. Join it with the signal of the reading. */
  readonly signal: AbortSignal;
  /** The most that the guard saw in use, by the snapshot's id on the host. */
  readonly peaks: ReadonlyMap<string, GuardReading>;
  /** Renews now; throws what `signal` would abort with. */
  renew(signal: AbortSignal): Promise<void>;
  /** Removes everything on the host and ends the watchman. A second call does nothing. */
  release(): Promise<ReapResult>;
}

export async function acquireLease(terms: LeaseTerms, ports: LeasePorts, signal: AbortSignal): Promise<Lease> {
  try {
    const armed = await (ports.arming ?? ports.host).run(armLease(ports.scripts, terms), signal);
    return new HostLease(terms, ports, armed);
  } catch (error) {
    // Where we may not be root, nothing was begun and nothing can be taken back.
    if (isStillpointError(error, 'remote.sudo-refused')) throw error;
    // Half an arming may be there: the folder without a watchman. Nothing else exists yet.
    try {
      assertGone(
        await ports.host.run(releaseLease(ports.scripts, terms.run, terms.owner), cleanupSignal()),
        ports.host.name,
      );
    } catch (failure) {
      ports.onReleaseFailed(failure);
    }
    throw armingError(error, ports.host.name);
  }
}

const PAUSE_AFTER_FAILURE_MS = 5_000;
/** So often what fills is looked at. */
const LOOK_MS = 30_000;

class HostLease implements Lease {
  readonly armed: ArmedHost;
  readonly peaks = new Map<string, GuardReading>();
  readonly #terms: LeaseTerms;
  readonly #ports: LeasePorts;
  readonly #lost = new AbortController();
  readonly #stopRenewing = new AbortController();
  readonly #turn = new Semaphore(1);
  readonly #renewing: Promise<void>;
  #released: Promise<ReapResult> | undefined;
  #fills = false;

  constructor(terms: LeaseTerms, ports: LeasePorts, armed: ArmedHost) {
    this.#terms = terms;
    this.#ports = ports;
    this.armed = armed;
    this.#renewing = this.#keepRenewing();
  }

  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  async renew(signal: AbortSignal): Promise<void> {
    using _turn = await this.#turn.acquire(signal);
    const state = await this.#ports.host.run(renewLease(this.#terms.run, this.#terms.leaseSeconds), signal);
    for (const reading of state.peaks) this.peaks.set(reading.snapshot, reading);
    const { peaks, shares, uptimeSeconds } = state;
    if (uptimeSeconds !== undefined) this.#ports.onSeen?.({ peaks, shares, uptimeSeconds });
    this.#fills ||= peaks.length + shares.length > 0;
    const failure = failureOf(state, this.#ports.host.name);
    if (failure === undefined) return;
    this.#lost.abort(failure);
    throw failure;
  }

  /**
   * Renews at a quarter of the lease, more often while something fills, and sooner after a renewal that failed: each may be
   * the one that comes through.
   */
  async #keepRenewing(): Promise<void> {
    const stop = this.#stopRenewing.signal;
    const quarterMs = (this.#terms.leaseSeconds * 1000) / 4;
    const lookMs = Math.min(quarterMs, LOOK_MS);
    // The first look tells whether anything fills.
    let pauseMs = lookMs;
    while (!stop.aborted && !this.#lost.signal.aborted) {
      try {
        await this.#ports.clock.sleep(pauseMs, stop);
        pauseMs = Math.min(quarterMs, PAUSE_AFTER_FAILURE_MS);
        await this.renew(stop);
        pauseMs = this.#fills ? lookMs : quarterMs;
      } catch (error) {
        if (!stop.aborted)
          this.#ports.logger.log('warn', 'The lease could not be renewed.', {
            error: toStillpointError(error).message,
          });
      }
    }
  }

  release(): Promise<ReapResult> {
    this.#released ??= this.#release();
    return this.#released;
  }

  async #release(): Promise<ReapResult> {
    this.#stopRenewing.abort();
    await this.#renewing;
    const { host, scripts } = this.#ports;
    return await host.run(releaseLease(scripts, this.#terms.run, this.#terms.owner), cleanupSignal(120_000));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      assertGone(await this.release(), this.#ports.host.name);
    } catch (error) {
      this.#ports.onReleaseFailed(error);
    }
  }
}

function assertGone({ kept }: ReapResult, host: string): void {
  if (kept.length === 0) return;
  const list = kept.map(({ object, reason }) => `"${object}" (${reason})`).join(', ');
  throw new StillpointError('snapshot.busy', `On "${host}" this could not be removed: ${list}.`, {
    advice: 'Where it is in use, the watchman tries again until it is gone; see what the next sweep says.',
    details: { host, kept },
    cause: undefined,
  });
}

function failureOf(state: LeaseState, host: string): StillpointError | undefined {
  const [full] = state.full;
  const [gone] = state.gone;
  if (state.threat !== undefined) return givenUp(state.threat, host);
  if (full !== undefined) {
    return new StillpointError(
      'snapshot.full',
      `The snapshot "${full}" on "${host}" filled up while it was being read.`,
      {
        advice:
          'More was written to the origin than the snapshot had room for; the origin itself is not affected by that. Give the storage more free space, or run at a quieter time.',
        details: { snapshot: full, host },
        cause: undefined,
      },
    );
  }
  if (gone !== undefined && state.state === 'alive') {
    return identityChanged(gone, host, { seenBy: 'the watchman' });
  }
  if (state.state === 'alive') return undefined;
  if (state.state === 'unwatched') {
    return new StillpointError(
      'snapshot.lease-lost',
      `The watchman on "${host}" that cleans up after us is gone; something ended it.`,
      {
        advice: 'Find out what ends our processes there, then run the backup again.',
        details: { host },
        cause: undefined,
      },
    );
  }
  return new StillpointError(
    'snapshot.lease-lost',
    `The lease on "${host}" ended before the reading did; at its end the host removes our snapshots by itself.`,
    {
      advice:
        'The connection was probably away for longer than the lease. Run the backup again; "leaseSeconds" of the host can be raised.',
      details: { host },
      cause: undefined,
    },
  );
}

function givenUp({ snapshot, where, what, usedBytes, totalBytes }: Threat, host: string): StillpointError {
  const percent = Math.floor((usedBytes / totalBytes) * 100);
  const state =
    totalBytes === 0
      ? `"${where}" was in the state "${what}"`
      : `the ${what} of "${where}" was ${percent} % full (${formatBytes(usedBytes)} of ${formatBytes(totalBytes)})`;
  return new StillpointError(
    'snapshot.given-up',
    `The watchman on "${host}" gave up the snapshot "${snapshot}" while it was being read, for the sake of its origin: ${state}.`,
    {
      advice: `Whatever is written to "${where}" while a snapshot is there takes more of its room than usual. Give it more, or run at a quieter time; "stillpoint inspect ${host}" shows what it has.`,
      details: { host, snapshot, where, what, usedBytes, totalBytes },
      cause: undefined,
    },
  );
}

function armingError(error: unknown, host: string): unknown {
  const known = toStillpointError(error);
  if (known.code !== 'remote.command-failed') return error;
  if (known.details['exitCode'] === 71) {
    return noControlFiles(known.details, host);
  }
  if (known.details['exitCode'] === 73) {
    return new StillpointError(
      'host.read-only-runtime',
      `"${RUN_ROOT}" on "${host}" is not a folder in which root alone can write, which is what control files need.`,
      {
        advice: `No backup made it so. See who did with "ls -ld ${RUN_ROOT}" on the host, and remove it while no backup runs.`,
        details: known.details,
        cause: error,
      },
    );
  }
  return new StillpointError(
    'snapshot.create-failed',
    `The watchman that cleans up after us did not start on "${host}".`,
    {
      advice: 'It needs unshare(1), mount(8) and the right to make a mount namespace; see the details.',
      details: known.details,
      cause: error,
    },
  );
}

/** What the host said to a file of ours that could not be written. */
export function noControlFiles(failed: Readonly<Record<string, unknown>>, host: string): StillpointError {
  return new StillpointError(
    'host.read-only-runtime',
    `Stillpoint's short-lived control files cannot be written under /run on "${host}".${lastLines(failed['stderr'])}`,
    {
      advice: '/run must be writable and have room; look at "df /run", "df -i /run" and "findmnt /run" on the host.',
      details: failed,
      cause: undefined,
    },
  );
}
