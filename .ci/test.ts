/**
 * Runs the tests: after the checks, the groups that keep both processors nearly busy by themselves, then all others in two
 * lanes; and what mostly waits in two more, beside all of them.
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
import type { GroupResults } from './test-results.ts';

interface Group {
  readonly name: string;
  readonly files: string;
  /** What the group may take at most, on two slow cores and with nothing cached. */
  readonly minutes: number;
  /** Runs several files at once, so that another lane beside it would only be in the way. */
  readonly alone?: true;
  /** Starts guests of this kind: the image has to be there before a test's own time limit counts. */
  readonly guests?: 'plain' | 'zfs';
  /** Mostly waits, so it takes no lane of its own and runs beside the others. */
  readonly waits?: true;
  /** Why it is run only where it is named. */
  readonly onlyNamed?: string;
}

/** Those in lanes are taken from the top whenever a lane is free, so the longest come first. */
const GROUPS: readonly Group[] = [
  { name: 'house', files: 'test/*.test.ts', minutes: 5, alone: true },
  { name: 'unit', files: 'test/unit/**/*.test.ts', minutes: 12, alone: true },
  { name: 'e2e', files: 'test/e2e/**/*.test.ts', minutes: 40, guests: 'plain' },
  { name: 'interop', files: 'test/interop/**/*.test.ts', minutes: 30 },
  { name: 'faults', files: 'test/faults/*.test.ts', minutes: 25, guests: 'plain' },
  { name: 'editor', files: 'test/editor/**/*.test.ts', minutes: 15, guests: 'plain' },
  { name: 'storages', files: 'test/contract/storages/*.test.ts', minutes: 35, guests: 'plain', waits: true },
  { name: 'kill', files: 'test/faults/kill/*.test.ts', minutes: 35, guests: 'plain', waits: true },
  { name: 'watchman', files: 'test/faults/watchman/*.test.ts', minutes: 10, waits: true },
  // With it the second of the waiting lanes is as long as the first; in a lane of the others it would be the last, and nearly alone.
  { name: 'contract', files: 'test/contract/*.test.ts', minutes: 25, waits: true },
  { name: 'mcp', files: 'test/mcp/**/*.test.ts', minutes: 10 },
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

/** Runs groups until the list, which lanes share, is empty. */
async function runLane(groups: Group[]): Promise<Report[]> {
  const reports: Report[] = [];
  for (let group = takeNext(groups); group !== undefined; group = takeNext(groups)) {
    if (group.guests !== undefined) await buildImage(group.guests);
    if (globSync(group.files, { cwd: ROOT }).length > 0) reports.push(await runGroup(group, vitestArguments));
    else if (chosen.length > 0)
      reports.push({ ...failed(group.name, `there are no files ${group.files}`), seconds: 0 });
  }
  return reports;
}

let isBuilding = false;
const images = new Map<string, Promise<unknown>>();

/** Where there can be no guest, this fails, and the tests say why. */
function buildImage(kind: string): Promise<unknown> {
  const known = images.get(kind);
  if (known !== undefined) return known;
  isBuilding = true;
  const image = runProcess('node', ['test/lab/main.ts', 'build', kind], { show: true }).finally(() => {
    isBuilding = false;
  });
  images.set(kind, image);
  return image;
}

/** While one lane builds the image, the other does what needs none. */
function takeNext(groups: Group[]): Group | undefined {
  const next = isBuilding ? groups.findIndex((group) => group.guests === undefined) : 0;
  return groups.splice(Math.max(next, 0), 1)[0];
}

const reports: Report[] = [];
if (chosen.length === 0) reports.push(await runChecks());
const wanted = chosen.length > 0 ? chosen : GROUPS.filter((group) => group.onlyNamed === undefined);
const waiting = wanted.filter((group) => group.waits === true);
const shared = wanted.filter((group) => group.alone !== true && group.waits !== true);
const beside = Promise.all([runLane(waiting), runLane(waiting)]);
reports.push(...(await runLane(wanted.filter((group) => group.alone === true))));
reports.push(...(await Promise.all([runLane(shared), runLane(shared), beside])).flat(2));
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
