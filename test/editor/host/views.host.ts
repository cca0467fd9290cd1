/** The views, with the real core behind them. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import * as vscode from 'vscode';
import type { ExtensionParts } from '../../../extension/activate.ts';
import {
  answered,
  backedUpPath,
  children,
  configFile,
  configuration,
  extensionParts,
  only,
  removeConfiguration,
  repositoryFolder,
  sshConfigFile,
  writeConfiguration,
} from './fixture.ts';

describe('the extension', () => {
  it('registers every command that its manifest declares', async () => {
    await extensionParts();
    const manifest = vscode.extensions.getExtension('stillpoint.stillpoint')?.packageJSON as {
      contributes: { commands: { command: string }[] };
    };
    const declared = manifest.contributes.commands.map(({ command }) => command);
    const registered = new Set(await vscode.commands.getCommands(true));
    assert.ok(declared.length > 0);
    assert.deepEqual(
      declared.filter((command) => !registered.has(command)),
      [],
    );
  });
});

describe('the view Hosts', () => {
  let parts: ExtensionParts;
  before(async () => {
    parts = await extensionParts();
  });

  it('is empty where nothing is configured, so that the welcome shows', async () => {
    removeConfiguration();
    assert.deepEqual(await children(parts), []);
  });

  it('shows a host, its sources and their restore points from a real repository', async () => {
    writeConfiguration(configuration({ ssh: 'db1' }));
    const host = only(await children(parts), 'host');
    assert.equal(host.host.name, 'db1');
    const source = only(await children(parts, host), 'source');
    const [point, ...more] = await children(parts, source);
    assert.deepEqual(more, []);
    assert.ok(point?.kind === 'restore-point', JSON.stringify(point));
    assert.deepEqual(point.point.paths, [backedUpPath]);
    const item = parts.hosts.getTreeItem(point);
    assert.equal(item.id, `restore-point/main/${point.point.id}`);
    assert.equal(item.contextValue, 'restore-point');
    assert.ok(item.accessibilityInformation?.label.startsWith('Restore point of '));
  });

  it('shows a restore point whose file is damaged as a problem, above those that can be read', async () => {
    writeConfiguration(configuration({ ssh: 'db1' }));
    const id = 'c4'.repeat(32);
    const file = join(repositoryFolder, 'snapshots', id);
    writeFileSync(file, 'noise');
    try {
      const source = only(await children(parts, only(await children(parts), 'host')), 'source');
      const [damaged, point, ...more] = await children(parts, source);
      assert.ok(damaged?.kind === 'unreadable-point', JSON.stringify(damaged));
      assert.ok(point?.kind === 'restore-point', JSON.stringify(point));
      assert.deepEqual(more, []);
      const item = parts.hosts.getTreeItem(damaged);
      assert.equal(item.label, 'Restore point c4c4c4c4 cannot be read');
      assert.match(String(item.description), /c4c4c4c4/);
      assert.equal(item.contextValue, 'unreadable-point');
    } finally {
      rmSync(file);
    }
  });

  it('connects to a host when its volumes are opened and not before', async () => {
    let connections = 0;
    await using server = createServer((socket) => {
      connections += 1;
      // Without reading, a server does not learn that the other side has gone.
      socket.on('error', () => undefined).resume();
      socket.end('this is no ssh\r\n');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const sshConfig = join(dirname(configFile), 'ssh_config');
    writeConfiguration(configuration({ ssh: 'db1', sshConfigFile: sshConfig }));
    writeFileSync(sshConfig, `Host db1\n  HostName 127.0.0.1\n  Port ${port}\n`);

    const host = only(await children(parts), 'host');
    const volumes = only(await children(parts, host), 'volumes');
    assert.equal(connections, 0);

    only(await children(parts, volumes), 'connecting');
    const problem = only(await answered(parts, volumes), 'problem');
    assert.ok(connections > 0);
    const item = parts.hosts.getTreeItem(problem);
    assert.ok(problem.error.advice !== '');
    assert.equal(item.contextValue, 'problem');
    assert.ok(problem.error.message.includes('db1'), problem.error.message);

    const before = connections;
    await vscode.commands.executeCommand('stillpoint.retry', problem);
    only(await answered(parts, volumes), 'problem');
    assert.ok(connections > before, 'Retry connects again');
  });

  it('shows what is mounted on a host that answers', async function () {
    if (sshConfigFile === undefined) return this.skip();
    writeConfiguration(configuration({ ssh: 'root', sshConfigFile }));
    parts.hosts.refreshAll();
    const host = only(await children(parts), 'host');
    const nodes = await answered(parts, only(await children(parts, host), 'volumes'));
    const volumes = nodes.filter((node) => node.kind === 'volume');
    assert.ok(volumes.length > 0, JSON.stringify(nodes));
    assert.ok(volumes.some(({ volume }) => volume.mountpoints.includes('/')));
    const ids = nodes.map((node) => parts.hosts.getTreeItem(node).id);
    assert.equal(new Set(ids).size, ids.length, 'ids are different');
  });

  it('shows what to see to on a host that answers, and copies the lines that mend it', async function () {
    if (sshConfigFile === undefined) return this.skip();
    writeConfiguration(configuration({ ssh: 'root', sshConfigFile }));
    parts.hosts.refreshAll();
    const host = only(await children(parts), 'host');
    const nodes = await answered(parts, only(await children(parts, host), 'readiness'));
    const findings = nodes.filter((node) => node.kind === 'finding');
    assert.ok(findings.length > 0, JSON.stringify(nodes));
    const ids = nodes.map((node) => parts.hosts.getTreeItem(node).id);
    assert.equal(new Set(ids).size, ids.length, 'ids are different');
    const mending = findings.find(({ finding }) => finding.remedy.lines.length > 0);
    assert.ok(mending !== undefined, JSON.stringify(findings));
    assert.equal(parts.hosts.getTreeItem(mending).contextValue, 'finding.mends');
    await vscode.commands.executeCommand('stillpoint.copyRemedy', mending);
    assert.equal(await vscode.env.clipboard.readText(), `${mending.finding.remedy.lines.join('\n')}\n`);
  });

  it('tells the place of a mistake in the configuration, and Open Configuration goes there', async () => {
    writeConfiguration('{\n  "hosts": {},\n  "sourcez": {}\n}\n');
    const problem = only(await children(parts), 'problem');
    assert.equal(problem.error.code, 'config.invalid');
    assert.equal(parts.hosts.getTreeItem(problem).contextValue, 'problem.config');
    await vscode.commands.executeCommand('stillpoint.openConfiguration', problem);
    const editor = vscode.window.activeTextEditor;
    assert.equal(editor?.document.uri.fsPath, configFile);
    assert.equal(editor.selection.active.line, 2);
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });
});

describe('the view Jobs', () => {
  it('shows a job that was started, how it ended and why, and its log', async function () {
    if (sshConfigFile === undefined) return this.skip();
    const parts = await extensionParts();
    // A folder in memory is on no volume that could be snapshotted.
    writeConfiguration(configuration({ ssh: 'root', sshConfigFile }, '/dev/shm'));
    await vscode.commands.executeCommand('stillpoint.backUpNow', 'shop');
    const [job] = await parts.jobs.getChildren();
    assert.ok(job?.kind === 'job', JSON.stringify(job));
    assert.equal(job.job.state, 'failed');
    const item = parts.jobs.getTreeItem(job);
    assert.equal(item.label, 'Back up "shop"');
    assert.equal(item.contextValue, 'job.finished');
    assert.ok(String(item.description).startsWith('failed'));

    await vscode.commands.executeCommand('stillpoint.showJobLog', job);
    const document = vscode.window.activeTextEditor?.document;
    assert.equal(document?.uri.scheme, 'stillpoint-job');
    await untilText(document, /The job has ended: failed/);
    await vscode.commands.executeCommand('notifications.clearAll');
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('shows nothing where nothing was started, because the host cannot be reached', async () => {
    const parts = await extensionParts();
    const before = (await parts.jobs.getChildren()).length;
    const sshConfig = join(dirname(configFile), 'ssh_config');
    writeConfiguration(configuration({ ssh: 'db1', sshConfigFile: sshConfig }));
    // Port 9 of this machine, where nothing listens.
    writeFileSync(sshConfig, 'Host db1\n  HostName 127.0.0.1\n  Port 9\n');
    await vscode.commands.executeCommand('stillpoint.backUpNow', 'shop');
    assert.equal((await parts.jobs.getChildren()).length, before);
    await vscode.commands.executeCommand('notifications.clearAll');
  });
});

/** Log documents grow by themselves. */
async function untilText(document: vscode.TextDocument, pattern: RegExp): Promise<void> {
  if (pattern.test(document.getText())) return;
  await new Promise<void>((resolve) => {
    const listening = vscode.workspace.onDidChangeTextDocument((change) => {
      if (change.document !== document || !pattern.test(document.getText())) return;
      listening.dispose();
      resolve();
    });
  });
}
