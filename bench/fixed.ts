/**
 * What a backup costs that has nothing to do: the whole program, from the start of `stillpoint backup` to its end, over
 * a source of one small file that has not changed. Bundled as users get it, in a state folder of its own, over a
 * private OpenSSH server on this machine: at once, and through a line whose round trip takes 50 ms.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { startLocalSshd } from '../test/lab/local-sshd.ts';
import { mountFilesystem } from '../test/support/loop-filesystem.ts';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { openSlowLine } from './slow-line.ts';

const ROOT = join(import.meta.dirname, '..');
const ROUND_TRIP_MS = 50;
const PASSWORD = 'a password for measurements';

interface Installed {
  readonly program: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly stateFolder: string;
}

/** Milliseconds from the start of the program; by phases in the order in which they came. */
interface Course {
  readonly wholeMs: number;
  readonly steps: ReadonlyMap<string, number>;
  readonly commands: number;
}

export async function measureFixed(rounds: number, signal: AbortSignal): Promise<void> {
  await using folder = await temporaryFolder();
  const program = join(folder.path, 'dist');
  await execa(process.execPath, [join(ROOT, '.ci/build.ts'), program], { cancelSignal: signal });
  // What the login shell of this machine's root does at its start is no part of ours.
  const home = join(folder.path, 'home');
  await mkdir(home);
  await using sshd = await startLocalSshd({ configLines: [`SetEnv HOME=${home}`] }, signal);
  await using line = await openSlowLine(sshd.port, ROUND_TRIP_MS);
  await using filesystem = await mountFilesystem('btrfs', folder.path, 256 * 1024 ** 2);
  const snapshotted = join(filesystem.path, 'data');
  await execa('btrfs', ['subvolume', 'create', snapshotted]);
  const live = join(folder.path, 'data');
  await mkdir(live);
  for (const place of [snapshotted, live]) await writeFile(join(place, 'note'), 'nothing of this changes\n');
  const slowConfig = join(folder.path, 'slow_ssh_config');
  const own = await readFile(sshd.sshConfigFile, 'utf8');
  const key = `HostKeyAlias [127.0.0.1]:${sshd.port}`;
  await writeFile(slowConfig, own.replace(/^(\s*)Port .*$/m, `$1Port ${line.port}\n$1${key}`));

  const installed = await install(folder.path, program, {
    hosts: {
      near: { ssh: sshd.alias, sshConfigFile: sshd.sshConfigFile },
      far: { ssh: sshd.alias, sshConfigFile: slowConfig },
    },
    sources: Object.fromEntries(
      ['near', 'far'].flatMap((host) => [
        [`${host}-live`, { host, repository: 'main', paths: [live], withoutSnapshot: 'read-live' }],
        [`${host}-btrfs`, { host, repository: 'main', paths: [snapshotted] }],
      ]),
    ),
  });
  await run(installed, ['init', 'main'], signal);
  console.log(`\nAn unchanged file of 24 bytes; medians of ${rounds} rounds in turn, ms; the slow line is a relay`);
  const cases = ['near-live', 'far-live', 'near-btrfs', 'far-btrfs'];
  const courses = new Map<string, Course[]>();
  for (let round = -1; round < rounds; round += 1) {
    for (const source of cases) {
      const course = await follow(installed, source, signal);
      // The first is the one in which it is new.
      if (round >= 0) courses.set(source, [...(courses.get(source) ?? []), course]);
    }
  }
  print(cases, courses);
}

async function install(folder: string, program: string, entries: object): Promise<Installed> {
  const configFile = join(folder, 'config.jsonc');
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, PASSWORD, { mode: 0o600 });
  const repositories = { main: { location: join(folder, 'repository'), passwordFile } };
  await writeFile(configFile, JSON.stringify({ ...entries, repositories }));
  const environment = {
    STILLPOINT_CONFIG: configFile,
    XDG_STATE_HOME: join(folder, 'state'),
    XDG_CACHE_HOME: join(folder, 'cache'),
    NO_COLOR: '1',
  };
  return { program: join(program, 'cli.js'), environment, stateFolder: join(folder, 'state', 'stillpoint') };
}

async function run({ program, environment }: Installed, args: readonly string[], signal: AbortSignal): Promise<void> {
  await execa(process.execPath, [program, ...args], { cancelSignal: signal, env: environment, stdin: 'ignore' });
}

async function follow(installed: Installed, source: string, signal: AbortSignal): Promise<Course> {
  const jobs = join(installed.stateFolder, 'jobs');
  const before = new Set(await readdir(jobs).catch(() => []));
  const startedAt = Date.now();
  await run(installed, ['backup', source], signal);
  const endedAt = Date.now();
  const [job = ''] = (await readdir(jobs)).filter((name) => !before.has(name));
  const events = await linesOf(join(jobs, job, 'events.ndjson'));
  const { createdAt } = JSON.parse(await readFile(join(jobs, job, 'record.json'), 'utf8')) as { createdAt: string };
  const finished = JSON.parse(await readFile(join(jobs, job, 'finished.json'), 'utf8')) as Line;
  const steps = new Map<string, number>();
  let at = startedAt;
  const step = (name: string, until: number): void => {
    steps.set(name, (steps.get(name) ?? 0) + until - at);
    at = until;
  };
  step('start', Date.parse(createdAt));
  for (const { type, phase, at: time } of events) {
    if (type === 'job-started') step('runner', Date.parse(time));
    if (type === 'phase-started') step('between', Date.parse(time));
    if (type === 'phase-finished') step(phase ?? '', Date.parse(time));
  }
  step('end', Date.parse(finished.at));
  step('exit', endedAt);
  const log = await linesOf(join(jobs, job, 'runner.log'));
  const commands = log.filter(({ message }) => message === 'Command starts.').length;
  return { wholeMs: endedAt - startedAt, steps, commands };
}

interface Line {
  readonly at: string;
  readonly type?: string;
  readonly phase?: string;
  readonly message?: string;
}

async function linesOf(path: string): Promise<readonly Line[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Line);
}

function print(cases: readonly string[], courses: ReadonlyMap<string, readonly Course[]>): void {
  const names = new Set([...courses.values()].flat().flatMap(({ steps }) => [...steps.keys()]));
  const row = (name: string, of: (course: Course) => number | undefined): void => {
    const cells = cases.map((each) => median((courses.get(each) ?? []).map(of)));
    console.log(`  ${name.padEnd(12)}${cells.map((cell) => String(cell ?? '–').padStart(12)).join('')}`);
  };
  console.log(`  ${''.padEnd(12)}${cases.map((each) => each.padStart(12)).join('')}`);
  for (const name of names) row(name, ({ steps }) => steps.get(name));
  row('whole', ({ wholeMs }) => wholeMs);
  row('commands', ({ commands }) => commands);
}

function median(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  return known[Math.floor(known.length / 2)];
}
