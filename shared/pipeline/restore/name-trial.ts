/** Doubtful names are made in the work folder, as empty files, to see what the file system does with them. */
import type { RemoteCommand } from '../../remote/command.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import type { BlobId } from '../../repository/ids.ts';
import { bareHead } from '../../tar/entry.ts';
import { encodeTarHead, TAR_END } from '../../tar/writer.ts';
import { parseTarMessage } from './tar-messages.ts';
import { ENTER, EXCHANGED, enterArgs, type WorkFolder } from './target.ts';
import { targetExchanged } from './target-errors.ts';

/** A folder of which some names have to be tried. */
export interface DoubtfulFolder {
  readonly tree: BlobId;
  /** Where it comes first. */
  readonly path: Buffer;
  readonly names: readonly Buffer[];
}

export interface RefusedName {
  readonly folder: DoubtfulFolder;
  readonly name: Buffer;
  /** `taken`: another name of the folder is the same to this file system. */
  readonly why: 'taken' | 'impossible';
}

/** So many names are tried with one command. */
const BATCH = 2000;

export async function tryNames(
  host: RemoteHost,
  folder: WorkFolder,
  folders: readonly DoubtfulFolder[],
  signal: AbortSignal,
): Promise<readonly RefusedName[]> {
  const refused: RefusedName[] = [];
  for (const batch of inBatches(folders)) {
    for (const { number, name, reason } of await host.run(trial(folder, batch), signal)) {
      const tried = batch[number];
      if (tried === undefined) continue;
      refused.push({ folder: tried, name, why: reason.endsWith(': File exists') ? 'taken' : 'impossible' });
    }
  }
  return refused;
}

function* inBatches(folders: readonly DoubtfulFolder[]): Generator<readonly DoubtfulFolder[], void, void> {
  let batch: DoubtfulFolder[] = [];
  let names = 0;
  for (const folder of folders) {
    batch.push(folder);
    names += folder.names.length;
    if (names < BATCH) continue;
    yield batch;
    batch = [];
    names = 0;
  }
  if (batch.length > 0) yield batch;
}

interface Refusal {
  /** Of the folder in the batch. */
  readonly number: number;
  readonly name: Buffer;
  readonly reason: string;
}

function trial(folder: WorkFolder, batch: readonly DoubtfulFolder[]): RemoteCommand<readonly Refusal[]> {
  return {
    name: 'try-names',
    script: `${ENTER}mkdir trial && cd trial || exit 3
tar --extract --file=- --keep-old-files --quoting-style=escape 2>&1
cd .. && rm -rf trial`,
    args: enterArgs(folder),
    needs: 'user',
    accepts: [0, EXCHANGED],
    budgetMs: 10 * 60_000,
    repeatable: false,
    input: trialArchive(batch),
    parse({ stdout, exitCode }) {
      if (exitCode === EXCHANGED) throw targetExchanged(folder.target);
      return stdout.toString('latin1').split('\n').flatMap(parseRefusal);
    },
  };
}

function parseRefusal(line: string): Refusal[] {
  const message = parseTarMessage(line);
  if (message.kind !== 'entry' && message.kind !== 'full') return [];
  const slash = message.path.indexOf('/');
  const number = Number(message.path.toString('latin1', 0, slash));
  return slash < 0 ? [] : [{ number, name: message.path.subarray(slash + 1), reason: message.reason }];
}

function trialArchive(batch: readonly DoubtfulFolder[]): Buffer {
  const heads = batch.flatMap(({ names }, number) => [
    bareHead(String(number), 'dir', { mode: 0o700 }),
    ...names.map((name) => bareHead(Buffer.concat([Buffer.from(`${number}/`), name]), 'file')),
  ]);
  return Buffer.concat([...heads.map(encodeTarHead), TAR_END]);
}
