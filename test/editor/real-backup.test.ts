/**
 * The whole way from the user's click: the real workbench with the packed extension, the real core, its runner, and a
 * guest with a living database on LVM. It also takes the picture in the documentation: STILLPOINT_PICTURES=1 writes
 * docs/images/sidebar.png anew.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, onTestFailed, test } from 'vitest';
import { type Guest, startGuest } from '../lab/guest.ts';
import { reasonLabCannotRun } from '../lab/requirements.ts';
import { missingForEditorTests } from './requirements.ts';
import {
  editorText,
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

const PICTURE = fileURLToPath(new URL('../../docs/images/sidebar.png', import.meta.url));
/** For the picture: nothing beside the text, and no line broken. */
const PLAIN_PAGES = { '[markdown]': { 'editor.minimap.enabled': false, 'editor.wordWrap': 'off' } };
/** A guest is slow, and so is everything on its first use. */
const BACKUP_MS = 150_000;

const missing = missingForEditorTests() ?? (await reasonLabCannotRun());
const started = new AsyncDisposableStack();
let guest: Guest;
let workbench: Workbench;
let page: Page;

beforeAll(async () => {
  if (missing !== undefined) return;
  const signal = AbortSignal.timeout(280_000);
  const viewport = { width: 1400, height: 760 };
  [guest, workbench] = await Promise.all([
    startGuest({}, signal).then((opened) => started.use(opened)),
    openWorkbench({ viewport, settings: PLAIN_PAGES }, signal).then((opened) => started.use(opened)),
  ]);
  page = workbench.page;
  const at = (name: string): string => join(workbench.scratch, name);
  await writeFile(at('password'), 'still waters\n', { mode: 0o600 });
  const repository = { location: at('repository'), passwordFile: at('password') };
  await mkdir(dirname(workbench.configFile), { recursive: true });
  await writeFile(
    workbench.configFile,
    JSON.stringify({
      hosts: { db1: { ssh: 'lab', sshConfigFile: guest.sshConfigFile } },
      repositories: { main: repository },
      sources: { shop: { host: 'db1', paths: ['/var/lib/mysql', '/srv/files'], repository: 'main' } },
    }),
  );
  await runCommand(page, 'Stillpoint: Refresh');
});
afterAll(() => started.disposeAsync());

beforeEach(({ skip, task }) => {
  if (missing !== undefined) skip(missing);
  onTestFailed(async () => keepScreenshot(page, task.name));
});

test('Initialise Repository creates it', async () => {
  await runCommand(page, 'Stillpoint: Initialise Repository');
  await page.locator('.quick-input-list .monaco-list-row', { hasText: 'main' }).click();
  await toast(page, 'Repository "main" was created').waitFor();
  const { stdout } = await restic('cat', 'config');
  expect(JSON.parse(stdout)).toMatchObject({ version: 2 });
});

test('the tree shows the volumes of the guest and which of them can be snapshotted', async () => {
  await expand(treeItem(page, /^Host db1, sources shop/));
  await expand(treeItem(page, /^Volumes of db1/));
  expect(await spoken(treeItem(page, /^Volume .* at \/var\/lib\/mysql/))).toMatch(
    /LVM volume, ext4, .* snapshot possible/,
  );
  expect(await spoken(treeItem(page, /^Volume .* at \/srv\/files/))).toMatch(/LVM volume, xfs, .* snapshot possible/);
});

test('a backup that is cancelled leaves no restore point and nothing on the host', async () => {
  await inlineAction(treeItem(page, /^Source shop/), 'Back Up Now');
  const progress = toast(page, 'Back up "shop": ');
  await toast(page, /Back up "shop": (Taking|Mounting|Listing|Reading)/).waitFor({ timeout: BACKUP_MS });
  await progress.getByRole('button', { name: 'Cancel' }).click();
  await toast(page, 'removing the snapshot from the host').waitFor();
  await toast(page, 'Back up "shop": cancelled.').waitFor({ timeout: BACKUP_MS });
  const { stdout } = await restic('snapshots', '--json');
  expect(JSON.parse(stdout)).toEqual([]);
  await expectCleanGuest();
});

test('Back Up Now makes a restore point that the tree shows and restic accepts', async () => {
  await runCommand(page, 'Notifications: Clear All Notifications');
  await inlineAction(treeItem(page, /^Source shop/), 'Back Up Now');
  await treeItem(page, /^Back up "shop", succeeded/).waitFor({ timeout: BACKUP_MS });
  await expand(treeItem(page, /^Source shop/));
  const point = treeItem(page, /^Restore point of/);
  expect(await spoken(point)).toMatch(/crash/);
  await point.click();
  await page.getByRole('tab', { name: /^Restore point/ }).waitFor();
  await expect.poll(() => editorText(page), { timeout: 30_000 }).toContain('/var/lib/mysql');
  await picture();

  await expectCleanGuest();
  await restic('check', '--read-data');
});

test('the log of the job tells every phase and how long the writers were held', async () => {
  await treeItem(page, /^Back up "shop", succeeded/).click();
  await page.getByRole('tab', { name: /\.log/ }).waitFor();
  await expect.poll(() => editorText(page), { timeout: 30_000 }).toMatch(/taken: writers held for at most \d/);
});

function restic(...args: readonly string[]) {
  const at = (name: string): string => join(workbench.scratch, name);
  return execa('restic', ['-r', at('repository'), '--password-file', at('password'), '--no-cache', ...args]);
}

/** What is left of us on the guest; the processes of the runs get a moment to end. */
async function expectCleanGuest(): Promise<void> {
  const signal = AbortSignal.timeout(60_000);
  await expect.poll(() => guest.traces({ signal }), { timeout: 20_000, interval: 1_000 }).toEqual([]);
}

async function picture(): Promise<void> {
  if (process.env['STILLPOINT_PICTURES'] === undefined) return;
  await runCommand(page, 'Notifications: Clear All Notifications');
  await dragSideBar(120);
  await mkdir(dirname(PICTURE), { recursive: true });
  await page.screenshot({ path: PICTURE });
}

/** Makes the side bar wider, so that the picture shows whole lines. */
async function dragSideBar(byPixels: number): Promise<void> {
  const box = await page.locator('.part.sidebar').boundingBox();
  if (box === null) throw new Error('the side bar is hidden');
  const [x, y] = [box.x + box.width, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + byPixels, y, { steps: 5 });
  await page.mouse.up();
  await page.mouse.move(x + 400, y);
}
