/** A folder that cannot be restored into is refused before the repository is opened, for which a password may be asked. */
import { chmod, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { expect, onTestFinished, test } from 'vitest';
import { never } from '../../../../shared/base/cancel.ts';
import { systemClock } from '../../../../shared/base/clock.ts';
import { toStillpointError } from '../../../../shared/base/errors.ts';
import { silentLogger } from '../../../../shared/base/log.ts';
import { restore } from '../../../../shared/pipeline/restore.ts';
import { createLocalBackend } from '../../../../shared/repository/backend/local.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

/** What a restore into it says, and whether it came as far as the repository. */
async function restoreInto(target: string): Promise<string> {
  const refuse = (what: string) => () => Promise.reject(new Error(what));
  const error = await restore(
    { restorePoint: 'latest', paths: [], target },
    {
      ...{ clock: systemClock, logger: silentLogger, emit: () => undefined },
      ...{ openRepository: refuse('the repository is opened'), openHost: refuse('the host is opened') },
    },
    never,
  ).catch((cause: unknown) => cause);
  return toStillpointError(error).message;
}

test('is refused by what is there', async () => {
  await using folder = await temporaryFolder();
  const at = (...names: readonly string[]): string => join(folder.path, ...names);
  await mkdir(at('full'));
  await writeFile(at('full', 'mine'), '');
  await mkdir(at('left', '.stillpoint-restore-0123'), { recursive: true });
  await symlink('nowhere', at('dangling'));
  await createLocalBackend(at('repository')).prepare(never);
  await writeFile(at('repository', 'config'), '');
  expect(await restoreInto(at('full'))).toContain('is not empty');
  expect(await restoreInto(at('left'))).toContain('holds what an interrupted restore left: ".stillpoint-restore-0123"');
  for (const path of [at('full', 'mine'), at('full', 'mine', 'below'), at('dangling')])
    expect(await restoreInto(path)).toContain('is not a folder');
  for (const path of [at('repository'), at('repository', 'new', 'below')])
    expect(await restoreInto(path)).toContain(`lies inside a repository ("${at('repository')}")`);
  expect(await restoreInto('relative')).toContain('is not an absolute path');
  expect(await readdir(at('full'))).toEqual(['mine']);
});

test('is not refused where it is new or empty', async () => {
  await using folder = await temporaryFolder();
  await mkdir(join(folder.path, 'disk', 'lost+found'), { recursive: true });
  for (const name of ['', 'disk', 'new/below']) {
    expect(await restoreInto(join(folder.path, name, name === '' ? 'empty' : ''))).toContain(
      'the repository is opened',
    );
  }
  expect(await readdir(folder.path)).toEqual(['disk']);
});

test('is refused where one may not look', async ({ skip }) => {
  skip(process.geteuid?.() !== 0, 'Only root can become somebody else.');
  await using folder = await temporaryFolder();
  const target = join(folder.path, 'theirs');
  await mkdir(target, { mode: 0o700 });
  await chmod(folder.path, 0o755);
  process.seteuid?.(65_534);
  onTestFinished(() => process.seteuid?.(0));
  const said = await restoreInto(target);
  process.seteuid?.(0);
  expect(said).toBe(`The folder "${target}" cannot be written to (Permission denied).`);
});
