/**
 * A program for kill tests: backs up without end into the repository in argv[2], a file of new content each time, and
 * prints the id of every restore point that was reported as saved. The test that starts it ends it with SIGKILL.
 */
import { randomBytes } from 'node:crypto';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import { backUp, PASSWORD } from './test-repository.ts';

const signal = AbortSignal.timeout(120_000);
await using repository = await openRepository(createLocalBackend(process.argv[2] ?? ''), PASSWORD, signal);
for (let round = 0; ; round++) {
  const files = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`file-${n}`, randomBytes(60_000)]));
  const { id } = await backUp(repository, { [`round-${round}`]: files }, { packSizeBytes: 100_000 }, signal);
  process.stdout.write(`${id}\n`);
}
