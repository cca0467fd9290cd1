/**
 * The most memory that a runner takes: the process that `stillpoint backup` leaves behind to do the work, on real
 * volumes of a guest. Measured by the kernel (VmHWM), with its worker threads. What is over the limit is a failure.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { formatBytes } from '../shared/base/bytes.ts';
import type { BackupReport } from '../shared/domain/verbs/backup.ts';
import { type CommandLine, commandLine } from '../test/demo/command-line.ts';
import { startGuest } from '../test/lab/guest.ts';
import { packInto } from '../test/support/pack-into.ts';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { makeTortureTree } from '../test/support/torture-tree.ts';

const LIMIT_BYTES = 400 * 1024 ** 2;
const STREAM_BYTES = 2 * 1024 ** 3;

interface MemoryFigure {
  readonly what: string;
  readonly peakBytes: number;
  readonly seconds: number;
  readonly report: BackupReport;
}

/** Returns whether all stayed under the limit. */
export async function measureMemory(signal: AbortSignal): Promise<boolean> {
  await using folder = await temporaryFolder();
  const tree = join(folder.path, 'tree');
  const [guest] = await Promise.all([startGuest({}, signal), makeTortureTree(tree, { smallFiles: 20_000 })]);
  await using _guest = guest;
  await packInto(guest, tree, '/srv/files/tree');
  await rm(tree, { recursive: true });
  await guest.must(
    `mkdir /srv/files/sparse && truncate -s 20G /srv/files/sparse/disk.img
     lvcreate -q -y -n stream -L 2300m vg0 && mkfs.xfs -q /dev/vg0/stream && mkdir /srv/stream && mount /dev/vg0/stream /srv/stream
     head -c ${STREAM_BYTES} /dev/urandom > /srv/stream/data && sync`,
    { signal },
  );
  const sources = {
    'the torture tree (20,000 small files, a 3 GiB sparse file)': '/srv/files/tree',
    'one sparse file of 20 GiB': '/srv/files/sparse',
    [`one file of ${formatBytes(STREAM_BYTES)} of random data`]: '/srv/stream',
  };
  const stateHome = join(folder.path, 'state');
  const cli = await prepare(folder.path, stateHome, guest.sshConfigFile, Object.values(sources), signal);
  let allFit = true;
  for (const [index, what] of Object.keys(sources).entries()) {
    const { peakBytes, seconds, report } = await measure(cli, stateHome, `source${index}`, signal);
    const fits = peakBytes < LIMIT_BYTES;
    allFit &&= fits;
    const verdict = fits ? '' : `  OVER THE LIMIT of ${formatBytes(LIMIT_BYTES)}`;
    console.log(
      `  ${formatBytes(peakBytes).padStart(10)}  ${what}: read ${formatBytes(report.bytesRead)} of ${formatBytes(report.bytesTotal)}, stored ${formatBytes(report.bytesStored)}, ${seconds.toFixed(0)} s${verdict}`,
    );
  }
  return allFit;
}

async function prepare(
  folder: string,
  stateHome: string,
  sshConfigFile: string,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<CommandLine> {
  const passwordFile = join(folder, 'password');
  const configFile = join(folder, 'config.jsonc');
  await mkdir(stateHome);
  await writeFile(passwordFile, 'a password for measurements\n', { mode: 0o600 });
  const config = {
    hosts: { guest: { ssh: 'lab', sshConfigFile } },
    repositories: { main: { location: join(folder, 'repository'), passwordFile } },
    sources: Object.fromEntries(
      paths.map((path, index) => [`source${index}`, { host: 'guest', paths: [path], repository: 'main' }]),
    ),
  };
  await writeFile(configFile, JSON.stringify(config));
  const cli = commandLine(configFile, stateHome);
  await cli.ask(['init', 'main'], signal);
  return cli;
}

async function measure(
  cli: CommandLine,
  stateHome: string,
  source: string,
  signal: AbortSignal,
): Promise<Omit<MemoryFigure, 'what'>> {
  const jobs = join(stateHome, 'stillpoint', 'jobs');
  const earlier = new Set(await readdir(jobs).catch(() => []));
  const started = performance.now();
  let isOver = false;
  const running = cli
    .follow(['backup', source], () => undefined, signal)
    .finally(() => {
      isOver = true;
    });
  running.catch(() => undefined);
  let peakBytes = 0;
  while (!isOver) {
    for (const job of await readdir(jobs).catch(() => [])) {
      if (!earlier.has(job)) peakBytes = Math.max(peakBytes, await peakOf(join(jobs, job, 'heartbeat')));
    }
    await delay(100, undefined, { signal });
  }
  const report = await running;
  if (report.kind !== 'backup' || peakBytes === 0) throw new Error(`${source} was not measured`);
  return { peakBytes, seconds: (performance.now() - started) / 1000, report };
}

/** VmHWM of the process that answers for a job; 0 where there is none (any more). */
async function peakOf(heartbeat: string): Promise<number> {
  try {
    const { pid } = JSON.parse(await readFile(heartbeat, 'utf8')) as { pid: number };
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
