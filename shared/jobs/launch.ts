/**
 * Starts the process that runs a job and lets go of it. The process is the leader of a session of its own with its
 * output in files, so neither the end of its starter, nor Ctrl-C, nor the closing of a terminal reaches it. What it
 * needs to know in secret comes through its standard input; the pipe on descriptor 3 brings back one line: that it has
 * taken over, or why it cannot. After that line nothing connects the two.
 */
import { spawn } from 'node:child_process';
import { type FileHandle, open } from 'node:fs/promises';
import process from 'node:process';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { deadline } from '../base/cancel.ts';
import { childEnvironment } from '../base/environment.ts';
import { type ErrorRecord, fromErrorRecord, StillpointError } from '../base/errors.ts';
import type { Job } from '../domain/job.ts';
import type { JobId } from '../domain/names.ts';
import { verbOf } from '../domain/verbs/verbs.ts';
import { storeError } from './files.ts';
import type { Handover } from './handover.ts';
import type { JobStore } from './job-store.ts';

/** How long a runner may take from its start to its word; a loaded small machine takes seconds to start Node. */
const START_BUDGET_MS = 60_000;

const replySchema = z.union([
  z.object({ ready: z.literal(true) }),
  z.object({
    error: z.object({
      code: z.string(),
      message: z.string(),
      advice: z.string(),
      details: z.record(z.string(), z.unknown()),
    }),
  }),
]);
export type RunnerReply = { readonly ready: true } | { readonly error: ErrorRecord };

/**
 * What a runner moves lies in buffers outside the heap, and V8's usual generosity only holds dead ones longer. With a young generation
 * of 8 MiB a backup of 20,000 small files takes a tenth less processor time than with one of 2, and a larger one gains nothing; a heap
 * that grows slowly costs a twentieth, and keeps the peak of 200,000 files at 360 MiB instead of 450.
 */
export const SMALL_HEAP: readonly string[] = ['--max-semi-space-size=8', '--heap-growing-percent=60'];
/**
 * glibc gives each thread room of its own, and keeps what was freed in each. With two such rooms a runner that packs takes no more than
 * where every large buffer is mapped by itself, which costs a tenth of the processor time of small files.
 */
export const GIVE_BACK = { MALLOC_ARENA_MAX: '2' };

/** Resolves when the runner answers for the job. Errors: `job.runner-failed` and what the runner itself says. */
export async function launchRunner(
  store: JobStore,
  { id, request }: Pick<Job, 'id' | 'request'>,
  handover: Handover,
  entry: URL = new URL('./runner-main.ts', import.meta.url),
): Promise<void> {
  await using log = await openLog(store.path(id, 'runner.log'));
  const inEditor = process.versions['electron'] !== undefined;
  const memory = verbOf(request).changes.includes('repository') ? GIVE_BACK : {};
  const child = spawn(process.execPath, [...(inEditor ? [] : SMALL_HEAP), fileURLToPath(entry), store.folder, id], {
    detached: true,
    cwd: '/',
    stdio: ['pipe', log.fd, log.fd, 'pipe'],
    // Inside an editor our own program is Electron, which behaves as Node only when it is asked to.
    env: childEnvironment({ ...memory, ...(inEditor ? { ELECTRON_RUN_AS_NODE: '1' } : {}) }),
  });
  const reply = child.stdio[3] as Readable;
  const failed = new Promise<never>((_, reject) => {
    child.once('error', (cause) => reject(runnerFailed(id, `cannot be started (${cause.message})`, '', cause)));
  });
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(`${JSON.stringify(handover)}\n`);
  using limit = deadline(new AbortController().signal, START_BUDGET_MS, () =>
    runnerFailed(id, `said nothing for ${START_BUDGET_MS / 1000} s`, '', undefined),
  );
  limit.signal.addEventListener('abort', () => reply.destroy(limit.signal.reason as Error), { once: true });
  try {
    const parsed = parseReply(await Promise.race([text(reply), failed]));
    if (parsed === undefined) {
      const said = await readLog(store.path(id, 'runner.log'));
      throw runnerFailed(id, 'ended at once', said, undefined);
    }
    if ('error' in parsed) throw fromErrorRecord(parsed.error);
  } catch (error) {
    child.kill('SIGTERM');
    throw error;
  } finally {
    child.stdin?.destroy();
    reply.destroy();
    child.unref();
  }
}

function parseReply(line: string): RunnerReply | undefined {
  try {
    return replySchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

async function openLog(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'a', 0o600);
  } catch (error) {
    throw storeError(path, error);
  }
}

async function readLog(path: string): Promise<string> {
  await using log = await openLog(path);
  const { size } = await log.stat();
  await using file = await open(path, 'r');
  const buffer = Buffer.alloc(Math.min(size, 2048));
  await file.read(buffer, 0, buffer.length, size - buffer.length);
  return buffer.toString('utf8').trim();
}

function runnerFailed(id: JobId, what: string, output: string, cause: unknown): StillpointError {
  return new StillpointError('job.runner-failed', `The process for job "${id}" ${what}.`, {
    advice:
      output === ''
        ? 'Start it again; if it fails again, report it with runner.log from the folder of the job.'
        : `It printed: ${output}`,
    details: { job: id, output },
    cause,
  });
}
