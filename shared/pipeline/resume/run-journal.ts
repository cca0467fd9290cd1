/**
 * The journal of a run, in the folder of its job: with it another process takes up the run of one that was killed, on the same
 * snapshots, and what had arrived is not sent again.
 *     tape          what the host answered until its snapshots were mounted, sealed by the repository's key
 *     packs.<n>     the packs that process n of the run had stored, an id a line
 *     tree.<n>.<t>  what had come of tree t by then; names of files, as the listing beside it has them
 *
 * Invariants. Where there is a tape, it is whole, and the run can be taken up as long as its lease lives and its snapshots
 * pass their judgement. Nothing in here is believed of the repository: which packs and which content there are, it is asked.
 *
 * Crash story. A process that dies before the tape is there, or after it was taken away for the commit, leaves a run that cannot be
 * taken up. One that dies in between leaves notes of which the last line may be torn; what is not noted is read again.
 */
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { StillpointError, systemErrorCode } from '../../base/errors.ts';
import type { RunId } from '../../domain/names.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import { isId, type PackId } from '../../repository/ids.ts';
import type { Vault } from '../../repository/repository.ts';
import type { SaidId } from '../../snapshot/host/run-folder.ts';
import { takeUpReading } from '../../snapshot/host/take-up.ts';
import { AppendedFile, readLines } from './appended-file.ts';
import { type ArrivedTree, openArrivedTree } from './arrived.ts';
import { PlayedTape, RecordingTape, type Tape } from './tape.ts';

const TAPE = 'tape';

export interface RunJournal extends AsyncDisposable {
  readonly tape: Tape;
  /** The run that is taken up. */
  readonly takenUp: RunId | undefined;
  /** What was stored for it so far. */
  readonly packs: readonly PackId[];
  /** All that has to be known of the host is known: from now on the run can be taken up. */
  seal(run: RunId): Promise<void>;
  stored(pack: PackId): void;
  /** Nothing is to be taken up any more: what was read is about to count, and whether it does, the repository says. */
  end(): Promise<void>;
  /** @param host which is asked what tar had said on it */
  tree(index: number, host: RemoteHost, run: RunId, signal: AbortSignal): Promise<ArrivedTree>;
}

export interface JournalPorts {
  readonly folder: string;
  readonly vault: Vault;
  readonly clock: Clock;
}

/** Makes the folder, or goes on with what is in it. Errors: `job.cannot-resume`. */
export async function openRunJournal({ folder, vault, clock }: JournalPorts): Promise<RunJournal> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const sealed = await readTape(folder);
  const played = sealed && PlayedTape.parse(opened(sealed, vault));
  const recording = played === undefined ? new RecordingTape(clock) : undefined;
  const earlier = await countProcesses(folder);
  await using files = new AsyncDisposableStack();
  const packs: PackId[] = [];
  for (let process = 0; process < earlier; process += 1) {
    const parse = (line: string): PackId | undefined => (isId(line) ? (line as PackId) : undefined);
    for await (const pack of readLines(join(folder, packsOf(process)), parse)) packs.push(pack);
  }
  const stored = files.use(new AppendedFile(join(folder, packsOf(earlier))));
  // It is there from the start, so that the next process counts this one.
  await (await open(join(folder, packsOf(earlier)), 'a', 0o600)).close();
  const kept = files.move();
  const use = (name: string): AppendedFile => kept.use(new AppendedFile(join(folder, name)));
  return {
    ...{ tape: played ?? (recording as Tape), takenUp: played?.run, packs },
    async seal(run) {
      if (recording !== undefined) await writeTape(folder, vault.seal(recording.encode(run)));
    },
    stored: (pack) => stored.add(pack),
    end: () => rm(join(folder, TAPE), { force: true }),
    async tree(index, host, run, signal) {
      const notes = Array.from({ length: earlier }, (_, process) => ({
        file: join(folder, treeOf(process, index)),
        said: (id: SaidId) => host.run(takeUpReading(run, id), signal),
      }));
      return await openArrivedTree(use(treeOf(earlier, index)), notes);
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** For a run that begins anew. */
export async function clearRunJournal(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

/** Whether the run of a process that is gone can be taken up by what it left here. */
export async function isResumable(folder: string): Promise<boolean> {
  return (await readdir(folder).catch((): string[] => [])).includes(TAPE);
}

const packsOf = (process: number): string => `packs.${process}`;
const treeOf = (process: number, index: number): string => `tree.${process}.${index}`;

async function countProcesses(folder: string): Promise<number> {
  return (await readdir(folder)).filter((name) => name.startsWith('packs.')).length;
}

async function readTape(folder: string): Promise<Buffer | undefined> {
  try {
    await using file = await open(join(folder, TAPE), 'r');
    return await file.readFile();
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function writeTape(folder: string, sealed: Uint8Array): Promise<void> {
  const temporary = join(folder, `${TAPE}.new`);
  try {
    {
      await using file = await open(temporary, 'w', 0o600);
      await file.writeFile(sealed);
      await file.sync();
    }
    await rename(temporary, join(folder, TAPE));
  } catch {
    // A run that cannot be taken up is still a backup.
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

function opened(sealed: Buffer, vault: Vault): Buffer {
  const text = vault.open(sealed);
  if (text !== undefined) return text;
  throw new StillpointError(
    'job.cannot-resume',
    'What the run had noted of its host does not open with the key of this repository.',
    { advice: 'Start the backup again.', cause: undefined },
  );
}
