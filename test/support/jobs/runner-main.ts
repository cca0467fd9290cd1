/**
 * A runner as the product's, with small verbs that do what a test wants. A backup waits until the file `<source>.go`
 * appears in the user's home folder and leaves marks there of what it did.
 */
import { existsSync } from 'node:fs';
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { cleanupSignal, never } from '../../../shared/base/cancel.ts';
import { StillpointError } from '../../../shared/base/errors.ts';
import { newRunId } from '../../../shared/domain/names.ts';
import { runnerProcess } from '../../../shared/jobs/runner-process.ts';
import type { VerbPorts, Verbs } from '../../../shared/jobs/verbs.ts';

const POINT = 'ab'.repeat(32);
/** Nobody looks into it. */
const RESULT = { kind: 'sweep', removed: [], kept: [] } as never;

async function mark({ environment }: VerbPorts, line: string): Promise<void> {
  await appendFile(join(environment.home, 'marks'), `${line}\n`);
}

const VERBS: Verbs = {
  backup: async ({ source }, ports, signal) => {
    const { emit, clock, environment } = ports;
    emit({ type: 'phase-started', phase: 'read' });
    const run = newRunId();
    await ports.runs.begin(run);
    const released = { type: 'lease-released', host: 'db1', run } as const;
    if (/-(late|saved)$/.test(source)) emit({ type: 'restore-point-saved', repository: 'main', restorePoint: POINT });
    if (source.endsWith('-saving'))
      emit({ type: 'restore-point-changing', repository: 'main', restorePoint: POINT, wanted: 'saved' });
    await mark(ports, `begin ${source}`);
    try {
      const heeded = source.endsWith('-late') ? never : signal;
      while (!existsSync(join(environment.home, `${source}.go`))) await clock.sleep(10, heeded);
    } catch (error) {
      // What a real verb does on the host when it is stopped.
      await clock.sleep(200, cleanupSignal());
      await mark(ports, `cleaned ${source}`);
      emit(released);
      throw error;
    }
    await mark(ports, `end ${source}`);
    emit({ type: 'phase-finished', phase: 'read', durationMs: 1 });
    if (!source.endsWith('-unclean')) emit(released);
    else {
      emit({
        type: 'cleanup-failed',
        what: 'removing',
        error: { code: 'snapshot.busy', message: 'm', advice: 'a', details: {} },
      });
    }
    return RESULT;
  },
  copy: () => Promise.resolve(RESULT),
  export: () => Promise.resolve(RESULT),
  repair: () => Promise.resolve(RESULT),
  'keep-snapshots': () => Promise.resolve(RESULT),
  'drop-snapshots': () => Promise.resolve(RESULT),
  restore: async ({ target, repository }, ports, signal) => {
    const { password: secret, store } = ports.repositorySecrets(repository);
    if (target === '/throw') throw new Error(`the foreign library says: bad key ${secret}`);
    if (target === '/fault') {
      setTimeout(() => {
        throw new Error('nobody catches this');
      }, 1);
      await ports.clock.sleep(60_000, signal);
    }
    const asked = await ports.prompter.ask(
      { kind: 'sudo-password', subject: 'db1', key: 'bak', text: '?', echo: false },
      cleanupSignal(),
    );
    const place = `${process.argv.join(' ')} ${await readFile('/proc/self/environ', 'utf8')}`;
    const seen = [secret, store, asked].map((value) => value !== undefined && place.includes(value));
    await mark(ports, `knows ${secret.length} ${store?.length ?? 0} ${asked?.length ?? 0}, shows ${seen.join(' ')}`);
    return RESULT;
  },
  check: async (_request, { emit, clock }, signal) => {
    emit({ type: 'phase-started', phase: 'check' });
    for (let done = 1; done <= 1000; done += 1) {
      emit({
        type: 'progress',
        phase: 'check',
        filesDone: done,
        filesTotal: 1000,
        bytesDone: 0,
        bytesTotal: undefined,
      });
      await clock.sleep(1, signal);
    }
    emit({ type: 'phase-finished', phase: 'check', durationMs: 1 });
    return RESULT;
  },
  forget: () => Promise.resolve(RESULT),
  prune: () => Promise.resolve(RESULT),
  verify: () => {
    throw new StillpointError('repository.wrong-password', 'No key opens.', { advice: 'Try again.', cause: undefined });
  },
  sweep: async ({ host }, ports) => {
    const dead = await ports.runs.dead();
    await mark(ports, ['sweep', host, ...(dead.length === 0 ? [] : [`of ${dead.length} dead`])].join(' '));
    await ports.runs.swept({ removed: [], kept: [] });
    return RESULT;
  },
};

await runnerProcess(VERBS);
