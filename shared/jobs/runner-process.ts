/** What is around a runner when it is a process: its arguments, its pipes, its signals, and its exit code. */
import { closeSync, writeSync } from 'node:fs';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { cancelled, deadline, never } from '../base/cancel.ts';
import { systemClock } from '../base/clock.ts';
import { readEnvironment } from '../base/environment.ts';
import { StillpointError, toErrorRecord, toStillpointError } from '../base/errors.ts';
import { createLogger, registerSecret } from '../base/log.ts';
import { jobId } from '../domain/names.ts';
import { type Handover, handoverSchema } from './handover.ts';
import { JobStore } from './job-store.ts';
import type { RunnerReply } from './launch.ts';
import { claimJob, runJob } from './runner.ts';
import type { Verbs } from './verbs.ts';

const REPLY_FD = 3;
const HANDOVER_BUDGET_MS = 30_000;
/** After a fault in ourselves, cleaning up may take this long; then the process ends without it. */
const LAST_BUDGET_MS = 150_000;

/** Arguments: the state folder and the job's id. Ends the process. */
export async function runnerProcess(verbs: Verbs): Promise<never> {
  const logger = createLogger(({ level, message, fields }) => {
    process.stderr.write(`${JSON.stringify({ at: new Date().toISOString(), level, message, ...fields })}\n`);
  });
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => stop.abort(cancelled('The job', `its process was sent ${name}`)));
  }
  // A session of our own has no terminal that could hang up; a stray signal is not a cancel.
  process.on('SIGHUP', () => undefined);
  const onFault = (error: unknown): void => {
    logger.log('error', 'a fault in the runner', { error: String((error as Error | undefined)?.stack ?? error) });
    stop.abort(toStillpointError(error));
    setTimeout(() => process.exit(70), LAST_BUDGET_MS).unref();
  };
  process.on('uncaughtException', onFault);
  process.on('unhandledRejection', onFault);
  try {
    const [, , stateFolder = '', id = ''] = process.argv;
    const handover = await readHandover();
    rememberSecrets(handover);
    const store = await JobStore.open(stateFolder);
    const record = await claimJob(store, jobId(id));
    reply({ ready: true });
    const environment = readEnvironment();
    const ports = { store, verbs, environment, clock: systemClock, logger, signal: stop.signal };
    const { outcome } = await runJob(record, handover, ports);
    process.exit(outcome === 'succeeded' ? 0 : 1);
  } catch (error) {
    logger.log('error', 'the runner ends', { error: toErrorRecord(error) });
    reply({ error: toErrorRecord(error) });
    process.exit(70);
  }
}

let replied = false;

function reply(answer: RunnerReply): void {
  if (replied) return;
  replied = true;
  try {
    writeSync(REPLY_FD, `${JSON.stringify(answer)}\n`);
    closeSync(REPLY_FD);
  } catch {
    // The starter is gone. That is its own affair.
  }
}

async function readHandover(): Promise<Handover> {
  using limit = deadline(never, HANDOVER_BUDGET_MS, () => noHandover(undefined));
  const lines = createInterface({ input: process.stdin });
  try {
    const line = await new Promise<string>((resolve, reject) => {
      lines.once('line', resolve);
      lines.once('close', () => reject(noHandover(undefined)));
      limit.signal.addEventListener('abort', () => reject(limit.signal.reason as Error), { once: true });
    });
    return handoverSchema.parse(JSON.parse(line));
  } catch (error) {
    throw noHandover(error);
  } finally {
    lines.close();
    process.stdin.destroy();
  }
}

function rememberSecrets(handover: Handover): void {
  for (const { value } of handover.answers) registerSecret(value);
  for (const { password, store } of Object.values(handover.repositorySecrets)) {
    registerSecret(password);
    if (store !== undefined) registerSecret(store);
  }
}

function noHandover(cause: unknown): StillpointError {
  return new StillpointError('job.runner-failed', 'The starter of the job ended before it had said what to do.', {
    advice: 'Start the job again.',
    // The cause may quote the line, which holds secrets.
    cause: cause instanceof StillpointError ? cause : undefined,
  });
}
