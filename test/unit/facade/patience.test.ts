/** A shell asks a store that fails: the answer comes while the person still waits. */
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { AnswerBook } from '../../../shared/access/answers.ts';
import { openAt } from '../../../shared/access/open-repository.ts';
import { readEnvironment } from '../../../shared/base/environment.ts';
import { silentLogger } from '../../../shared/base/log.ts';
import { parseLocation } from '../../../shared/domain/location.ts';
import { repositoryName } from '../../../shared/domain/names.ts';
import { openWithSecrets } from '../../../shared/facade/people.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { TestClock } from '../../support/test-clock.ts';
import { testSignal } from '../../support/test-repository.ts';

test.each([500, 503])('a store that answers %s to everything ends a question within 12 s', async (status) => {
  await using folder = await temporaryFolder();
  const passwordFile = join(folder.path, 'password');
  await writeFile(passwordFile, 'secret\n', { mode: 0o600 });
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    request.resume().on('end', () => response.writeHead(status).end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const location = `rest:http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const spec = {
      ...{ name: repositoryName('main'), location, place: parseLocation(location) },
      ...{ passwordFile, passwordCommand: undefined, store: {} },
    };
    const clock = new TestClock();
    const people = { book: new AnswerBook(undefined), environment: readEnvironment(), logger: silentLogger, clock };
    const start = clock.ms;
    const opening = openWithSecrets(spec, people, testSignal(), (secrets, ports) =>
      openAt(spec, secrets, ports, testSignal()),
    );
    await expect(opening).rejects.toMatchObject({
      code: 'backend.failed',
      message: expect.stringMatching(/\d+ times within \d+ s\.$/) as string,
    });
    expect(clock.ms - start).toBeLessThanOrEqual(12_000);
    expect(requests).toBeGreaterThan(5);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
