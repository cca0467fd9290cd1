import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { STARTER_CONFIGURATION } from '../../../extension/texts/starter-configuration.ts';
import { parseDocument } from '../../../shared/config/document.ts';
import { configurationSchema } from '../../../shared/config/schema.ts';

const root = new URL('../../../', import.meta.url);
const manifest = readFileSync(new URL('package.json', root), 'utf8');
const texts = JSON.parse(readFileSync(new URL('package.nls.json', root), 'utf8')) as Record<string, string>;

interface Contributes {
  readonly commands: readonly { readonly command: string }[];
  readonly menus: Record<
    string,
    readonly { readonly command: string; readonly when: string; readonly group: string }[]
  >;
  readonly jsonValidation: readonly { readonly url: string }[];
  readonly configuration: { readonly properties: Record<string, { readonly scope: string }> };
}
const { contributes } = JSON.parse(manifest) as { contributes: Contributes };
const commands = contributes.commands.map(({ command }) => command);

test('every text of the manifest is there, and none is left over', () => {
  const used = new Set([...manifest.matchAll(/"%([^%"]+)%"/g)].map(([, key]) => key));
  expect(used).toEqual(new Set(Object.keys(texts)));
});

test('menus and welcome texts name commands that exist', () => {
  const inMenus = Object.values(contributes.menus).flatMap((items) => items.map(({ command }) => command));
  const inTexts = Object.values(texts).flatMap((text) =>
    [...text.matchAll(/command:([\w.]+)/g)].map(([, id = '']) => id),
  );
  const theEditors = ['workbench.action.openSettings', 'workbench.action.openRemoteSettings'];
  const ours = [...inMenus, ...inTexts].filter((id) => !theEditors.includes(id));
  expect(ours.filter((id) => !commands.includes(id))).toEqual([]);
});

test('no opened folder can name the configuration', () => {
  for (const { scope } of Object.values(contributes.configuration.properties)) expect(scope).toBe('machine');
});

test('files that the manifest points at are there', () => {
  for (const { url } of contributes.jsonValidation) expect(existsSync(new URL(url, root)), url).toBe(true);
  for (const [, file = ''] of manifest.matchAll(/"(media\/[^"*]+)"/g))
    expect(existsSync(new URL(file, root)), file).toBe(true);
});

test('the starting configuration is valid as it stands', () => {
  const { value, problems } = parseDocument(STARTER_CONFIGURATION);
  expect(problems).toEqual([]);
  expect(configurationSchema.safeParse(value).success).toBe(true);
});

test('the starting configuration is valid with its examples taken over', () => {
  const { value, problems } = parseDocument(STARTER_CONFIGURATION.replaceAll(/\/\/ (?="\w+": \{)/g, ''));
  expect(problems).toEqual([]);
  expect(configurationSchema.safeParse(value).error?.issues).toBeUndefined();
  expect(value).toMatchObject({ sources: { shop: { host: 'db1' } } });
});

test('whatever stands beside an item for the mouse is in its menu for the keyboard as well', () => {
  const items = contributes.menus['view/item/context'] ?? [];
  const commandsInMenu = new Set(
    items.filter(({ group }) => !group.startsWith('inline')).map(({ command }) => command),
  );
  const inline = items.filter(({ group }) => group.startsWith('inline'));
  expect(inline.length).toBeGreaterThan(4);
  expect(inline.filter(({ command }) => !commandsInMenu.has(command)).map(({ command }) => command)).toEqual([]);
});
