/** Where each microsecond of a small file goes, on each thread; see `profiled-reader.ts`. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { GIVE_BACK, SMALL_HEAP } from '../shared/jobs/launch.ts';
import { createLocalBackend } from '../shared/repository/backend/local.ts';
import { createRepository } from '../shared/repository/open-repository.ts';
import type { LiveReaderOrder } from '../test/support/live-reader.ts';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { makeSmallFiles } from './samples.ts';

const PASSWORD = 'a password for measurements';

export async function measureProfile(files: number, signal: AbortSignal): Promise<void> {
  await using folder = await temporaryFolder();
  const dir = join(folder.path, 'small');
  const repository = join(folder.path, 'repository');
  await mkdir(dir);
  await makeSmallFiles(dir, files);
  await (await createRepository(createLocalBackend(repository), PASSWORD, signal)).close();
  const order: LiveReaderOrder = {
    ...{ sshConfigFile: undefined, dir, repository, password: PASSWORD, workFolder: folder.path },
  };
  const program = join(import.meta.dirname, 'profiled-reader.ts');
  await execa(process.execPath, [...SMALL_HEAP, program, JSON.stringify(order), String(files)], {
    cancelSignal: signal,
    env: GIVE_BACK,
    stdout: 'inherit',
  });
}
