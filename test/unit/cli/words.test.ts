/** The help keeps to the words of docs/glossary.md: one word for one thing. */
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { buildProgram } from '../../../cli/program.ts';
import { scriptedStillpoint } from '../../support/scripted-stillpoint.ts';
import { scriptedSurroundings } from '../../support/scripted-terminal.ts';

/** "backup" is what makes a restore point, and not what it leaves. */
const RIVALS = /\b(backups|director(y|ies)|repo|config folder|retention)\b/i;

function texts(command: Command): readonly string[] {
  return [
    ...(command.parent === null ? [] : [command.description()]),
    ...command.options.map(({ description }) => description),
    ...command.registeredArguments.map(({ description }) => description),
    ...command.commands.flatMap(texts),
  ];
}

test('no text of the help has another word for a thing that has one', () => {
  const { program } = buildProgram(scriptedSurroundings(scriptedStillpoint()));
  const said = texts(program);
  expect(said.length).toBeGreaterThan(100);
  expect(said.filter((text) => RIVALS.test(text))).toEqual([]);
});
