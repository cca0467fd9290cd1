/** A volume that is not mounted looks like an empty folder: a backup of it says that there was something before. */
import { expect, test } from 'vitest';
import { silentLogger } from '../../../shared/base/log.ts';
import type { RunEventBody } from '../../../shared/domain/events.ts';
import { hostName, ownerId, repositoryName, sourceName } from '../../../shared/domain/names.ts';
import { backup } from '../../../shared/pipeline/backup.ts';
import { openRepository } from '../../../shared/repository/open-repository.ts';
import { REGISTRY } from '../../../shared/snapshot/registry.ts';
import { noRuns } from '../../support/pipeline/no-runs.ts';
import { FOLDER, PaperMachine } from '../../support/pipeline/paper-machine.ts';
import { createMemoryBackend } from '../../support/stores/memory.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { createTestRepository, PASSWORD, testSignal } from '../../support/test-repository.ts';

const signal = testSignal();

/** The warnings of each backup, one after each step. */
async function warningsAfter(steps: readonly ((machine: PaperMachine) => void)[]): Promise<string[][]> {
  const machine = new PaperMachine(new Date('2026-11-01T02:00:00Z'));
  const backend = createMemoryBackend();
  await using folder = await temporaryFolder();
  await (await createTestRepository(backend)).close();
  const name = hostName('db1');
  const host = { name, ssh: 'db1', sshConfigFile: undefined, sudo: 'none', leaseSeconds: 1800 } as const;
  const paths = { host: name, paths: [Buffer.from(FOLDER)], exclude: [] };
  const source = { ...paths, name: sourceName('shop'), repository: repositoryName('main') };
  const said: string[][] = [];
  for (const step of steps) {
    step(machine);
    machine.pass(60_000);
    const events: RunEventBody[] = [];
    await backup(
      { source, host: { ...host, maxClockSkewSeconds: 86_400 }, acceptClockSkew: false },
      {
        openHost: async () => machine.host,
        openRepository: () => openRepository(backend, PASSWORD, signal, { clock: machine.clock }),
        registry: REGISTRY,
        owner: ownerId('0123456789ab'),
        runs: noRuns(),
        clock: machine.clock,
        logger: silentLogger,
        emit: (event) => void events.push(event),
        workFolder: folder.path,
      },
      signal,
    );
    said.push(
      events.flatMap((event) => (event.type === 'warning' && event.code === 'source.note' ? [event.message] : [])),
    );
  }
  return said;
}

const nothing = (): void => undefined;
const fill = (machine: PaperMachine): void => machine.write('a', 'one');
const empty = (machine: PaperMachine): void => machine.remove('a');

test('a folder that is empty now and was not before is named, once', async () => {
  const [first, second, third] = await warningsAfter([fill, empty, nothing]);
  expect(first).toEqual([]);
  expect(second).toEqual([
    expect.stringMatching(
      new RegExp(`^"${FOLDER}" on "db1" is empty, and was not in restore point [0-9a-f]{8} before it\\.`),
    ),
  ]);
  expect(third).toEqual([]);
});

test('a folder that was always empty, or has something in it, is not', async () => {
  expect(await warningsAfter([nothing, nothing, fill])).toEqual([[], [], []]);
  const other = (machine: PaperMachine): void => {
    machine.remove('a');
    machine.write('b', 'two');
  };
  expect(await warningsAfter([fill, other])).toEqual([[], []]);
});
