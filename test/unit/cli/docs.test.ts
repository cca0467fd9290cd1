/** docs/cli.md is made from the program where it states facts. `vitest -u` writes those parts anew. */
import { expect, test } from 'vitest';
import { exitCodeOf } from '../../../cli/exit-codes.ts';
import { ASKED_FINDINGS } from '../../../cli/findings.ts';
import { buildProgram } from '../../../cli/program.ts';
import { ERROR_CODES } from '../../../shared/base/error-codes.ts';
import { StillpointError } from '../../../shared/base/errors.ts';
import type { JobKind, JobResult } from '../../../shared/domain/verbs/verbs.ts';
import { ENDS_OF_JOBS, EXIT_MEANING } from '../../support/exit-meanings.ts';
import { markdownTable, pageWithParts } from '../../support/generated-docs.ts';
import {
  sampleCheck,
  sampleCopy,
  sampleExport,
  sampleRestore,
  sampleRun,
  sampleSweep,
  sampleVerify,
} from '../../support/sample-data.ts';
import { sampleRepair } from '../../support/sample-repair.ts';
import { scriptedStillpoint } from '../../support/scripted-stillpoint.ts';
import { runCli, scriptedSurroundings } from '../../support/scripted-terminal.ts';

const ID = '3f2a9c51d04e7b68';
/** What the last events of the other jobs hold. */
const RESULTS: readonly (readonly [readonly string[], JobResult])[] = [
  [['export', 'shop', '--mirror', 'nas:/volume1/shop', '--keep', '2'], sampleExport],
  [['restore', 'latest', '--to', '/home/ann/restored'], sampleRestore],
  [['check', 'main'], sampleCheck],
  [['verify', 'main'], sampleVerify],
  [['copy', '--from', 'main', '--to', 'other'], sampleCopy],
  [['sweep', 'db1'], sampleSweep],
  [['repair', 'packs', 'main'], sampleRepair],
];

function commands(): string {
  const { program } = buildProgram(scriptedSurroundings(scriptedStillpoint()));
  const leaves = program.commands.flatMap((command) => {
    const isCommandItself = command.commands.length === 0 || command.registeredArguments.length > 0;
    return [...(isCommandItself ? [command] : []), ...command.commands];
  });
  const rows = leaves.map((command) => {
    const group = command.parent === program ? [] : [command.parent?.name()];
    const shown = command.options.filter(({ hidden }) => !hidden);
    const own = shown.map((option) => `\`${option.flags}\``).join(', ');
    const words = command.registeredArguments.map((argument) => {
      const name = argument.name().toUpperCase() + (argument.variadic ? '…' : '');
      return argument.required ? name : `[${name}]`;
    });
    return [`\`${['stillpoint', ...group, command.name(), ...words].join(' ')}\``, command.description(), own];
  });
  return markdownTable(['Command', 'What it does', 'Options'], rows);
}

function options(): string {
  const { program } = buildProgram(scriptedSurroundings(scriptedStillpoint()));
  const rows = program.createHelp().visibleOptions(program);
  return markdownTable(
    ['Option', 'Meaning'],
    rows.map(({ flags, description }) => [`\`${flags}\``, description]),
  );
}

function exitCodes(): string {
  return markdownTable(
    ['Code', 'Meaning'],
    Object.entries(EXIT_MEANING).map(([code, meaning]) => [code, meaning]),
  );
}

/** Kinds of jobs by the commands that start them. */
const STARTED_BY: Partial<Record<JobKind, string>> = { 'drop-snapshots': 'snapshot remove' };

function endings(): string {
  const ending = ENDS_OF_JOBS.filter(({ ends }) => Object.keys(ends).length > 0);
  const jobs = ending.map(
    ({ kind, ends: { findings = '', partial = '' } }) => [STARTED_BY[kind] ?? kind, findings, partial] as const,
  );
  const asked = Object.entries(ASKED_FINDINGS).map(([command, findings]) => [command, findings, ''] as const);
  const rows = [...jobs, ...asked].map(([command, ...words]) => [`\`${command}\``, ...words]);
  return markdownTable(['Command', '8, because', '9, because'], rows);
}

function errorCodes(): string {
  const rows = Object.entries(ERROR_CODES).map(([code, meaning]) => [`\`${code}\``, meaning, String(exitCodeOf(code))]);
  return markdownTable(['Code', 'Meaning', 'Exit code'], rows);
}

/** Every command with --json on the sample data; the shapes in the page are what the program printed. */
async function json(): Promise<string> {
  const sections: string[] = [];
  for (const words of [
    ['init', 'main'],
    ['hosts'],
    ['inspect', 'db1'],
    ['advise', 'db1'],
    ['setup', 'db1', '--yes'],
    ['plan', 'shop'],
    ['list'],
    ['ls', 'latest', '/var/lib/mysql'],
    ['find', 'ibdata1', 'shop'],
    ['diff', '9f9f', 'latest'],
    ['stats', 'main', '--mode', 'by-point'],
    ['unlock', 'main'],
    ['key', 'list', 'main'],
    ['key', 'change', 'main'],
    ['forget', 'main', '--keep-daily', '7', '--prune'],
    ['prune', 'main'],
    ['jobs'],
    ['jobs', ID],
    ['cancel', ID],
    ['backup', 'shop', '--detach'],
    ['backup', 'shop'],
  ]) {
    const isCancelled = words[0] === 'cancel';
    const stillpoint = scriptedStillpoint({ run: isCancelled ? sampleRun.slice(0, 5) : sampleRun });
    if (words[0] === 'jobs' || isCancelled) await runCli(['backup', 'shop', '--detach'], stillpoint);
    sections.push(section(words, (await runCli([...words, '--json'], stillpoint)).stdout));
  }
  for (const [words, result] of RESULTS) {
    const stillpoint = scriptedStillpoint({ run: [{ type: 'job-finished', outcome: 'succeeded', result }] });
    sections.push(section(words, (await runCli([...words, '--json'], stillpoint)).stdout));
  }
  const failing = scriptedStillpoint();
  failing.fail(
    'inspectHost',
    new StillpointError('ssh.unreachable', 'The host "db1" (db1.example.org, port 22) refuses the connection.', {
      advice: 'See that sshd runs there and listens on this port.',
      details: { host: 'db1', port: 22 },
      cause: undefined,
    }),
  );
  const failure = await runCli(['inspect', 'db1', '--json'], failing);
  sections.push(section(['inspect', 'db1'], failure.stdout, ', failing'));
  return sections.join('\n');
}

function section(words: readonly string[], output: string, more = ''): string {
  return `### \`stillpoint ${words.join(' ')} --json\`${more}\n\n\`\`\`json\n${output.trimEnd()}\n\`\`\`\n`;
}

test('docs/cli.md says what the program does', async () => {
  const page = new URL('../../../docs/cli.md', import.meta.url);
  const parts = new Map([
    ['commands', commands()],
    ['options', options()],
    ['exit codes', exitCodes()],
    ['endings', endings()],
    ['json', await json()],
    ['error codes', errorCodes()],
  ]);
  await expect(await pageWithParts(page, parts)).toMatchFileSnapshot(page.pathname);
});
