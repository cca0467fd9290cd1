/** A restore as a job would make it, without the job: what it reported, how it failed, what it said on the way. */
import { tmpdir } from 'node:os';
import { never } from '../../shared/base/cancel.ts';
import { systemClock } from '../../shared/base/clock.ts';
import { toErrorRecord } from '../../shared/base/errors.ts';
import { silentLogger } from '../../shared/base/log.ts';
import type { RunEventBody } from '../../shared/domain/events.ts';
import type { Overwrite } from '../../shared/domain/restore-plan.ts';
import type { RestoreReport } from '../../shared/domain/verbs/restore.ts';
import { restore } from '../../shared/pipeline/restore.ts';
import { connectHost } from '../../shared/remote/connect-host.ts';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import { asNobody } from './remote/as-nobody.ts';
import { PASSWORD } from './test-repository.ts';

export interface RestoreOptions {
  readonly paths?: readonly (string | Buffer)[];
  readonly password?: string;
  /** By the hands of user 65534. */
  readonly asNobody?: boolean;
  readonly rename?: boolean;
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly strip?: number;
  readonly overwrite?: Overwrite;
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: RunEventBody) => void;
}

export interface Restored {
  readonly report: RestoreReport | undefined;
  readonly error: unknown;
  readonly events: readonly RunEventBody[];
}

/** Restores the latest restore point of the repository in `from` into `target`. */
export async function restoreFrom(from: string, target: string, options: RestoreOptions = {}): Promise<Restored> {
  const events: RunEventBody[] = [];
  const ports = {
    openHost: (signal: AbortSignal) =>
      connectHost(
        { name: 'here', ssh: undefined, sudo: 'none' },
        {
          prompter: undefined,
          logger: silentLogger,
          clock: systemClock,
          agentSocket: undefined,
          homeFolder: tmpdir(),
          ...(options.asNobody === true ? { wrapTransport: asNobody } : {}),
        },
        signal,
      ),
    openRepository: (signal: AbortSignal) =>
      openRepository(createLocalBackend(from), options.password ?? PASSWORD, signal),
    clock: systemClock,
    logger: silentLogger,
    emit: (event: RunEventBody) => {
      events.push(event);
      options.onEvent?.(event);
    },
  };
  const paths = (options.paths ?? []).map((path) => Buffer.from(path as string));
  const { include, exclude, strip, overwrite, dryRun } = options;
  const chosen = {
    ...(include && { include }),
    ...(exclude && { exclude }),
    ...(strip !== undefined && { strip }),
    ...(overwrite && { overwrite }),
    ...(dryRun && { dryRun }),
  };
  const request = { restorePoint: 'latest', paths, target, rename: options.rename === true, ...chosen };
  try {
    return { report: await restore(request, ports, options.signal ?? never), error: undefined, events };
  } catch (error) {
    return { report: undefined, error, events };
  }
}

/** "code: message" of an error of ours; empty where there is none. */
export function said(error: unknown): string {
  if (error === undefined) return '';
  const { code, message } = toErrorRecord(error);
  return `${code}: ${message}`;
}

export function warningsOf(events: readonly RunEventBody[]): readonly string[] {
  return events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
}
