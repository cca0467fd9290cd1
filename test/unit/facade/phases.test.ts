/** Jobs over a real repository go through the phases of the definition of their verb, in its order. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { repositoryName } from '../../../shared/domain/names.ts';
import { EVERY_POINT } from '../../../shared/domain/point-filter.ts';
import { type JobRequest, verbOf } from '../../../shared/domain/verbs/verbs.ts';
import { createLocalBackend } from '../../../shared/repository/backend/local.ts';
import { openStillpoint } from '../../../shared/stillpoint.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { backUp, createTestRepository, PASSWORD } from '../../support/test-repository.ts';

const SLOW = 120_000;
const MAIN = repositoryName('main');

test('phases come in the order of the definition', { timeout: SLOW }, async () => {
  await using folder = await temporaryFolder();
  const place = (name: string): string => join(folder.path, name);
  await writeFile(place('password'), `${PASSWORD}\n`, { mode: 0o600 });
  const repository = (name: string): string => `"${name}": {"location": "${name}", "passwordFile": "password"}`;
  await writeFile(place('config.jsonc'), `{"repositories": {${repository('main')}, ${repository('other')}}}`);
  await using main = await createTestRepository(createLocalBackend(place('main')));
  const old = await backUp(main, { 'a.txt': 'one', 'b.txt': 'b' });
  await backUp(main, { 'a.txt': 'two', 'b.txt': 'b' });
  await using _ = await createTestRepository(createLocalBackend(place('other')));
  await using stillpoint = await openStillpoint({ configFile: place('config.jsonc'), stateFolder: place('state') });

  const options = { maxUnused: '0%' };
  const requests: readonly JobRequest[] = [
    { kind: 'check', repository: MAIN },
    { kind: 'verify', repository: MAIN },
    { kind: 'copy', from: MAIN, to: repositoryName('other'), restorePoints: [], filter: EVERY_POINT },
    { kind: 'restore', repository: MAIN, restorePoint: 'latest', paths: [], target: place('target') },
    { kind: 'repair', repository: MAIN, scope: { part: 'index' }, apply: true },
    { kind: 'prune', repository: MAIN, options },
    { kind: 'forget', repository: MAIN, selection: { by: 'points', points: [old.id] }, prune: options },
  ];
  for (const request of requests) {
    const { job } = await stillpoint.startJob(request, never);
    const events = await Array.fromAsync(stillpoint.followJob(job.id, 0, AbortSignal.timeout(SLOW)));
    expect(events.at(-1), request.kind).toMatchObject({ outcome: 'succeeded' });
    const seen = new Set(events.flatMap((event) => (event.type === 'phase-started' ? [event.phase] : [])));
    expect(seen.size, request.kind).toBeGreaterThan(1);
    const defined = Object.keys(verbOf(request).phases);
    expect([...seen], request.kind).toEqual(defined.filter((phase) => seen.has(phase as 'read')));
  }
});
