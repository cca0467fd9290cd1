import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { createMemoryBackend } from '../../shared/repository/backend/memory.ts';
import { FaultPlan, withFaults } from '../support/fault-plan.ts';
import { type BackendFixture, backendContract } from './backend.ts';

async function localFixture(): Promise<BackendFixture> {
  const folder = await mkdtemp(path.join(tmpdir(), 'stillpoint-backend-'));
  return {
    backend: createLocalBackend(path.join(folder, 'repository')),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

const memoryFixture = async (): Promise<BackendFixture> => ({
  backend: createMemoryBackend(),
  [Symbol.asyncDispose]: async () => undefined,
});

backendContract('local', localFixture);
backendContract('memory', memoryFixture);
backendContract('faulty, with an empty plan,', async () => {
  const fixture = await memoryFixture();
  return { ...fixture, backend: withFaults(fixture.backend, new FaultPlan()) };
});
