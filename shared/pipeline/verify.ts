/** Looking after a repository: `check` judges its structure, `verify` proves it by reading all of it. Changes nothing. */
import type { Clock } from '../base/clock.ts';
import type { EmitEvent, Phase } from '../domain/events.ts';
import type { CheckReport } from '../domain/report.ts';
import { checkRepository } from '../repository/check.ts';
import type { OpenedRepository } from '../repository/opened-repository.ts';
import type { CheckResult } from '../repository/repository.ts';
import { verifyRepository } from '../repository/verify.ts';
import { phases } from './backup/phases.ts';

export interface VerifyPorts {
  openRepository(signal: AbortSignal): Promise<OpenedRepository>;
  readonly clock: Clock;
  readonly emit: EmitEvent;
}

/** Findings are part of the report; an error means that it could not be looked at. */
export function check(ports: VerifyPorts, signal: AbortSignal): Promise<CheckReport> {
  return examine('check', ports, signal, checkRepository);
}

export function verify(ports: VerifyPorts, signal: AbortSignal): Promise<CheckReport> {
  return examine('verify', ports, signal, (repository, held) =>
    verifyRepository(repository, {
      signal: held,
      onProgress: ({ packsDone, packsTotal, bytesDone, bytesTotal }) =>
        ports.emit({
          type: 'progress',
          phase: 'verify',
          filesDone: packsDone,
          filesTotal: packsTotal,
          bytesDone,
          bytesTotal,
        }),
    }),
  );
}

async function examine(
  kind: Extract<Phase, 'check' | 'verify'>,
  ports: VerifyPorts,
  signal: AbortSignal,
  look: (repository: OpenedRepository, signal: AbortSignal) => Promise<CheckResult>,
): Promise<CheckReport> {
  const phase = phases(ports.emit, ports.clock, signal);
  await using resources = new AsyncDisposableStack();
  const { repository, lock } = await phase('open', async () => {
    const opened = resources.use(await ports.openRepository(signal));
    return { repository: opened, lock: resources.use(await opened.lock('shared', signal)) };
  });
  const held = AbortSignal.any([signal, lock.signal]);
  const { packs, blobs, restorePoints, bytesRead, findings } = await phase(kind, () => look(repository, held));
  return { kind, packs, blobs, restorePoints: restorePoints.length, bytesRead, findings };
}
