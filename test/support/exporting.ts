/** An export of this machine as a job would make it, without the job and without SSH: what it reported and said. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { never } from '../../shared/base/cancel.ts';
import { systemClock } from '../../shared/base/clock.ts';
import { silentLogger } from '../../shared/base/log.ts';
import { consequencesOf } from '../../shared/domain/consequences.ts';
import type { RunEventBody } from '../../shared/domain/events.ts';
import { foldFacts } from '../../shared/domain/fold-facts.ts';
import type { HostName } from '../../shared/domain/names.ts';
import { NO_FACTS } from '../../shared/domain/run-facts.ts';
import type { ExportReport, ExportTarget } from '../../shared/domain/verbs/export.ts';
import { exportSource } from '../../shared/pipeline/export.ts';
import type { RemoteHost } from '../../shared/remote/remote-host.ts';
import { REGISTRY } from '../../shared/snapshot/registry.ts';
import { type BackupOrder, HOST, OWNER, openHere, sourceOf } from './backing-up.ts';
import { noRuns } from './pipeline/no-runs.ts';

export interface ExportOrder extends Omit<BackupOrder, 'repository' | 'workFolder'> {
  readonly to: ExportTarget;
  /** A folder in which the run gets one of its own. */
  readonly workFolder: string;
  readonly onEvent?: (event: RunEventBody) => void;
  readonly openKeeper?: (host: HostName | undefined, signal: AbortSignal) => Promise<RemoteHost>;
}

export interface Exported {
  readonly report: ExportReport | undefined;
  readonly error: unknown;
  readonly events: readonly RunEventBody[];
  /** What a person is told of an end before its time. */
  readonly words: string;
}

export async function exportHere(order: ExportOrder): Promise<Exported> {
  const events: RunEventBody[] = [];
  const emit = (event: RunEventBody): void => {
    events.push(event);
    order.onEvent?.(event);
  };
  await mkdir(order.workFolder, { recursive: true });
  const workFolder = await mkdtemp(join(order.workFolder, 'run-'));
  const ports = {
    ...{ openHost: order.openHost ?? openHere(order), registry: order.registry ?? REGISTRY },
    ...{ owner: OWNER, runs: noRuns(), clock: systemClock, logger: silentLogger, emit, workFolder },
    openKeeper: order.openKeeper ?? ((_: HostName | undefined, signal: AbortSignal) => openHere({})(signal)),
  };
  const source = sourceOf(order);
  const request = { source, host: HOST, to: order.to, acceptClockSkew: false };
  const told = (): string => {
    const facts = events.reduce(foldFacts, NO_FACTS);
    return consequencesOf({ kind: 'export', source: source.name, to: order.to }, facts).join(' ');
  };
  try {
    const report = await exportSource(request, ports, order.signal ?? never);
    return { report, error: undefined, events, words: told() };
  } catch (error) {
    return { report: undefined, error, events, words: told() };
  } finally {
    await rm(workFolder, { recursive: true });
  }
}
