/** Looking after a repository: `check` judges its structure, `verify` proves it by reading all of it. Changes nothing. */
import type { Finding } from '../domain/finding.ts';
import type { CheckJobRequest, CheckReport } from '../domain/verbs/check.ts';
import type { VerifyJobRequest, VerifyReport } from '../domain/verbs/verify.ts';
import { checkRepository } from '../repository/check/check.ts';
import { verifyRepository } from '../repository/check/verify.ts';
import type { OpenedRepository } from '../repository/opened-repository.ts';
import type { CheckResult, VerifyProgress } from '../repository/repository.ts';
import { phases } from './backup/phases.ts';
import type { MaintenancePorts } from './maintenance.ts';
import { openResources } from './resources.ts';

/** Findings are part of the report; an error means that it could not be looked at. */
export async function check(
  ports: MaintenancePorts,
  { headers = false, noLock }: Pick<CheckJobRequest, 'headers' | 'noLock'>,
  signal: AbortSignal,
): Promise<CheckReport> {
  const seen = await examine('check', noLock, ports, signal, (repository, held) =>
    checkRepository(repository, held, { headers, onProgress: progressOf('check', ports) }),
  );
  return { kind: 'check', ...seen };
}

export async function verify(
  ports: MaintenancePorts,
  { subset, noLock }: Pick<VerifyJobRequest, 'subset' | 'noLock'>,
  signal: AbortSignal,
): Promise<VerifyReport> {
  const share = subset === undefined ? {} : { subset };
  const seen = await examine('verify', noLock, ports, signal, (repository, held) =>
    verifyRepository(repository, { signal: held, onProgress: progressOf('verify', ports), ...share }),
  );
  return { kind: 'verify', ...seen };
}

type Examination = 'check' | 'verify';

function progressOf(phase: Examination, { emit }: MaintenancePorts): (progress: VerifyProgress) => void {
  return ({ packsDone, packsTotal, bytesDone, bytesTotal }) =>
    emit({ type: 'progress', phase, filesDone: packsDone, filesTotal: packsTotal, bytesDone, bytesTotal });
}

async function examine(
  examination: Examination,
  noLock: boolean | undefined,
  ports: MaintenancePorts,
  signal: AbortSignal,
  look: (repository: OpenedRepository, signal: AbortSignal) => Promise<CheckResult>,
): Promise<Omit<VerifyReport, 'kind'>> {
  const phase = phases<Examination>(ports.emit, ports.clock, signal);
  await using resources = openResources(ports.emit);
  const { repository, lock } = await phase('open', async () => {
    const opened = resources.use(await ports.openRepository(signal));
    return {
      repository: opened,
      lock: resources.use(await opened.lockForReading(signal, { noLock: noLock === true })),
    };
  });
  const held = AbortSignal.any([signal, lock.signal]);
  const { restorePoints, findings, ...result } = await phase(examination, () => look(repository, held));
  const unlocked = lock.absence === undefined ? [] : [withoutLock(lock.absence)];
  return { restorePoints: restorePoints.length, findings: [...findings, ...unlocked], ...result };
}

/** What another process prunes meanwhile looks like damage. */
function withoutLock(absence: string): Finding {
  const advice =
    'If something is called missing here, look again before you repair: it may have been pruned meanwhile.';
  return { severity: 'information', message: absence, affects: [], advice };
}
