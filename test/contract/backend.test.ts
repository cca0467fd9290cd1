import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { never } from '../../shared/base/cancel.ts';
import { silentLogger } from '../../shared/base/log.ts';
import type { Backend } from '../../shared/repository/backend/backend.ts';
import { withCache } from '../../shared/repository/backend/cache.ts';
import { createThrottle, withBandwidth, withConnections } from '../../shared/repository/backend/limit.ts';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { PATIENCE } from '../../shared/repository/backend/patience.ts';
import { withRetries } from '../../shared/repository/backend/retry.ts';
import { type BackendFixture, tamperInFolder } from '../support/backend-fixture.ts';
import { createMemoryBackend } from '../support/stores/memory.ts';
import { TestClock } from '../support/test-clock.ts';
import { backendContract } from './backend.ts';

async function localFixture(): Promise<BackendFixture> {
  const folder = await mkdtemp(path.join(tmpdir(), 'stillpoint-backend-'));
  const repository = path.join(folder, 'repository');
  return {
    backend: createLocalBackend(repository),
    tamper: tamperInFolder(repository),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Memory has no outside: what is stored is changed through the port itself. */
async function memoryFixture(): Promise<BackendFixture> {
  const backend = createMemoryBackend();
  return {
    backend,
    async tamper(file, change) {
      const changed = change(await backend.load(file, undefined, never));
      if (changed === undefined) await backend.remove(file, never);
      else await backend.save(file, [changed], never);
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

function wrapped(wrap: (backend: Backend) => Backend): () => Promise<BackendFixture> {
  return async () => {
    const { backend, ...rest } = await memoryFixture();
    return { ...rest, backend: wrap(backend) };
  };
}

/** Copies may be deleted at any time, and what is changed behind them is looked for without them. */
async function cachedFixture(): Promise<BackendFixture> {
  const folder = await mkdtemp(path.join(tmpdir(), 'stillpoint-cache-'));
  const inner = await memoryFixture();
  return {
    backend: withCache(inner.backend, { folder: path.join(folder, 'near'), maxBytes: 1024 ** 2 }, silentLogger),
    async tamper(file, change) {
      await inner.tamper(file, change);
      await rm(path.join(folder, 'near'), { recursive: true, force: true });
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

backendContract('local', localFixture);
backendContract('cached', cachedFixture);
backendContract('memory', memoryFixture);
backendContract(
  'retrying',
  wrapped((backend) => withRetries(backend, { clock: new TestClock(), logger: silentLogger, policy: PATIENCE.job })),
);
backendContract(
  'limited',
  wrapped((backend) => {
    const throttle = createThrottle({ uploadKiBps: 100, downloadKiBps: 100 }, new TestClock());
    return withConnections(withBandwidth(backend, throttle), 1);
  }),
);
