/** A repository with one restore point of a source, written by restic, so that views have something true to show. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { consistencyTag, PROGRAM_TAG, sourceTag } from '../../shared/domain/labels.ts';
import { hostName, sourceName } from '../../shared/domain/names.ts';

export const SEED_PASSWORD = 'still waters';

export interface SeededRepository {
  readonly location: string;
  readonly passwordFile: string;
  /** The one path in the restore point. */
  readonly path: string;
}

export async function seedRepository(
  folder: string,
  from: { readonly host: string; readonly source: string },
  signal: AbortSignal,
): Promise<SeededRepository> {
  const location = join(folder, 'repository');
  const passwordFile = join(folder, 'password');
  const path = join(folder, 'files');
  await mkdir(path, { recursive: true });
  await writeFile(passwordFile, `${SEED_PASSWORD}\n`);
  await writeFile(join(path, 'order.csv'), '1;a wooden chair\n');
  const restic = (...args: readonly string[]) =>
    execa('restic', ['-r', location, '--password-file', passwordFile, '--no-cache', ...args], { cancelSignal: signal });
  await restic('init');
  const tags = [PROGRAM_TAG, sourceTag(sourceName(from.source)), consistencyTag('crash')];
  await restic('backup', '--host', hostName(from.host), ...tags.flatMap((tag) => ['--tag', tag]), path);
  return { location, passwordFile, path };
}
