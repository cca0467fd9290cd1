/** Looking after a repository: `check` judges its structure, `verify` proves it by reading all of it. Changes nothing. */
import type { Clock } from '../base/clock.ts';
import type { EmitEvent, Phase } from '../domain/events.ts';
import type { CheckReport, Finding } from '../domain/report.ts';
import type { VerifySubset } from '../domain/verify-subset.ts';
import { checkRepository } from '../repository/check/check.ts';
import { verifyRepository } from '../repository/check/verify.ts';
import type { OpenedRepository } from '../repository/opened-repository.ts';
import type { CheckResult, VerifyProgress } from '../repository/repository.ts';
import { phases } from './backup/phases.ts';
import { openResources } from './resources.ts';

export interface VerifyPorts {
  openRepository(signal: AbortSignal): Promise<OpenedRepository>;
  readonly clock: Clock;
  readonly emit: EmitEvent;
}

interface CheckSettings {
  /** Also compares the header of every pack with the index. */
  readonly headers?: boolean | undefined;
  readonly noLock?: boolean | undefined;
}

interface VerifySettings {
  /** Which share of the packs is read; all of them where there is none. */
  readonly subset?: VerifySubset | undefined;
  readonly noLock?: boolean | undefined;
}

/** Findings are part of the report; an error means that it could not be looked at. */
export function check(
  ports: VerifyPorts,
  { headers = false, noLock }: CheckSettings,
  signal: AbortSignal,
): Promise<CheckReport> {
  return examine({ kind: 'check', noLock }, ports, signal, (repository, held) =>
    checkRepository(repository, held, { headers, onProgress: progressOf('check', ports) }),
  );
}

export function verify(
  ports: VerifyPorts,
  { subset, noLock }: VerifySettings,
  signal: AbortSignal,
): Promise<CheckReport> {
  const share = subset === undefined ? {} : { subset };
  return examine({ kind: 'verify', noLock }, ports, signal, (repository, held) =>
    verifyRepository(repository, { signal: held, onProgress: progressOf('verify', ports), ...share }),
  );
}

function progressOf(phase: 'check' | 'verify', { emit }: VerifyPorts): (progress: VerifyProgress) => void {
  return ({ packsDone, packsTotal, bytesDone, bytesTotal }) =>
    emit({ type: 'progress', phase, filesDone: packsDone, filesTotal: packsTotal, bytesDone, bytesTotal });
}

async function examine(
  { kind, noLock }: { readonly kind: Extract<Phase, 'check' | 'verify'>; readonly noLock: boolean | undefined },
  ports: VerifyPorts,
  signal: AbortSignal,
  look: (repository: OpenedRepository, signal: AbortSignal) => Promise<CheckResult>,
): Promise<CheckReport> {
  const phase = phases(ports.emit, ports.clock, signal);
  await using resources = openResources(ports.emit);
  const { repository, lock } = await phase('open', async () => {
    const opened = resources.use(await ports.openRepository(signal));
    return {
      repository: opened,
      lock: resources.use(await opened.lockForReading(signal, { noLock: noLock === true })),
    };
  });
  const held = AbortSignal.any([signal, lock.signal]);
  const { restorePoints, findings, ...result } = await phase(kind, () => look(repository, held));
  const unlocked = lock.absence === undefined ? [] : [withoutLock(lock.absence)];
  return { kind, restorePoints: restorePoints.length, findings: [...findings, ...unlocked], ...result };
}

/** What another process prunes meanwhile looks like damage. */
function withoutLock(absence: string): Finding {
  const advice =
    'If something is called missing here, look again before you repair: it may have been pruned meanwhile.';
  return { severity: 'information', message: absence, affects: [], advice };
}
