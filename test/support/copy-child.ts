/**
 * A program for kill tests. `fill REPOSITORY` makes a repository with five restore points; `copy FROM TO` copies them
 * one by one and prints a line when one is saved. The test that starts it ends it with SIGKILL.
 */
import { randomBytes } from 'node:crypto';
import { createLocalBackend } from '../../shared/repository/backend/local.ts';
import { openRepository } from '../../shared/repository/open-repository.ts';
import { copyAll } from './repository-copies.ts';
import { backUp, PASSWORD, testSignal } from './test-repository.ts';

const [verb, first = '', second = ''] = process.argv.slice(2);
const signal = testSignal();
await using repository = await openRepository(createLocalBackend(first), PASSWORD, signal);
if (verb === 'fill') {
  for (let round = 0; round < 5; round++) {
    const files = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`file-${n}`, randomBytes(100_000)]));
    await backUp(repository, { shared: { hello: 'hello' }, [`round-${round}`]: files }, {}, signal);
  }
} else {
  for (const { id } of (await repository.listRestorePoints(signal)).points) {
    await copyAll(createLocalBackend(first), createLocalBackend(second), { points: [id], signal });
    process.stdout.write(`${id}\n`);
  }
}
