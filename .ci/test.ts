/**
 * Runs the tests: after the checks as many groups beside each other as there is room for, so that those that wait leave the
 * processors to those that compute. The longest begin first, and small ones fill what is left: nothing long runs alone at the end.
 *
 *   node .ci/test.ts [GROUP…] [ARGUMENT FOR VITEST…]
 *
 * Without a group: the checks and every group that has test files, ending with one line `N passed, N failed` and the
 * reason of each skipped test. A group that fails does not stop the next one. A group that ends badly without saying
 * what failed, because it crashed or ran out of time, counts as one failure.
 *
 * STILLPOINT_TEST_DEADLINE (seconds since 1970) is when everything has to be over; STILLPOINT_TEST_SUMMARY is a file
 * for the last line.
 */
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { openRun } from '../test/lab/run-folder.ts';
import { ROOT, runProcess } from './process.ts';
import { PROJECTS } from './projects.ts';
import type { GroupResults } from './test-results.ts';

interface Group {
  readonly name: string;
  readonly files: string;
  /** What the group may take at most, on two slow cores and with nothing cached. */
  readonly minutes: number;
  /** Starts guests of this kind: the image has to be there before a test's own time limit counts. */
  readonly guests?: 'plain' | 'zfs';
  /** Why it is run only where it is named. */
  readonly onlyNamed?: string;
}

/**
 * Test files that run at the same time, of all groups together. Most of them wait for a guest, a server or a disk for half of
 * their time, so two processors have something to do with these, and each test still ends well within its limit.
 */
const MOST_FILES = 7;

/** In the order in which they begin where there is room for them: what takes longest as a whole comes first. */
const GROUPS: readonly Group[] = [
  { name: 'house', files: 'test/*.test.ts', minutes: 5 },
  // What takes several places is early, because the others would always be in them.
  { name: 'watchman', files: 'test/faults/watchman/*.test.ts', minutes: 10 },
  { name: 'storages', files: 'test/contract/storages/*.test.ts', minutes: 45, guests: 'plain' },
  { name: 'e2e', files: 'test/e2e/**/*.test.ts', minutes: 40, guests: 'plain' },
  { name: 'kill', files: 'test/faults/kill/*.test.ts', minutes: 35, guests: 'plain' },
  { name: 'interop', files: 'test/interop/**/*.test.ts', minutes: 30 },
  { name: 'faults', files: 'test/faults/*.test.ts', minutes: 25, guests: 'plain' },
  { name: 'contract', files: 'test/contract/*.test.ts', minutes: 25 },
  { name: 'editor', files: 'test/editor/**/*.test.ts', minutes: 15, guests: 'plain' },
  { name: 'mcp', files: 'test/mcp/**/*.test.ts', minutes: 10 },
  // Hundreds of short files, which keep both processors busy until the end.
  { name: 'unit', files: 'test/unit/**/*.test.ts', minutes: 15 },
  {
    name: 'endless',
    files: 'test/endless/**/*.test.ts',
    minutes: 30,
    onlyNamed: 'it needs 5 GB of memory and some minutes; "npm run test:endless" runs it',
  },
  {
    name: 'canary',
    files: 'test/canary/*.test.ts',
    minutes: 20,
    onlyNamed:
      'it looks at all processes all the time, and other tests would wait for it; "npm run test:canary" runs it',
  },
  {
    name: 'ceph',
    files: 'test/ceph/**/*.test.ts',
    minutes: 10,
    onlyNamed: 'it needs 310 MB of packages; "npm run test:ceph" runs it',
  },
  {
    name: 'zfs',
    files: 'test/zfs/*.test.ts',
    minutes: 120,
    guests: 'zfs',
    onlyNamed: 'it builds a module of the kernel and emulates whole machines, for an hour; "npm run test:zfs" runs it',
  },
];

interface Report extends GroupResults {
  readonly name: string;
  readonly seconds: number;
}

const deadlineMs = Number(process.env['STILLPOINT_TEST_DEADLINE'] ?? Number.POSITIVE_INFINITY) * 1000;
const labRun = openRun();
const resultsFolder = mkdtempSync(join(tmpdir(), 'stillpoint-results-'));
process.on('exit', () => rmSync(resultsFolder, { recursive: true, force: true }));

async function runChecks(): Promise<Report> {
  const start = performance.now();
  const { code } = await runProcess('node', ['.ci/check.ts', '--without-tests'], { show: true });
  const failures = code === 0 ? [] : ['the checks above'];
  return { name: 'check', passed: 0, failures, skipped: [], seconds: secondsSince(start) };
}

async function runGroup(group: Group, vitestArguments: readonly string[]): Promise<Report> {
  const start = performance.now();
  const file = join(resultsFolder, `${group.name}.json`);
  const timeoutMs = Math.min(group.minutes * 60_000, deadlineMs - Date.now());
  if (timeoutMs <= 0) return { ...failed(group.name, 'no time was left for it'), seconds: 0 };
  console.log(`\n── ${group.name}`);
  const outcome = await runProcess('vitest', ['run', '--project', group.name, ...vitestArguments], {
    show: true,
    env: { STILLPOINT_TEST_RESULTS: file },
    timeoutMs,
  });
  const results = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as GroupResults) : undefined;
  const report = { name: group.name, ...(results ?? { passed: 0, failures: [], skipped: [] }) };
  const failures = [...report.failures];
  if (outcome.timedOut) failures.push(`ran longer than ${Math.round(timeoutMs / 1000)} s and was ended`);
  else if (results === undefined) failures.push('ended without results');
  else if (outcome.code !== 0 && failures.length === 0) failures.push(`ended with exit code ${outcome.code}`);
  return { ...report, failures, seconds: secondsSince(start) };
}

function failed(name: string, failure: string): Omit<Report, 'seconds'> {
  return { name, passed: 0, failures: [failure], skipped: [] };
}

function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}

function printReports(reports: readonly Report[]): void {
  console.log('');
  for (const { name, passed, failures, skipped, seconds } of reports) {
    const counts = `${passed} passed, ${failures.length} failed, ${skipped.length} skipped`;
    console.log(`${name.padEnd(9)} ${counts}, ${seconds.toFixed(1)} s`);
  }
  for (const { skipped } of reports) for (const { test, reason } of skipped) console.log(`SKIPPED ${test}: ${reason}`);
  for (const { name, failures } of reports) for (const failure of failures) console.log(`FAILED  ${name}: ${failure}`);
}

function summaryLine(reports: readonly Report[]): string {
  const sum = (count: (report: Report) => number): number =>
    reports.reduce((total, report) => total + count(report), 0);
  const skipped = sum((report) => report.skipped.length);
  const line = `${sum((report) => report.passed)} passed, ${sum((report) => report.failures.length)} failed`;
  return skipped > 0 ? `${line}, ${skipped} skipped` : line;
}

const named = process.argv.slice(2);
const chosen = GROUPS.filter((group) => named.includes(group.name));
const vitestArguments = named.filter((argument) => !GROUPS.some((group) => group.name === argument));

const filesAtOnce = ({ name }: Group): number => PROJECTS.find(({ test }) => test.name === name)?.test.maxWorkers ?? 1;

async function runIfThere(group: Group): Promise<readonly Report[]> {
  if (globSync(group.files, { cwd: ROOT }).length > 0) return [await runGroup(group, vitestArguments)];
  return chosen.length > 0 ? [{ ...failed(group.name, `there are no files ${group.files}`), seconds: 0 }] : [];
}

let hasImages = false;

/** Where there can be no guest, this fails, and the tests say why. */
async function buildImages(groups: readonly Group[]): Promise<void> {
  const kinds = new Set(groups.flatMap(({ guests }) => (guests === undefined ? [] : [guests])));
  await Promise.all([...kinds].map((kind) => runProcess('node', ['test/lab/main.ts', 'build', kind], { show: true })));
  hasImages = true;
}

/**
 * Begins each group when there is room for all of its files and, where it starts guests, their images are there.
 *
 * @param images settles when they are
 */
async function runBeside(groups: readonly Group[], images: Promise<void>): Promise<Report[]> {
  const [left, reports, underWay] = [[...groups], [] as Report[], new Set<Promise<unknown>>()];
  let free = MOST_FILES;
  const follow = (work: Promise<unknown>): void => {
    const followed = work.finally(() => underWay.delete(followed));
    underWay.add(followed);
  };
  follow(images);
  const isFit = (group: Group): boolean => filesAtOnce(group) <= free && (group.guests === undefined || hasImages);
  for (; underWay.size > 0; await Promise.race(underWay)) {
    for (let at = left.findIndex(isFit); at >= 0; at = left.findIndex(isFit)) {
      const [group] = left.splice(at, 1) as [Group];
      free -= filesAtOnce(group);
      follow(
        runIfThere(group).then((ended) => {
          free += filesAtOnce(group);
          reports.push(...ended);
        }),
      );
    }
  }
  return reports;
}

const reports: Report[] = [];
const wanted = chosen.length > 0 ? chosen : GROUPS.filter((group) => group.onlyNamed === undefined);
// Mostly there already; where not, the checks need no guest.
const images = buildImages(wanted);
if (chosen.length === 0) reports.push(await runChecks());
reports.push(...(await runBeside(wanted, images)));
if (reports.every(({ passed, skipped, failures }) => passed + skipped.length + failures.length === 0)) {
  reports.push({ ...failed('all', 'not a single test was run'), seconds: 0 });
}

printReports(reports);
const kernel = join(labRun, 'kernel');
if (existsSync(kernel)) console.log(`GUESTS  ran on ${readFileSync(kernel, 'utf8')}`);
if (chosen.length === 0) {
  for (const { name, onlyNamed } of GROUPS) if (onlyNamed !== undefined) console.log(`NOT RUN ${name}: ${onlyNamed}`);
}
const summary = summaryLine(reports);
console.log(`\n${summary}`);
const summaryFile = process.env['STILLPOINT_TEST_SUMMARY'];
if (summaryFile !== undefined) writeFileSync(summaryFile, `${summary}\n`);
process.exitCode = reports.every(({ failures }) => failures.length === 0) ? 0 : 1;
