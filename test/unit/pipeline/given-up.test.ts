/** A run that the watchman gave up says so, wherever in the run it was: not that a lease ended, nor that a snapshot was replaced. */
import { expect, test } from 'vitest';
import { silentLogger } from '../../../shared/base/log.ts';
import { hostName, ownerId, repositoryName, sourceName } from '../../../shared/domain/names.ts';
import { backup } from '../../../shared/pipeline/backup.ts';
import type { RemoteCommand } from '../../../shared/remote/command.ts';
import type { RemoteHost } from '../../../shared/remote/remote-host.ts';
import { openRepository } from '../../../shared/repository/open-repository.ts';
import { REGISTRY } from '../../../shared/snapshot/registry.ts';
import { noRuns } from '../../support/pipeline/no-runs.ts';
import { FOLDER, PaperMachine } from '../../support/pipeline/paper-machine.ts';
import { createMemoryBackend } from '../../support/stores/memory.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { createTestRepository, PASSWORD, testSignal } from '../../support/test-repository.ts';

const signal = testSignal();
const threat = { snapshot: 'vg0/sp', where: 'vg0/pool0', what: 'data', usedBytes: 9e9, totalBytes: 1e10 };
const gone = { mountLine: '', seen: { uuid: '', status: '', table: '', readable: 'no' } };

/** Answers that a host gives after it gave the run up; others as always. */
function whereGivenUp(machine: PaperMachine, answers: Readonly<Record<string, unknown>>): RemoteHost {
  const { host } = machine;
  return {
    ...host,
    run: async <T>(command: RemoteCommand<T>, own: AbortSignal) => {
      const usual = await host.run(command, own);
      if (command.name === 'renew-lease') return { ...usual, threat };
      return (answers[command.name] as T | undefined) ?? usual;
    },
  };
}

test.each<[string, Record<string, unknown>]>([
  ['its snapshots are made', { 'take-snapshots': { failed: { part: 0, exitCode: 75, stderr: '' } } }],
  ['they are mounted', { 'mount-snapshots': { failed: { part: 0, exitCode: 74, stderr: '' } } }],
  ['they were read', { 'observe-snapshots': { bootId: new PaperMachine(new Date()).bootId, snapshots: [gone] } }],
])('while %s', async (_when, answers) => {
  const machine = new PaperMachine(new Date('2026-11-01T02:00:00Z'));
  machine.write('a', 'one');
  const store = createMemoryBackend();
  await using folder = await temporaryFolder();
  await (await createTestRepository(store)).close();
  const name = hostName('db1');
  const spec = { name, ssh: 'db1', sshConfigFile: undefined, sudo: 'none', leaseSeconds: 1800 } as const;
  const source = { host: name, paths: [Buffer.from(FOLDER)], exclude: [], name: sourceName('shop') };
  const run = backup(
    {
      source: { ...source, repository: repositoryName('main') },
      ...{ host: { ...spec, maxClockSkewSeconds: 86_400 }, acceptClockSkew: false },
    },
    {
      openHost: async () => whereGivenUp(machine, answers),
      openRepository: () => openRepository(store, PASSWORD, signal, { clock: machine.clock }),
      ...{ registry: REGISTRY, owner: ownerId('0123456789ab'), runs: noRuns(), clock: machine.clock },
      ...{ logger: silentLogger, emit: () => undefined, workFolder: folder.path },
    },
    signal,
  );
  await expect(run).rejects.toMatchObject({
    code: 'snapshot.given-up',
    message: expect.stringContaining('"vg0/pool0" was 90 % full') as unknown,
    details: threat,
  });
});
