/**
 * The host for the length of a run: its lease, and what is reported of the snapshots under it.
 *
 * Crash story: the run is written down before the lease is armed, so a reader that finds our process dead can name the
 * run to the next sweep. Releasing happens once, on a clock of its own, however the run ends; what it could not remove
 * is reported as `cleanup-failed` and left to the watchman and to the next sweep.
 */
import type { Clock } from '../../base/clock.ts';
import { toErrorRecord } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { EmitEvent } from '../../domain/events.ts';
import { FillWatch } from '../../domain/fill-forecast.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import { acquireLease, type Lease, type LeasePorts, type LeaseTerms, type Seen } from '../../snapshot/host/lease.ts';
import type { HostScripts } from '../../snapshot/host/scripts.ts';
import type { TakenSnapshot } from '../../snapshot/provider.ts';
import type { OwnRuns } from '../own-runs.ts';
import { freezeMs } from './snapshot-report.ts';

export interface HoldPorts {
  readonly host: RemoteHost;
  /** See `LeasePorts`. */
  readonly arming?: RemoteHost;
  readonly scripts: HostScripts;
  readonly runs: OwnRuns;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly emit: EmitEvent;
  /** For how long the snapshots are probably still read. */
  readonly readingLeftMs?: () => number | undefined;
}

export class HeldHost implements AsyncDisposable {
  readonly lease: Lease;
  readonly #terms: LeaseTerms;
  readonly #ports: HoldPorts;
  readonly #failure: { error?: unknown };
  #taken: readonly TakenSnapshot[] = [];
  readonly #fills = new Map<string, FillWatch>();
  #takenAtMs = 0;
  #released: Promise<void> | undefined;
  /** From the instant of the last snapshot to the release; 0 before that. */
  lifetimeMs = 0;

  private constructor(lease: Lease, terms: LeaseTerms, ports: HoldPorts, failure: { error?: unknown }) {
    this.lease = lease;
    this.#terms = terms;
    this.#ports = ports;
    this.#failure = failure;
  }

  static async acquire(terms: LeaseTerms, ports: HoldPorts, signal: AbortSignal): Promise<HeldHost> {
    const { host, arming, scripts, clock, logger, emit } = ports;
    const { run } = terms;
    await ports.runs.begin(run);
    emit({ type: 'lease-arming', host: host.name, run });
    const failure: { error?: unknown } = {};
    const onReleaseFailed = (error: unknown): void => {
      failure.error = error;
      emit({ type: 'cleanup-failed', what: `releasing run ${run} on ${host.name}`, error: toErrorRecord(error) });
    };
    const late: { held?: HeldHost } = {};
    const onSeen: LeasePorts['onSeen'] = (seen) => {
      if (late.held !== undefined) late.held.#see(seen);
    };
    const toArm = arming === undefined ? {} : { arming };
    const leasePorts = { host, ...toArm, scripts, clock, logger, onReleaseFailed, onSeen };
    const lease = await acquireLease(terms, leasePorts, signal).catch((error: unknown) => {
      // What half an arming had made was taken back, or it was said that this failed.
      if (!('error' in failure)) emit({ type: 'lease-released', host: host.name, run });
      throw error;
    });
    emit({ type: 'lease-armed', host: host.name, run, leaseMs: terms.leaseSeconds * 1000 });
    late.held = new HeldHost(lease, terms, ports, failure);
    return late.held;
  }

  /** Says when what fills will be full, where that is soon. */
  #see({ peaks, shares, uptimeSeconds }: Seen): void {
    const seen = [
      ...peaks.map((peak) => ({ ...peak, shares: undefined })),
      ...shares.map(({ where, what, limitBytes: totalBytes, ...share }) => ({
        ...{ ...share, totalBytes, shares: { where, what } },
      })),
    ];
    for (const { snapshot: id, usedBytes, totalBytes, shares: shared } of seen) {
      const taken = this.#taken.find((each) => each.id === id);
      // What has room of its own and no most cannot be full.
      const mostBytes = shared === undefined ? taken?.mostBytes : totalBytes;
      if (taken === undefined || mostBytes === undefined) continue;
      // Of two that share one thing one is enough.
      const key = shared === undefined ? id : `${shared.where} ${shared.what}`;
      const watch = this.#fills.get(key) ?? new FillWatch();
      this.#fills.set(key, watch);
      const { emit, host, readingLeftMs } = this.#ports;
      const terms = { mostBytes, readingLeftMs: readingLeftMs?.() };
      const forecast = watch.look({ uptimeSeconds, usedBytes, totalBytes }, terms);
      if (forecast === undefined) continue;
      const { volume, snapshot } = taken.planned;
      emit({ type: 'fill-forecast', host: host.name, volume, snapshot, shares: shared, ...forecast });
    }
  }

  /** After the release: what could not be removed or let go, by the words of the host. */
  get kept(): readonly string[] {
    const { kept = [] } = toErrorRecord(this.#failure.error ?? '').details ?? {};
    return (kept as readonly { readonly object: string }[]).map(({ object }) => object);
  }

  take(taken: readonly TakenSnapshot[]): void {
    this.#taken = taken;
    this.#takenAtMs = this.#ports.clock.monotonicMs();
    for (const snapshot of taken) {
      const { volume, snapshot: name, sizeBytes } = snapshot.planned;
      this.#ports.emit({
        type: 'snapshot-created',
        volume,
        snapshot: name,
        freezeMs: freezeMs(snapshot),
        sizeBytes,
      });
    }
  }

  /** These stay: they have other names by now, and go no more with the run. */
  keep(kept: readonly { readonly volume: string; readonly id: string }[]): void {
    this.#taken = [];
    for (const { volume, id } of kept) this.#ports.emit({ type: 'snapshot-kept', volume, snapshot: id });
  }

  /** Never rejects. */
  release(): Promise<void> {
    this.#released ??= this.#release();
    return this.#released;
  }

  async #release(): Promise<void> {
    const { emit, clock, host } = this.#ports;
    await this.lease[Symbol.asyncDispose]();
    if (this.#taken.length > 0) this.lifetimeMs = Math.round(clock.monotonicMs() - this.#takenAtMs);
    if ('error' in this.#failure) return;
    for (const { planned } of this.#taken) {
      const { volume, snapshot } = planned;
      emit({ type: 'snapshot-removed', volume, snapshot, lifetimeMs: this.lifetimeMs });
    }
    emit({ type: 'lease-released', host: host.name, run: this.#terms.run });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}
