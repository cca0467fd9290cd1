/**
 * The whole editor as a user has it: code-server with the installed extension, a page of it in the browser, and a home
 * of its own, so that no configuration, job or key of the person who runs the tests is near. Functions find things by
 * their role and name, as a screen reader does.
 */
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import type { Locator, Page } from 'playwright-core';
import { createTemporaryFolder } from '../lab/temporary-folder.ts';
import { launchBrowser } from './browser.ts';
import { codeServerFolder } from './code-server.ts';
import { installExtension, packExtension } from './extension-package.ts';
import { startServer } from './server-process.ts';
import { writeQuietSettings } from './settings.ts';

export interface Workbench extends AsyncDisposable {
  readonly page: Page;
  /** Where the extension looks for its configuration when no setting names another file. */
  readonly configFile: string;
  readonly jobsFolder: string;
  /** A folder for the test's own files. */
  readonly scratch: string;
  /** Where a remote window, as that of the browser is, has the settings of its machine. */
  readonly machineSettingsFile: string;
  /** What the server has printed. */
  log(): string;
}

export interface WorkbenchOptions {
  /** Packed before; packed anew when absent. */
  readonly vsix?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly viewport?: { readonly width: number; readonly height: number };
}

/** How long anything may take to appear; a loaded small machine takes most of it for the first view. */
const PATIENCE_MS = 30_000;

export async function openWorkbench(options: WorkbenchOptions, signal: AbortSignal): Promise<Workbench> {
  await using started = new AsyncDisposableStack();
  const folder = started.use(await createTemporaryFolder('editor'));
  const at = (...parts: string[]): string => join(folder.path, ...parts);
  for (const name of ['home', 'workspace', 'scratch']) await mkdir(at(name));
  const codeServer = await codeServerFolder(signal);
  const folders = { extensionsFolder: at('extensions'), userDataFolder: at('data') };
  const vsix = options.vsix ?? (await packExtension(folder.path, signal));
  await installExtension(vsix, { codeServer, ...folders }, signal);
  await writeQuietSettings(folders.userDataFolder, options.settings);

  const server = started.use(
    await startServer({
      args: [
        join(codeServer, 'out', 'node', 'entry.js'),
        ...['--auth', 'none', '--bind-addr', '127.0.0.1:0', '--config', at('code-server.yaml'), '--ignore-last-opened'],
        ...['--user-data-dir', folders.userDataFolder, '--extensions-dir', folders.extensionsFolder],
        ...['--disable-workspace-trust', '--disable-telemetry', '--disable-update-check'],
        ...['--disable-getting-started-override', '--vscode-option', 'agent-host-bridge-host=127.0.0.1'],
        at('workspace'),
      ],
      env: isolatedEnvironment(at('home')),
      ready: /HTTP server listening on http:\/\/127\.0\.0\.1:(\d+)/,
    }),
  );
  const browser = await launchBrowser();
  started.defer(() => browser.close());
  const page = await browser.newPage({
    viewport: options.viewport ?? { width: 1280, height: 800 },
    reducedMotion: 'reduce',
  });
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(`http://127.0.0.1:${server.port}/?folder=${encodeURIComponent(at('workspace'))}`);
  await openView(page);

  const owned = started.move();
  return {
    page,
    configFile: at('home', '.config', 'stillpoint', 'config.jsonc'),
    jobsFolder: at('home', '.local', 'state', 'stillpoint', 'jobs'),
    scratch: at('scratch'),
    machineSettingsFile: at('data', 'Machine', 'settings.json'),
    log: () => server.log(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The environment of this process without its homes, so that the extension starts with nothing configured. */
export function isolatedEnvironment(home: string): Record<string, string | undefined> {
  return {
    ...process.env,
    HOME: home,
    XDG_CONFIG_HOME: join(home, '.config'),
    XDG_STATE_HOME: join(home, '.local', 'state'),
    XDG_CACHE_HOME: join(home, '.cache'),
    STILLPOINT_CONFIG: undefined,
    SSH_AUTH_SOCK: undefined,
  };
}

/** Shows the side bar of the extension, which is when it is loaded. A click on the icon of an open one would hide it. */
async function openView(page: Page): Promise<void> {
  const icon = page.locator('.activitybar [aria-label^="Stillpoint"]').first();
  await icon.waitFor();
  const title = page.locator('.sidebar .title-label', { hasText: 'Stillpoint' });
  if (!(await title.isVisible())) await icon.click();
  await title.waitFor();
}

/** A node of one of our trees, by the beginning of what a screen reader says of it. */
export function treeItem(page: Page, name: string | RegExp): Locator {
  return page.getByRole('treeitem', { name }).first();
}

/** What a screen reader says of a node, once it is there. */
export async function spoken(item: Locator): Promise<string> {
  await item.waitFor();
  return (await item.getAttribute('aria-label')) ?? '';
}

/** Opens a node; one that is open stays so. */
export async function expand(item: Locator): Promise<void> {
  await item.waitFor();
  if ((await item.getAttribute('aria-expanded')) === 'true') return;
  await item.locator('.monaco-tl-twistie').click();
}

/** A button of a node, which is there while the pointer is on it. */
export async function inlineAction(item: Locator, name: string): Promise<void> {
  await item.hover();
  await item.getByRole('button', { name }).click();
}

/** A message in the corner. */
export function toast(page: Page, text: string | RegExp): Locator {
  return page.locator('.notification-toast', { hasText: text }).first();
}

/**
 * Runs a command from the palette. A key that is pressed while another list closes is lost, and the palette may open
 * before our commands are in it; both ask for another try.
 */
export async function runCommand(page: Page, title: string): Promise<void> {
  const row = page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first();
  const input = page.locator('.quick-input-widget input');
  for (let attempt = 0; attempt < 6; attempt += 1) {
    await page.keyboard.press('F1');
    try {
      await input.fill(`>${title}`, { timeout: 3_000 });
      await row.click({ timeout: 5_000 });
      await input.waitFor({ state: 'hidden' });
      return;
    } catch {
      await page.keyboard.press('Escape');
    }
  }
  throw new Error(`The palette does not know "${title}".`);
}

/** The text of the editor that has the focus of its group, as far as it is on the screen. */
export async function editorText(page: Page): Promise<string> {
  const lines = page.locator('.editor-group-container.active .view-lines').first();
  await lines.waitFor();
  const text = await lines.innerText();
  return text.replaceAll('\u00a0', ' ');
}

/** Waits for a condition of files that no event announces. */
export async function eventually(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`Not within ${PATIENCE_MS / 1000} s: ${what}`);
    await delay(100);
  }
}

/** What the page shows, for the person who looks into a failed test. */
export async function keepScreenshot(page: Page, test: string): Promise<void> {
  const file = join(tmpdir(), `stillpoint-editor-${test.replaceAll(/\W+/g, '-')}.png`);
  await page.screenshot({ path: file });
  console.log(`The screen when "${test}" failed: ${file}`);
}
