/**
 * All sets of data and all programs: `npm run bench -- all [--scale 0.1] [--rounds 3] [--line 20ms,100mbit] [A B …]` runs this
 * as a program of its own in a network of its own (`own-network.ts`).
 *
 * Every program does the same on the same data in turn, so that noise of the machine hits all of them alike. The other
 * end is a private server on this machine, and the line between is the loopback, of which the kernel counts the bytes,
 * or a relay before it. CPU is that of both ends, without the relay's.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { type LocalSshd, startLocalSshd } from '../test/lab/local-sshd.ts';
import { commandLineOf, descendantsOf } from '../test/lab/process-tree.ts';
import { mountFilesystem } from '../test/support/loop-filesystem.ts';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { bundleProgram } from './bundled.ts';
import { type Command, type Contestant, contestants, type Place } from './contestants.ts';
import { type Action, DATA, type DataSet, SETS } from './data.ts';
import { openWay, parseLine, type Way } from './line.ts';
import { measured } from './measured.ts';
import type { ProgramFigures } from './program.ts';
import { type Figures, printTable } from './table.ts';

const ROOM = { small: 4, least: 1024 ** 3 };

interface Arena {
  readonly folder: string;
  readonly scale: number;
  readonly rounds: number;
  readonly all: readonly Contestant[];
  readonly way: Way;
  readonly server: number;
  readonly signal: AbortSignal;
}

async function measureAllSets(args: readonly string[], signal: AbortSignal): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { scale: { type: 'string' }, rounds: { type: 'string' }, line: { type: 'string' } },
  });
  const sets = positionals.length === 0 ? SETS : positionals;
  const unknown = sets.find((set) => !SETS.includes(set));
  if (unknown !== undefined) throw new Error(`There is no set "${unknown}"; they are ${SETS.join(' ')}`);
  const line = values.line === undefined ? undefined : parseLine(values.line);
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, 'package.json'), '{"type":"module"}');
  await using sshd = await startLocalSshd({}, signal);
  await using way = await openWay(sshd, line);
  const arena: Arena = {
    folder: folder.path,
    scale: Number(values.scale ?? 1),
    rounds: Number(values.rounds ?? 3),
    all: await contestants(await bundleProgram(join(folder.path, 'program')), signal),
    ...{ way, signal, server: serverOf(sshd) },
  };
  const wall = values.line ?? 'the loopback of this machine';
  console.log(`scale ${arena.scale}, medians of ${arena.rounds} rounds in turn, line: ${wall}`);
  for (const data of DATA) {
    const actions = data.actions.filter(({ set }) => sets.includes(set));
    if (actions.length > 0) await measureData(data, actions, arena);
  }
}

function serverOf({ directory }: LocalSshd): number {
  const config = join(directory, 'sshd_config');
  // Parents come first: its sessions have the same words in their command lines.
  const found = descendantsOf(process.pid).find((pid) => commandLineOf(pid).some((word) => word.includes(config)));
  if (found === undefined) throw new Error('The private sshd is not among the processes');
  return found;
}

async function measureData(data: DataSet, actions: DataSet['actions'], arena: Arena): Promise<void> {
  const place = (name: string): string => join(arena.folder, name);
  const source = place('data');
  await data.make(source, arena.scale);
  // What was written right before a backup is read again by the next one.
  await delay(5000);
  const placeOf = ({ name, storeOf }: Contestant): Place => ({
    sshConfigFile: arena.way.sshConfigFile,
    data: source,
    store: place(`store-${arena.all.findIndex((each) => each.name === (storeOf ?? name))}`),
  });
  const stores = arena.all.filter(({ backup }) => backup !== undefined);
  const empty = async (contestant: Contestant): Promise<void> => {
    const { store } = placeOf(contestant);
    await rm(store, { recursive: true, force: true });
    await mkdir(store);
    if (contestant.init !== undefined) await run(contestant.init(placeOf(contestant)), arena, false);
  };
  if (!actions.some(({ action }) => action === 'first')) {
    for (const contestant of stores) {
      await empty(contestant);
      if (contestant.backup !== undefined) await run(contestant.backup(placeOf(contestant)), arena, false);
    }
  }
  for (const { set, action } of actions) {
    const figures = arena.all.map((): Figures[] => []);
    for (let round = 0; round < arena.rounds; round += 1) {
      if (action === 'again') await data.change?.(source, round);
      for (const [index, contestant] of arena.all.entries()) {
        if (action === 'first' && contestant.backup !== undefined) await empty(contestant);
        const taken = await measureOne(contestant, action, placeOf(contestant), arena);
        if (taken !== undefined) figures[index]?.push(taken);
      }
    }
    const rows = arena.all.map(({ name }, index) => ({ name, rounds: figures[index] ?? [] }));
    printTable(
      `${set}: ${NAMES[action]}, ${data.what}`,
      rows.filter(({ rounds }) => rounds.length > 0),
    );
  }
  for (const name of ['data', ...arena.all.map((_, index) => `store-${index}`)]) {
    await rm(place(name), { recursive: true, force: true });
  }
}

const NAMES: Readonly<Record<Action, string>> = {
  first: 'first backup',
  again: 'one more backup',
  restore: 'restore',
  check: 'check',
  verify: 'prove all by reading',
};

async function measureOne(
  contestant: Contestant,
  action: Action,
  place: Place,
  arena: Arena,
): Promise<Figures | undefined> {
  const { backup, rescans, restore } = contestant;
  const sized = async (command: Command | undefined): Promise<Figures | undefined> => {
    if (command === undefined) return undefined;
    const before = await sizeOf(place.store);
    const taken = await run(command, arena, contestant.isOurs === true);
    return { ...taken, storedBytes: (await sizeOf(place.store)) - before };
  };
  if (action === 'first') return await sized(backup?.(place));
  if (action === 'again') return rescans === true ? await sized(backup?.(place)) : undefined;
  if (action !== 'restore') {
    const command = contestant[action]?.(place);
    return command === undefined ? undefined : await run(command, arena, contestant.isOurs === true);
  }
  if (restore === undefined) return undefined;
  // ext4 is slow where much was deleted a moment before, and lets writers wait when it is half full.
  const room = Math.max(ROOM.least, ROOM.small * (await sizeOf(place.data)));
  await using mounted = await mountFilesystem('ext4', arena.folder, room);
  const target = await mkdtemp(join(mounted.path, 'target-'));
  return await run(restore(place, target), arena, contestant.isOurs === true);
}

async function run(command: Command, { way, server, signal }: Arena, isOurs: boolean): Promise<Figures> {
  await execa('sync');
  const before = await way.bytes();
  const { file, args, env = {} } = command;
  const taken = await measured(file, args, { cancelSignal: signal, env }, server);
  const lineBytes = (await way.bytes()) - before;
  const figures = { ...taken, lineBytes, ...(command.isPipeline === true ? { peakBytes: undefined } : {}) };
  if (!isOurs) return figures;
  const { peakBytes, lateMs } = JSON.parse(taken.stdout) as ProgramFigures;
  return { ...figures, peakBytes, lateMs };
}

async function sizeOf(path: string): Promise<number> {
  return Number((await execa('du', ['-sb', path])).stdout.split('\t')[0]);
}

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort(new Error('Interrupted')));
await measureAllSets(process.argv.slice(2), interrupted.signal);
