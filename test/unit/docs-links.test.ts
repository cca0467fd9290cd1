/** What the pages that a newcomer meets point to has to be there: files, headings, npm scripts and commands. */
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { buildProgram } from '../../cli/program.ts';
import manifest from '../../package.json' with { type: 'json' };
import texts from '../../package.nls.json' with { type: 'json' };
import { scriptedStillpoint } from '../support/scripted-stillpoint.ts';
import { scriptedSurroundings } from '../support/scripted-terminal.ts';

const ROOT = resolve(import.meta.dirname, '../..');

const PAGES = [
  'README.md',
  'CHANGELOG.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
].sort();

const textOf = (page: string): string => readFileSync(join(ROOT, page), 'utf8');

interface Link {
  /** From the root of the project; the page itself for a link to one of its own headings. */
  readonly file: string;
  readonly heading: string | undefined;
}

/** Links to places of the project. Code does not count. */
function linksOf(page: string): readonly Link[] {
  const prose = textOf(page)
    .replaceAll(/^( *)```[^]*?^\1```/gm, '')
    .replaceAll(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^()\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', heading] = target.split('#');
      return { file: path === '' ? page : relative(ROOT, resolve(ROOT, dirname(page), path)), heading };
    });
}

/** The names under which headings of a page can be linked to, as GitHub and VS Code make them. */
function headingsOf(page: string): readonly string[] {
  const prose = textOf(page).replaceAll(/^( *)```[^]*?^\1```/gm, '');
  return [...prose.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-'),
  );
}

function isThere(path: string): boolean {
  try {
    readFileSync(join(ROOT, path));
    return true;
  } catch {
    return false;
  }
}

test.each(PAGES)('%s links to what is there', (page) => {
  const broken = linksOf(page).filter(
    ({ file, heading }) => !isThere(file) || (heading !== undefined && !headingsOf(file).includes(heading)),
  );
  expect(broken).toEqual([]);
});

test('the README links to every page of docs/', () => {
  const linked = new Set(linksOf('README.md').map((link) => link.file));
  expect(PAGES.filter((page) => page.startsWith('docs/') && !linked.has(page))).toEqual([]);
});

test('npm scripts that the pages name exist', () => {
  const named = PAGES.flatMap((page) =>
    [...textOf(page).matchAll(/npm (?:run ([a-z:]+)|(test))/g)].map(([, script, word]) => script ?? word ?? ''),
  );
  expect(named).toContain('demo');
  expect(named.filter((script) => !(script in manifest.scripts))).toEqual([]);
});

test('npm test runs every group of tests, or names the script that does', () => {
  const [, ...projects] = readFileSync(join(ROOT, '.ci/projects.ts'), 'utf8').split(/\bproject\('/);
  const [, ...groups] = readFileSync(join(ROOT, '.ci/test.ts'), 'utf8').split(/\{\s*name: '(?=[^']+',\s*files:)/);
  const nameOf = (text: string): string => text.slice(0, text.indexOf("'"));
  expect(groups.map(nameOf).toSorted()).toEqual(projects.map(nameOf).toSorted());
  const onlyNamed = groups.filter((group) => group.includes('onlyNamed:')).map(nameOf);
  expect(onlyNamed.toSorted()).toEqual(['canary', 'ceph', 'endless', 'zfs']);
  for (const name of onlyNamed) expect(textOf('README.md')).toContain(`npm run test:${name}`);
});

test('files and folders of the project that the pages name exist', () => {
  const named = PAGES.filter((page) => page !== 'CHANGELOG.md').flatMap((page) =>
    [...textOf(page).matchAll(/`((?:shared|test|cli|docs|extension|mcp-server|bench|\.ci)\/[\w./-]*)`/g)].map(
      ([, path = '']) => path,
    ),
  );
  expect(named.length).toBeGreaterThan(12);
  expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

test('what docs/extending.md names is in the code', () => {
  const files = globSync('shared/{base,dump,quiesce,snapshot}/**/*.ts', { cwd: ROOT }).concat(
    globSync('test/contract/{dump,hook,provider}.ts', { cwd: ROOT }),
  );
  const code = files.map((path) => readFileSync(join(ROOT, path), 'utf8')).join('\n');
  const words = [...textOf('docs/extending.md').matchAll(/`([^`\n]+)`/g)]
    .map(([, quoted = '']) => quoted)
    .filter((quoted) => !quoted.includes('/'))
    .flatMap(
      (quoted) => quoted.match(/sp_[a-z]+|\b(?:[A-Z][a-z]+){2,}\b|\b[a-z]+(?:[A-Z][a-z]+)+\b|\bREGISTRY\b/g) ?? [],
    );
  expect(words.length).toBeGreaterThan(10);
  expect(words.filter((word) => !new RegExp(`\\b${word}\\b`).test(code))).toEqual([]);
});

test('commands and settings of the editor that the pages name exist', () => {
  const titles = manifest.contributes.commands.map(({ title }) => texts[title.slice(1, -1) as keyof typeof texts]);
  const settings = Object.keys(manifest.contributes.configuration.properties);
  const commands = PAGES.flatMap((page) => [...textOf(page).matchAll(/\*\*Stillpoint: ([^*]+)\*\*/g)]);
  expect(commands.length).toBeGreaterThan(1);
  expect(commands.map(([, title = '']) => title).filter((title) => !titles.includes(title))).toEqual([]);
  const page = textOf('docs/extension.md');
  expect(settings.filter((setting) => !page.includes(`- \`${setting}\`:`))).toEqual([]);
  const named = [...page.matchAll(/^- `(stillpoint\.\w+)`:/gm)].map(([, setting = '']) => setting);
  expect(named.filter((setting) => !settings.includes(setting))).toEqual([]);
});

test('commands in the shell blocks of the pages exist, with their options', () => {
  const { program } = buildProgram(scriptedSurroundings(scriptedStillpoint()));
  const shellBlocks = PAGES.flatMap((page) => [...textOf(page).matchAll(/^( *)```sh\n([^]*?)^\1```/gm)]);
  const lines = shellBlocks.flatMap(([, , block = '']) => [...block.matchAll(/^ *stillpoint (.+?)(?: +#.*)?$/gm)]);
  expect(lines.length).toBeGreaterThan(5);
  const wrong = lines.filter(([, rest = '']) => {
    // Behind it are the words of another program.
    const [name, ...words] = rest.replace(/ -- .*$/, '').split(' ');
    const group = program.commands.find((candidate) => candidate.name() === name);
    const command = group?.commands.find((candidate) => candidate.name() === words[0]) ?? group;
    const options = words.filter((word) => word.startsWith('--'));
    const known = [...(command?.options ?? []), ...program.options].map((option) => option.long);
    return command === undefined || options.some((option) => !known.includes(option));
  });
  expect(wrong.map(([line]) => line)).toEqual([]);
});
