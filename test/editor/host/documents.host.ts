/** Documents and what commands write. */
import { strict as assert } from 'node:assert';
import { existsSync, readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import { STARTER_CONFIGURATION } from '../../../extension/texts/starter-configuration.ts';
import {
  children,
  configFile,
  configuration,
  extensionParts,
  only,
  removeConfiguration,
  repositoryFolder,
  writeConfiguration,
} from './fixture.ts';

afterEach(async () => {
  await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  await vscode.commands.executeCommand('workbench.action.closeAllEditors');
});

describe('Show Restore Point', () => {
  it('opens a page that cannot be edited and tells what the point is', async () => {
    const parts = await extensionParts();
    writeConfiguration(configuration({ ssh: 'db1' }));
    const host = only(await children(parts), 'host');
    const point = only(await children(parts, only(await children(parts, host), 'source')), 'restore-point');
    await vscode.commands.executeCommand('stillpoint.showRestorePoint', point);
    const document = vscode.window.activeTextEditor?.document;
    assert.ok(document);
    assert.equal(document.uri.scheme, 'stillpoint-point');
    const text = document.getText();
    assert.ok(text.includes(point.point.id), text);
    assert.ok(text.includes(`restic -r ${repositoryFolder}`), text);
    assert.ok(text.includes('## Consistency: '), text);
    await vscode.commands.executeCommand('type', { text: 'x' });
    assert.equal(document.getText(), text);
  });

  it('says what is wrong with an id that nobody knows', async () => {
    const uri = vscode.Uri.parse('stillpoint-point:/main/00000000.md');
    const document = await vscode.workspace.openTextDocument(uri);
    assert.match(document.getText(), /00000000/);
  });
});

describe('Create Configuration', () => {
  it('writes the starter where there is none and opens it', async () => {
    removeConfiguration();
    await vscode.commands.executeCommand('stillpoint.createConfiguration');
    assert.equal(readFileSync(configFile, 'utf8'), STARTER_CONFIGURATION);
    assert.equal(vscode.window.activeTextEditor?.document.uri.fsPath, configFile);
  });

  it('never writes over a configuration that is there', async () => {
    writeConfiguration('// mine\n{}\n');
    await vscode.commands.executeCommand('stillpoint.createConfiguration');
    assert.equal(readFileSync(configFile, 'utf8'), '// mine\n{}\n');
  });
});

describe('Add Host from SSH Configuration', () => {
  it('adds the host and leaves comments, the rest and the file on disk as they are', async () => {
    await extensionParts();
    const text = '// mine\n{\n  "repositories": {} // none yet\n}\n';
    writeConfiguration(text);
    // The editor still has the text of the test before, and must not begin from that.
    const host = { kind: 'host', host: { name: 'web1', origin: 'ssh-config', sources: [] } };
    await vscode.commands.executeCommand('stillpoint.addHostFromSsh', host);
    const document = vscode.window.activeTextEditor?.document;
    assert.ok(document);
    assert.match(document.getText(), /"web1": \{\s+"ssh": "web1",\s+"sudo": "none"\s+\}/);
    assert.ok(document.getText().startsWith('// mine\n'));
    assert.ok(document.getText().includes('// none yet'));
    assert.ok(document.isDirty, 'the user looks at it before it counts');
    assert.equal(readFileSync(configFile, 'utf8'), text);
  });
});

describe('settings', () => {
  it('a setting names another configuration file at once', async () => {
    const parts = await extensionParts();
    writeConfiguration(configuration({ ssh: 'db1' }));
    const settings = vscode.workspace.getConfiguration('stillpoint');
    await settings.update('configFile', '/nowhere/config.jsonc', vscode.ConfigurationTarget.Global);
    try {
      assert.deepEqual(await children(parts), []);
    } finally {
      await settings.update('configFile', undefined, vscode.ConfigurationTarget.Global);
    }
    assert.ok((await children(parts)).length > 0);
  });

  it('a setting that names no file, or a folder, is a node that says so, and nothing is written anywhere', async () => {
    const parts = await extensionParts();
    const settings = vscode.workspace.getConfiguration('stillpoint');
    try {
      for (const [value, said] of [
        ['not-whole/config.jsonc', /^The setting "stillpoint\.configFile" is "not-whole\/config\.jsonc"/],
        [7, /^The setting "stillpoint\.configFile" is 7,/],
        [repositoryFolder, /is a folder\.$/],
      ] as const) {
        await settings.update('configFile', value, vscode.ConfigurationTarget.Global);
        const [problem] = await children(parts);
        assert.ok(problem?.kind === 'problem');
        assert.equal(problem.error.code, 'config.not-found');
        assert.match(problem.error.message, said);
        assert.equal(problem.error.details['setting'], 'stillpoint.configFile', 'the way to mend it is known');
        await vscode.commands.executeCommand('stillpoint.createConfiguration');
        assert.ok(!existsSync('not-whole'), 'no folder was made');
      }
    } finally {
      await settings.update('configFile', undefined, vscode.ConfigurationTarget.Global);
    }
  });
});
