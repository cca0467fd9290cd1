/** The mocha tests of `host/`, run once in a real extension host; each of them is a test here. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createTemporaryFolder } from '../lab/temporary-folder.ts';
import { startPrivateSshd, whyNoPrivateSshd } from '../support/remote/private-sshd.ts';
import { codeServerFolder } from './code-server.ts';
import { installExtension, packExtension } from './extension-package.ts';
import { type HostRun, runHostTests } from './host-run.ts';
import { missingForEditorTests } from './requirements.ts';
import { seedRepository } from './seed-repository.ts';
import { isolatedEnvironment } from './workbench.ts';

const missing = missingForEditorTests();
const started = new AsyncDisposableStack();
afterAll(() => started.disposeAsync());

// The names of the tests are known when they have run, so they run while vitest collects.
const run = missing === undefined ? await runAll() : undefined;

describe('in the extension host', () => {
  test('the run ends by itself and in order', ({ skip }) => {
    if (run === undefined) return skip(missing ?? '');
    expect(run.broken).toBeUndefined();
    expect(run.cases.length).toBeGreaterThan(0);
  });

  const cases = (run?.cases ?? []).map((hostCase) => [hostCase.title, hostCase] as const);
  test.for(cases)('%s', ([, { error, skipped }], { skip }) => {
    if (skipped !== undefined) skip(skipped);
    expect(error).toBeUndefined();
  });
});

async function runAll(): Promise<HostRun> {
  const signal = AbortSignal.timeout(240_000);
  const folder = started.use(await createTemporaryFolder('editor-host'));
  const at = (...parts: string[]): string => join(folder.path, ...parts);
  await mkdir(at('home'));
  const seed = await seedRepository(at('seed'), { host: 'db1', source: 'shop' }, signal);
  const codeServer = await codeServerFolder(signal);
  const place = { codeServer, extensionsFolder: at('installed'), userDataFolder: at('installed-data') };
  const extension = await installExtension(await packExtension(folder.path, signal), place, signal);
  await mkdir(at('run'));
  const { HOME, XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_CACHE_HOME } = isolatedEnvironment(at('home'));
  return runHostTests({
    codeServer,
    extension,
    scratch: at('run'),
    env: {
      ...{ HOME: HOME ?? '', XDG_CONFIG_HOME: XDG_CONFIG_HOME ?? '', XDG_STATE_HOME: XDG_STATE_HOME ?? '' },
      XDG_CACHE_HOME: XDG_CACHE_HOME ?? '',
      HOST_TEST_REPOSITORY: seed.location,
      HOST_TEST_PASSWORD_FILE: seed.passwordFile,
      HOST_TEST_PATH: seed.path,
      ...(await sshHost()),
    },
  });
}

/** A host that answers, where this machine can have one. */
async function sshHost(): Promise<Record<string, string>> {
  const reason = await whyNoPrivateSshd();
  if (reason !== undefined) return { HOST_TEST_NO_SSH: reason };
  const sshd = started.use(await startPrivateSshd({ accounts: [{ name: 'root', shell: '/bin/sh', uid: 0 }] }));
  return { HOST_TEST_SSH_CONFIG: join(sshd.folder, 'config') };
}
