/**
 * A program that looks for secrets as long as it runs, again and again: in the arguments and the environment of every process
 * of this machine and of all namespaces in it, and in every file of the folders that it is told. Each place is told once, a line
 * of JSON, and how many rounds there were of each kind on SIGTERM. It ends with whoever holds its standard input.
 */
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Eyes, type Secret } from './secrets.ts';

/** In a file, because arguments are looked at. */
export interface LookOrder {
  readonly secrets: readonly Pick<Secret, 'name' | 'core'>[];
  /** With all that is in them. */
  readonly folders: readonly string[];
  /** Where the secrets were put on purpose: files, and folders with all that is in them. */
  readonly planted: readonly string[];
}

export interface Sighting {
  readonly secret: string;
  readonly kind: 'argument' | 'environment' | 'file';
  readonly place: string;
}

export interface Rounds {
  readonly processes: number;
  readonly files: number;
}

const LARGEST = 256 * 1024 * 1024;
/** Between two looks at all processes; what lives for less than that is seen in the traces of programs. */
const PAUSE_MS = 50;
/** Files change less often than processes do, and there are more of them. */
const PROCESSES_A_ROUND = 20;

const order = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as LookOrder;
const eyes = new Eyes(order.secrets);
const planted = new Set(order.planted);
const told = new Set<string>();
/** What a file was when it was looked at: it is looked at again when it is another one. */
const seen = new Map<string, string>();

function tell(sighting: Sighting): void {
  const line = JSON.stringify(sighting);
  if (told.has(line)) return;
  told.add(line);
  process.stdout.write(`${line}\n`);
}

/** What is gone by now has nothing in it. */
function read(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

function lookAtProcesses(): void {
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    for (const [kind, file] of [
      ['argument', 'cmdline'],
      ['environment', 'environ'],
    ] as const) {
      const content = read(`/proc/${pid}/${file}`);
      if (content === undefined) continue;
      for (const secret of eyes.see(content)) {
        const [program = ''] = (read(`/proc/${pid}/cmdline`) ?? Buffer.alloc(0)).toString('latin1').split('\0');
        tell({ secret, kind, place: program });
      }
    }
  }
}

function lookAtFiles(folder: string): void {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return;
  }
  for (const name of names) {
    const path = join(folder, name);
    if (planted.has(path)) continue;
    for (const secret of eyes.see(name)) tell({ secret, kind: 'file', place: path });
    try {
      const stats = lstatSync(path);
      if (stats.isDirectory()) lookAtFiles(path);
      const state = `${stats.ino} ${stats.size} ${stats.mtimeMs} ${stats.ctimeMs}`;
      if (!stats.isFile() || stats.size > LARGEST || seen.get(path) === state) continue;
      for (const secret of eyes.see(readFileSync(path))) tell({ secret, kind: 'file', place: path });
      seen.set(path, state);
    } catch {
      // Gone.
    }
  }
}

process.stdin.resume().on('end', () => process.exit());
let isOver = false;
process.on('SIGTERM', () => {
  isOver = true;
});
const rounds = { processes: 0, files: 0 };
const lookAtAllFiles = (): void => {
  for (const folder of order.folders) lookAtFiles(folder);
  rounds.files += 1;
};
while (!isOver) {
  lookAtProcesses();
  rounds.processes += 1;
  if (rounds.processes % PROCESSES_A_ROUND === 1) lookAtAllFiles();
  await sleep(PAUSE_MS);
}
lookAtAllFiles();
process.stdout.write(`${JSON.stringify(rounds satisfies Rounds)}\n`);
process.stdin.destroy();
