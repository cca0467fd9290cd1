/** The same folder, backed up into one repository by restic and by our way of reading a host. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { never } from '../../shared/base/cancel.ts';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import type { BlobId } from '../../shared/repository/ids.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import type { OpenedRepository } from '../../shared/repository/opened-repository.ts';
import type { RestorePoint } from '../../shared/repository/restore-point.ts';
import { findNode } from './find-node.ts';
import { readLiveFolder } from './live-reader.ts';
import { resticOk } from './restic.ts';
import { createTestRepository, PASSWORD } from './test-repository.ts';

export interface BothPoints {
  readonly repository: OpenedRepository;
  readonly place: string;
  readonly ours: RestorePoint;
  readonly theirs: RestorePoint;
  /** The folder itself in each. */
  readonly oursTop: BlobId;
  readonly theirsTop: BlobId;
  /** Of contents, which the second of them found new. */
  readonly newBlobs: number;
}

/** @param folder for the repository `name` and what the reading puts down */
export async function backUpByBoth(
  source: string,
  { folder, name, first }: { readonly folder: string; readonly name: string; readonly first: 'restic' | 'stillpoint' },
): Promise<BothPoints> {
  const place = join(folder, name);
  const workFolder = join(folder, `${name}-work`);
  await mkdir(workFolder);
  await (await createTestRepository(createLocalBackend(place))).close();
  const restic = async (): Promise<number> => {
    const lines = (await resticOk(place, 'backup', '--json', source)).trim().split('\n');
    return (JSON.parse(lines.at(-1) ?? '') as { readonly data_blobs: number }).data_blobs;
  };
  if (first === 'restic') await restic();
  const order = { sshConfigFile: undefined, dir: source, repository: place, password: PASSWORD, workFolder };
  const { restorePoint } = await readLiveFolder(order);
  const newToRestic = first === 'stillpoint' ? await restic() : undefined;
  const repository = await openRepository(createLocalBackend(place), PASSWORD, never);
  await repository.loadIndex(never);
  const { points } = await repository.listRestorePoints(never);
  const [ours] = points.filter(({ id }) => id === restorePoint);
  const [theirs] = points.filter(({ id }) => id !== restorePoint);
  if (ours === undefined || theirs === undefined) throw new Error('there are not two restore points');
  const top = async ({ tree }: RestorePoint): Promise<BlobId> => {
    const names = source
      .split('/')
      .slice(1)
      .map((part) => Buffer.from(part));
    return (await findNode(repository, tree, names, never))?.subtree as BlobId;
  };
  const newBlobs = newToRestic ?? ours.statistics?.dataBlobs ?? Number.NaN;
  return { repository, place, ours, theirs, oursTop: await top(ours), theirsTop: await top(theirs), newBlobs };
}
