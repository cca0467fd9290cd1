/**
 * Promises traced: what the pages promise to a user, with the tests that hold it. The lists are in `requirements/`, a
 * file for each page. A sentence that is changed, a test that is renamed and a row that is new make this red: look at
 * the promise and at its tests, and write down again what holds it.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { COLD_BACKUPS } from './requirements/cold-backups.ts';
import { CONSISTENCY } from './requirements/consistency.ts';
import { DAMAGE } from './requirements/damage.ts';
import { DUMPS } from './requirements/dumps.ts';
import { FAULTS } from './requirements/faults.ts';
import { FORECASTS } from './requirements/forecasts.ts';
import { FROM_AN_EMPTY_DISK } from './requirements/from-an-empty-disk.ts';
import { HOST_SETUP } from './requirements/host-setup.ts';
import { HOSTS_WITHOUT_SNAPSHOTS } from './requirements/hosts-without-snapshots.ts';
import { LOST_CONNECTIONS } from './requirements/lost-connections.ts';
import { MCP } from './requirements/mcp.ts';
import { README } from './requirements/readme.ts';
import { REPOSITORIES } from './requirements/repositories.ts';
import { WITHOUT_STILLPOINT } from './requirements/restore-without-stillpoint.ts';
import { SECURITY } from './requirements/security.ts';
import { SEVERAL_CLIENTS } from './requirements/several-clients.ts';
import { unitsOf } from './support/page-units.ts';
import { hasTitle, testTitles } from './support/test-titles.ts';
import { type Trace, type TracedSection, traceFaults, type Written } from './support/traced.ts';

const ROOT = join(import.meta.dirname, '..');
const textOf = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** Where everything that is said has to be a promise or an exception; promises may stand elsewhere too. */
const SECTIONS: readonly TracedSection[] = [
  { page: 'README.md', heading: 'Two commands' },
  { page: 'README.md', heading: '3. Look, then back up' },
  { page: 'README.md', heading: 'What works today, and what does not yet' },
  { page: 'docs/security.md' },
  { page: 'docs/repositories.md', kinds: ['row'] },
  { page: 'docs/repositories.md', heading: 'How it is used' },
  { page: 'docs/repositories.md', heading: 'What was tried' },
  { page: 'docs/host-setup.md', kinds: ['row'] },
  { page: 'docs/host-setup.md', heading: 'Which volumes can be saved' },
  { page: 'docs/host-setup.md', heading: 'Btrfs' },
  { page: 'docs/host-setup.md', heading: 'Hosts without snapshots' },
  { page: 'docs/host-setup.md', heading: 'Cold backups' },
  { page: 'docs/host-setup.md', heading: 'Room for snapshots' },
  { page: 'docs/host-setup.md', heading: 'From an empty disk' },
  { page: 'docs/host-setup.md', heading: 'When the connection is lost' },
  { page: 'docs/host-setup.md', heading: 'Several clients' },
  { page: 'docs/host-setup.md', heading: 'Volumes that are unmounted during a backup' },
  { page: 'docs/host-setup.md', heading: 'Automounts' },
  { page: 'docs/host-setup.md', heading: 'What is there during a backup, and afterwards' },
  { page: 'docs/mcp.md', heading: 'Tools' },
  { page: 'docs/mcp.md', heading: 'What comes from a host is data' },
  { page: 'docs/restore-without-stillpoint.md', kinds: ['row', 'command'] },
  { page: 'docs/consistency.md', kinds: ['row'] },
  { page: 'docs/dumps.md', heading: 'What was tried' },
  { page: 'docs/faults.md', kinds: ['row'] },
  { page: 'docs/damage.md', heading: 'Finding out' },
  { page: 'docs/damage.md', heading: 'Repairing' },
  { page: 'docs/damage.md', heading: 'Restore points from a second repository' },
  { page: 'docs/damage.md', heading: 'What is lost, and what is not' },
  { page: 'docs/damage.md', heading: 'What a repair never does' },
];

const LISTS = [
  README,
  SECURITY,
  SEVERAL_CLIENTS,
  FORECASTS,
  REPOSITORIES,
  HOST_SETUP,
  HOSTS_WITHOUT_SNAPSHOTS,
  COLD_BACKUPS,
  CONSISTENCY,
  DUMPS,
  FAULTS,
  FROM_AN_EMPTY_DISK,
  LOST_CONNECTIONS,
  MCP,
  WITHOUT_STILLPOINT,
  DAMAGE,
];

/** Whether a run takes this file: as one of tests, as one of the extension host, or as a suite that such a file imports. */
function isRun(path: string): boolean {
  if (!existsSync(join(ROOT, path))) return false;
  if (/\.(test|host)\.ts$/.test(path)) return true;
  const near = globSync([`${dirname(path)}/*.ts`, `${dirname(path)}/*/*.ts`], { cwd: ROOT });
  return near.some((other) => other !== path && textOf(other).includes(`./${basename(path)}'`) && isRun(other));
}

/** The titles of the files that are named, as far as they are run. */
function titlesOf({ requirements }: Trace): ReadonlyMap<string, readonly string[]> {
  const named = new Set(requirements.flatMap(({ tests }) => tests.map(({ file }) => file)));
  return new Map([...named].filter(isRun).map((path) => [path, testTitles(path, textOf(path))]));
}

describe('what the pages promise', () => {
  const trace: Trace = {
    requirements: LISTS.flatMap(({ requirements }) => requirements),
    exceptions: LISTS.flatMap(({ exceptions }) => exceptions),
    sections: SECTIONS,
  };
  const pages = new Map([...new Set(SECTIONS.map(({ page }) => page))].map((page) => [page, textOf(page)]));

  test('is held by tests that are there', () => {
    expect(traceFaults(trace, { pages, tests: titlesOf(trace) })).toEqual([]);
  });

  test('is not held by what nothing runs', () => {
    const files = ['contract/provider.ts', 'editor/host/views.host.ts', 'contract/gone.test.ts', 'demo/story.ts'];
    expect(files.map((file) => isRun(`test/${file}`))).toEqual([true, true, false, false]);
  });

  test('was really read', () => {
    expect(trace.requirements.length).toBeGreaterThan(150);
    expect(unitsOf(pages.get('README.md') ?? '').filter(({ kind }) => kind === 'row').length).toBeGreaterThan(20);
  });
});

const PAGE = `# A page

It does this. It does that,
over two lines.

| what | how |
| --- | --- |
| a | b |

## Limits

- It cannot fly. (It can swim.)

\`\`\`sh
stillpoint list   # all
stillpoint a \\
  b
\`\`\`
`;

describe('the trace', () => {
  const written: Written = {
    pages: new Map([['a.md', PAGE]]),
    tests: new Map([['test/a.test.ts', ['does this', 'does %s to $name', '%s']]]),
  };
  const faults = (more: Partial<Trace>): readonly string[] =>
    traceFaults({ requirements: [], exceptions: [], sections: [], ...more }, written);
  const promised = (promise: string, title: string | null = 'does this', file = 'test/a.test.ts') => ({
    ...{ page: 'a.md', promise, tests: title === null ? [] : [{ file, test: title }] },
  });

  test.each([
    ['It does this.'],
    ['It does that, over two lines.'],
    ['It does this. It does that, over\ntwo lines.'],
    ['| a | b |'],
    ['stillpoint a \\ b'],
  ])('takes %j, which stands there', (promise) => {
    expect(faults({ requirements: [promised(promise)] })).toEqual([]);
  });

  test.each([
    ['a promise that stands nowhere', promised('It does everything.'), 'does not stand there'],
    ['a piece of a sentence', promised('It does that'), 'is no whole sentence, table row or command'],
    ['a promise without a test', promised('It does this.', null), 'is held by no test'],
    ['a test that does not exist', promised('It does this.', 'does these'), 'names the test "does these"'],
    ['a title without words', promised('It does this.', '%s'), 'names the test "%s"'],
    ['a file that is not there', promised('It does this.', 'does this', 'test/b.test.ts'), 'names test/b.test.ts'],
    ['a page that is not there', { ...promised('It does this.'), page: 'b.md' }, 'a page that is not there'],
  ])('refuses %s', (_what, requirement, complaint) => {
    expect(faults({ requirements: [requirement] })).toEqual([expect.stringContaining(complaint)]);
  });

  test('refuses what a section says and nobody promises', () => {
    const exceptions = [{ page: 'a.md', text: 'It cannot fly.', reason: 'a limit for now' }];
    expect(faults({ sections: [{ page: 'a.md', kinds: ['row'] }] })).toEqual([
      'a.md: "| a | b |" is neither promised nor excepted',
    ]);
    expect(faults({ sections: [{ page: 'a.md', heading: 'Limits' }], exceptions })).toEqual([
      'a.md: "(It can swim.)" is neither promised nor excepted',
      'a.md: "stillpoint list # all" is neither promised nor excepted',
      'a.md: "stillpoint a \\ b" is neither promised nor excepted',
    ]);
    expect(faults({ sections: [{ page: 'a.md', heading: 'Gone' }] })).toEqual(['a.md: there is nothing under "Gone"']);
  });

  test('refuses an exception without a reason, and one that nobody needs', () => {
    const sections = [{ page: 'a.md', kinds: ['row'] as const }];
    const excepted = (text: string, reason: string) => ({ sections, exceptions: [{ page: 'a.md', text, reason }] });
    expect(faults(excepted('| a | b |', 'a limit for now'))).toEqual([]);
    expect(faults(excepted('| a | b |', ''))).toEqual([expect.stringContaining('without a reason')]);
    const more = { sections: [], exceptions: [{ page: 'a.md', text: '| a | b |', reason: 'a limit for now' }] };
    expect(faults(more)).toEqual([expect.stringContaining('in no section that is traced')]);
    const both = { ...excepted('| a | b |', 'a limit for now'), requirements: [promised('| a | b |')] };
    expect(faults(both)).toEqual([expect.stringContaining('though it is promised')]);
  });
});

describe('the titles of tests', () => {
  const titles = testTitles(
    'a.test.ts',
    `describe.each([1])('a group of %s', () => { test('a test', run); it.skipIf(no)(\`of \${name}\`, run); });
     describe.skip('a group that never runs', () => { test('below it', run); });
     test.skip('never', run); test.todo('later'); other('of something else', run);`,
  );

  test('are found, but for what never runs', () => {
    expect(titles).toEqual(['a group of %s', 'a test', 'of ${name}']);
  });

  test('are named whole, or by their fixed parts', () => {
    expect(['a group of %s', 'a group of', 'a test', 'of'].filter((wanted) => !hasTitle(titles, wanted))).toEqual([]);
    expect(['group', 'a tes', '', '%s', '${name}'].filter((wanted) => hasTitle(titles, wanted))).toEqual([]);
  });
});
