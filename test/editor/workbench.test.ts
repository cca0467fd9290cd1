/**
 * What a user sees and clicks, in the packed extension with the real core behind it. No guest is needed here: a host
 * that takes the connection and stays silent is one on which a backup can be cancelled at leisure.
 */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { STARTER_CONFIGURATION } from '../../extension/texts/starter-configuration.ts';
import { createTemporaryFolder } from '../lab/temporary-folder.ts';
import { startPrivateSshd, whyNoPrivateSshd } from '../support/remote/private-sshd.ts';
import { missingForEditorTests } from './requirements.ts';
import { SEED_PASSWORD, type SeededRepository, seedRepository } from './seed-repository.ts';
import {
  editorText,
  eventually,
  expand,
  inlineAction,
  keepScreenshot,
  openWorkbench,
  runCommand,
  spoken,
  toast,
  treeItem,
  type Workbench,
} from './workbench.ts';

/** A busy machine takes its time to draw. */
const PATIENTLY = { timeout: 30_000 };

const missing = missingForEditorTests();
const started = new AsyncDisposableStack();
let workbench: Workbench;
let page: Page;
let seed: SeededRepository;

beforeAll(async () => {
  if (missing !== undefined) return;
  const signal = AbortSignal.timeout(240_000);
  const folder = started.use(await createTemporaryFolder('editor-ui'));
  seed = await seedRepository(folder.path, { host: 'db1', source: 'shop' }, signal);
  workbench = started.use(await openWorkbench({}, signal));
  page = workbench.page;
});
afterAll(() => started.disposeAsync());

beforeEach(({ skip, task }) => {
  if (missing !== undefined) skip(missing);
  onTestFailed(async () => keepScreenshot(page, task.name));
});

/** Writes the configuration and has the view look at it. */
async function configure(configuration: unknown): Promise<void> {
  await mkdir(dirname(workbench.configFile), { recursive: true });
  await writeFile(workbench.configFile, JSON.stringify(configuration));
  await runCommand(page, 'Stillpoint: Refresh');
}

/** One host behind a port of this machine, with one source and the repository that has a restore point; opened. */
async function openShop(
  port: number,
  repository: Readonly<Record<string, string>>,
  { sshConfigFile = join(workbench.scratch, `ssh_config_${port}`), path = seed.path } = {},
): Promise<void> {
  if (!existsSync(sshConfigFile)) await writeFile(sshConfigFile, `Host db1\n  HostName 127.0.0.1\n  Port ${port}\n`);
  await configure({
    hosts: { db1: { ssh: 'db1', sshConfigFile } },
    repositories: { main: { location: seed.location, ...repository } },
    sources: { shop: { host: 'db1', paths: [path], repository: 'main' } },
  });
  await expand(treeItem(page, /^Host db1, sources shop/));
  await treeItem(page, /^Source shop, backed up to main/).waitFor();
}

/** On which nothing listens. */
const NO_PORT = 9;

const withPassword = (): Record<string, string> => ({ passwordFile: seed.passwordFile });

test('where nothing is configured, the welcome leads to a configuration', async () => {
  await page.getByRole('button', { name: 'Create Configuration' }).click();
  await page.getByRole('tab', { name: /config\.jsonc/ }).waitFor();
  expect(await readFile(workbench.configFile, 'utf8')).toBe(STARTER_CONFIGURATION);
  await expect.poll(() => editorText(page), PATIENTLY).toContain('The configuration of Stillpoint');
});

test('the editor knows the schema of the configuration', async () => {
  await configure({ hosts: {}, sourcez: {} });
  await runCommand(page, 'Problems: Focus on Problems View');
  expect(await spoken(treeItem(page, /sourcez is not allowed/))).toContain('not allowed');
  await runCommand(page, 'View: Hide Panel');
});

test('a mistake in the configuration is a node with the way to it', async () => {
  const problem = treeItem(page, /^Problem: The configuration has/);
  await problem.waitFor();
  await inlineAction(problem, 'Open Configuration');
  const tab = page.getByRole('tab', { name: /config\.jsonc/, selected: true });
  await expect.poll(() => tab.isVisible(), PATIENTLY).toBe(true);
});

test('a configuration that cannot be written where the setting says leads to the setting', async () => {
  const nowhere = '/proc/none/config.jsonc';
  await mkdir(dirname(workbench.machineSettingsFile), { recursive: true });
  await writeFile(workbench.machineSettingsFile, JSON.stringify({ 'stillpoint.configFile': nowhere }));
  try {
    await page.getByRole('button', { name: 'Open the Setting' }).waitFor();
    await page.getByRole('button', { name: 'Create Configuration' }).click();
    const message = toast(page, `The configuration file "${nowhere}" cannot be written`);
    await message.waitFor();
    await message.getByRole('button', { name: 'Open the Setting' }).click();
    await page.getByText('1 Setting Found').first().waitFor();
  } finally {
    await page.keyboard.press('Escape');
    // The editor does not notice that the file is gone.
    await writeFile(workbench.machineSettingsFile, '{}');
  }
  expect(await spoken(treeItem(page, /^Problem/))).toContain('The configuration has');
});

test('a host opens into its sources and restore points, and a restore point into its page', async () => {
  await openShop(NO_PORT, withPassword());
  await expand(treeItem(page, /^Source shop/));
  await treeItem(page, /^Restore point of .*, crash/).click();
  await page.getByRole('tab', { name: /^Restore point [0-9a-f]{8}\.md/ }).waitFor();
  const text = await editorText(page);
  expect(text).toContain('One atomic instant, like a power cut at that moment.');
  expect(text).toContain(`restic -r ${seed.location}`);
});

test('a host that cannot be reached says so in the tree, with Retry, and the rest stays usable', async () => {
  await openShop(NO_PORT, withPassword());
  await expand(treeItem(page, /^Source shop/));
  await expand(treeItem(page, /^Volumes of db1/));
  const problem = treeItem(page, /^Problem: .*db1/);
  await inlineAction(problem, 'Retry');
  expect(await spoken(problem)).toContain('db1');
  expect(await spoken(treeItem(page, /^Restore point of/))).toContain('crash');
});

describe('Back Up Now', () => {
  test('can be cancelled while it connects; then nothing was started', async () => {
    await using silent = await silentHost();
    await openShop(silent.port, withPassword());
    await inlineAction(treeItem(page, /^Source shop/), 'Back Up Now');
    const progress = toast(page, 'Back up "shop": Connecting');
    await progress.waitFor();
    await silent.called;
    await progress.getByRole('button', { name: 'Cancel' }).click();
    await progress.waitFor({ state: 'detached' });
    expect(await page.getByText('No jobs yet.').isVisible()).toBe(true);
  });

  test('that fails shows the reason and what to do, the job in the list, and its log', async ({ skip }) => {
    const reason = await whyNoPrivateSshd();
    if (reason !== undefined) skip(reason);
    await using sshd = await startPrivateSshd({ accounts: [{ name: 'db1', shell: '/bin/sh', uid: 0 }] });
    // A folder in memory is on no volume that could be snapshotted.
    await openShop(sshd.port, withPassword(), { sshConfigFile: join(sshd.folder, 'config'), path: '/dev/shm' });
    await inlineAction(treeItem(page, /^Source shop/), 'Back Up Now');
    const message = toast(page, '/dev/shm');
    await message.waitFor();
    expect(await spoken(treeItem(page, /^Back up "shop", failed/))).toContain('failed');
    await message.getByRole('button', { name: 'Show Job Log' }).click();
    await page.getByRole('tab', { name: /\.log/ }).waitFor();
    await expect.poll(() => editorText(page), PATIENTLY).toMatch(/The job has ended: failed/);
  });
});

/** Takes connections and says nothing, so that one can cancel at leisure. */
async function silentHost(): Promise<AsyncDisposable & { readonly port: number; readonly called: Promise<unknown> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  const called = once(server, 'connection');
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    called,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}

test('an unknown host key is shown to a person, and refused unless they trust it', async ({ skip }) => {
  const reason = await whyNoPrivateSshd();
  if (reason !== undefined) skip(reason);
  await using sshd = await startPrivateSshd({ accounts: [{ name: 'root', shell: '/bin/sh', uid: 0 }] });
  const knownHosts = join(sshd.folder, 'known_hosts');
  await writeFile(knownHosts, '');
  await configure({ hosts: { db1: { ssh: 'root', sshConfigFile: join(sshd.folder, 'config') } } });
  await expand(treeItem(page, /^Host db1/));
  await expand(treeItem(page, /^Volumes of db1/));

  const dialog = page.locator('.monaco-dialog-box', { hasText: 'is not known yet' });
  await dialog.waitFor();
  expect(await dialog.innerText()).toMatch(/SHA256:/);
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  const problem = treeItem(page, /^Problem: /);
  await problem.waitFor();
  expect(await readFile(knownHosts, 'utf8')).toBe('');

  await inlineAction(problem, 'Retry');
  await dialog.getByRole('button', { name: 'Trust and Remember' }).click();
  await treeItem(page, /^Volume .* at \//).waitFor();
  await eventually('the key is in known_hosts', async () =>
    (await readFile(knownHosts, 'utf8')).includes('ssh-ed25519'),
  );
});

test('a repository without a password in the configuration asks for it, and asks again when it is wrong', async () => {
  // A copy, because the one that is open needs no password any more.
  const location = join(workbench.scratch, 'copy');
  await cp(seed.location, location, { recursive: true });
  await openShop(NO_PORT, { location });
  const source = treeItem(page, /^Source shop/);
  await expand(source);
  const input = page.locator('.quick-input-widget input');
  await input.fill('wrong');
  await input.press('Enter');
  const problem = treeItem(page, /^Problem: .*(password|opens)/i);
  const again = page.locator('.quick-input-widget', { hasText: 'The last answer was not accepted.' });
  await problem.or(again).first().waitFor();
  if (await problem.isVisible()) await inlineAction(problem, 'Retry');
  await input.fill(SEED_PASSWORD);
  await input.press('Enter');
  expect(await spoken(treeItem(page, /^Restore point of/))).toContain('crash');
});
