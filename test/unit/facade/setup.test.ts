/** A setup over real parts: a configuration as a person wrote it, and a repository that is made. */
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { hostName, repositoryName, sourceName } from '../../../shared/domain/names.ts';
import type { ProposedSource } from '../../../shared/domain/readiness.ts';
import type { SetupRequest } from '../../../shared/domain/setup-plan.ts';
import { openStillpoint, type Stillpoint } from '../../../shared/stillpoint.ts';
import { type TemporaryFolder, temporaryFolder } from '../../support/temporary-folder.ts';

const SLOW = 60_000;
let folder: TemporaryFolder;
let stillpoint: Stillpoint;
const at = (name: string): string => join(folder.path, name);
const text = (): Promise<string> => readFile(at('config.jsonc'), 'utf8');
const write = (content: string): Promise<void> => writeFile(at('config.jsonc'), content);

const source: ProposedSource = {
  ...{ name: 'db1', why: [] },
  entry: { host: 'db1', paths: ['/srv'], repository: 'whatever', excludeCaches: true },
};
const request = (facts: Partial<SetupRequest> = {}): SetupRequest => ({
  ...{ host: hostName('db1'), proposedHost: { ssh: 'db1', sudo: 'passwordless' }, sources: [source] },
  repository: { location: at('repository') },
  ...facts,
});
const apply = async (wanted: SetupRequest) =>
  stillpoint.applySetup(wanted, (await stillpoint.planSetup(wanted)).id, never);

beforeEach(async () => {
  folder = await temporaryFolder();
  await write('// mine\n{}\n');
  stillpoint = await openStillpoint({ configFile: at('config.jsonc'), stateFolder: at('state') });
});
afterEach(async () => {
  await stillpoint[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

test('a plan changes nothing, and what it says is done', { timeout: SLOW }, async () => {
  const plan = await stillpoint.planSetup(request());
  expect(await readdir(folder.path)).toEqual(['config.jsonc']);
  expect(plan.makes).toEqual({ location: at('repository'), passwordFile: at('main.password'), newPassword: true });
  await stillpoint.applySetup(request(), plan.id, never);
  expect(await text()).toMatch(/^\/\/ mine\n\{\n/);
  expect(await stillpoint.listSources()).toMatchObject([{ name: 'db1', repository: 'main' }]);
  expect((await stat(at('main.password'))).mode & 0o777).toBe(0o600);
  expect((await stillpoint.listKeys(repositoryName('main'), never)).keys).toHaveLength(1);
  const scope = { repository: repositoryName('main') };
  expect((await stillpoint.listRestorePoints(scope, never)).restorePoints).toEqual([]);
});

test('a plan is good for the configuration that it was made of', { timeout: SLOW }, async () => {
  const { id } = await stillpoint.planSetup(request());
  await write('// edited\n{}\n');
  await expect(stillpoint.applySetup(request(), id, never)).rejects.toMatchObject({ code: 'plan.stale' });
  expect([await text(), await readdir(folder.path)]).toEqual(['// edited\n{}\n', ['config.jsonc']]);
});

test('names that are taken, and a configuration that is none, are refused as they are', async () => {
  await write('{"hosts": {"db1": {}}, "repositories": {"main": {"location": "r"}}}');
  const existing = { repository: { name: repositoryName('main') } };
  await expect(stillpoint.planSetup(request(existing))).rejects.toMatchObject({ code: 'usage.invalid' });
  const plan = await stillpoint.planSetup(request({ ...existing, proposedHost: undefined }));
  expect(plan).toMatchObject({ repository: 'main', makes: undefined, sources: [sourceName('db1')] });
  await expect(
    stillpoint.planSetup(request({ ...existing, proposedHost: undefined, sources: [] })),
  ).rejects.toMatchObject({ code: 'usage.invalid' });
  await write('{"hosts": ');
  await expect(stillpoint.planSetup(request())).rejects.toMatchObject({ code: 'config.invalid' });
});

test('a second repository has another name and another password', { timeout: SLOW }, async () => {
  await write('{"repositories": {"main": {"location": "elsewhere"}}}');
  await apply(request());
  expect(JSON.parse(await text())).toMatchObject({
    repositories: {
      main: { location: 'elsewhere' },
      'main-2': { location: at('repository'), passwordFile: 'main-2.password' },
    },
    sources: { db1: { repository: 'main-2' } },
  });
});

test('where the repository cannot be made nothing is left behind', { timeout: SLOW }, async () => {
  await writeFile(at('full'), 'a file');
  const wanted = request({ repository: { location: at('full') } });
  await expect(apply(wanted)).rejects.toMatchObject({ code: expect.stringMatching(/^(backend|usage)\./) as string });
  expect([await text(), (await readdir(folder.path)).toSorted()]).toEqual(['// mine\n{}\n', ['config.jsonc', 'full']]);
});

test('a setup that was cut before the configuration was written goes on', { timeout: SLOW }, async () => {
  await apply(request());
  await write('// mine\n{}\n');
  const plan = await stillpoint.planSetup(request());
  expect(plan.makes?.newPassword).toBe(false);
  await stillpoint.applySetup(request(), plan.id, never);
  expect(await stillpoint.listSources()).toHaveLength(1);
  // Another's repository is not opened by a password that we have just made.
  await write('// mine\n{}\n');
  await rm(at('main.password'));
  await expect(apply(request())).rejects.toMatchObject({ code: 'repository.exists' });
  expect((await readdir(folder.path)).includes('main.password')).toBe(false);
});

test('a password in a location is written where it is asked for, and shown nowhere', async () => {
  const wanted = request({ repository: { location: 'rest:https://ann:s3cret-word@example.org/x/' } });
  const plan = await stillpoint.planSetup(wanted);
  expect(JSON.stringify(plan)).not.toContain('s3cret-word');
  expect(plan.addition).toContain('ann:***@example.org');
});
