/** What the tests in the extension host share: the extension, its trees, and a configuration to write anew. */
import { strict as assert } from 'node:assert';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import * as vscode from 'vscode';
import type { ExtensionParts } from '../../../extension/activate.ts';
import type { HostsNode } from '../../../extension/tree/hosts-nodes.ts';

export const configFile = join(process.env['XDG_CONFIG_HOME'] ?? '', 'stillpoint', 'config.jsonc');

/** Set by the test that starts the run. */
export const repositoryFolder = process.env['HOST_TEST_REPOSITORY'] ?? '';
const passwordFile = process.env['HOST_TEST_PASSWORD_FILE'] ?? '';
/** What the restore point in the repository was made of. */
export const backedUpPath = process.env['HOST_TEST_PATH'] ?? '';
export const sshConfigFile = process.env['HOST_TEST_SSH_CONFIG'];

export async function extensionParts(): Promise<ExtensionParts> {
  const extension = vscode.extensions.getExtension<ExtensionParts | undefined>('stillpoint.stillpoint');
  assert.ok(extension, 'the extension is installed');
  const parts = await extension.activate();
  assert.ok(parts, 'the extension runs in test mode');
  return parts;
}

export function writeConfiguration(text: string): void {
  mkdirSync(dirname(configFile), { recursive: true });
  writeFileSync(configFile, text);
}

export function removeConfiguration(): void {
  rmSync(configFile, { force: true });
}

/** One host, one source, one repository that is really there. */
export function configuration(host: Readonly<Record<string, string>>, path = backedUpPath): string {
  return JSON.stringify({
    hosts: { db1: { sudo: 'none', ...host } },
    repositories: { main: { location: repositoryFolder, passwordFile } },
    sources: { shop: { host: 'db1', paths: [path], repository: 'main' } },
  });
}

/** The children of a node as the view would show them. */
export async function children(parts: ExtensionParts, node?: HostsNode): Promise<HostsNode[]> {
  return parts.hosts.getChildren(node);
}

/** The children of a node that connects, when it has done so. */
export async function answered(parts: ExtensionParts, volumes: HostsNode): Promise<HostsNode[]> {
  for (;;) {
    const nodes = await children(parts, volumes);
    if (nodes.every(({ kind }) => kind !== 'connecting' && kind !== 'looking')) return nodes;
    await new Promise<void>((resolve) => {
      const listening = parts.hosts.onDidChangeTreeData(() => {
        listening.dispose();
        resolve();
      });
    });
  }
}

export function only<K extends HostsNode['kind']>(
  nodes: readonly HostsNode[],
  kind: K,
): Extract<HostsNode, { readonly kind: K }> {
  const found = nodes.filter((node) => node.kind === kind);
  assert.equal(found.length, 1, `one node "${kind}" among ${nodes.map((node) => node.kind).join(', ')}`);
  return found[0] as Extract<HostsNode, { readonly kind: K }>;
}
