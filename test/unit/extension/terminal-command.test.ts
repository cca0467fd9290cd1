/** What the terminals of the editor are given, so that the commands which messages name do what they say. */
import { expect, test } from 'vitest';
import { offerTerminalCommand, type TerminalPlace } from '../../../extension/terminal-command.ts';

function aPlace(): { readonly place: TerminalPlace; readonly variables: Map<string, string> } {
  const variables = new Map<string, string>();
  const place: TerminalPlace = {
    environmentVariableCollection: {
      persistent: true,
      description: undefined,
      append: (name, value) => void variables.set(name, value),
      replace: (name, value) => void variables.set(name, value),
      delete: (name) => void variables.delete(name),
    },
    asAbsolutePath: (path) => `/extension/${path}`,
  };
  return { place, variables };
}

test('they find the command line, which reads the configuration that the setting names', () => {
  const { place, variables } = aPlace();
  offerTerminalCommand(place, '/etc/mine.jsonc');
  expect(variables.get('PATH')).toMatch(/\/extension\/dist.bin$/);
  expect(variables.get('STILLPOINT_NODE')).toBe(process.execPath);
  expect(variables.get('STILLPOINT_CONFIG')).toBe('/etc/mine.jsonc');
  expect(place.environmentVariableCollection.persistent).toBe(false);
});

test('where the setting is empty they have the configuration that they had', () => {
  const { place, variables } = aPlace();
  offerTerminalCommand(place, '/etc/mine.jsonc');
  offerTerminalCommand(place, undefined);
  expect(variables.has('STILLPOINT_CONFIG')).toBe(false);
});
