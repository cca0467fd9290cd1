/**
 * An archive as the end of a run: `NAME.tar.zst` with its manifest and checksums.
 *
 * Invariant: the archive has its name only after the end check has passed and all of it was read back from the disk and
 * was what had been read from the host. Nothing of that name is replaced unless that was asked for.
 *
 * Crash story. A run that dies leaves files called `NAME.tar.zst.incomplete-…`; a run that fails removes them.
 */
import { createHash } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { never } from '../../base/cancel.ts';
import { invariant } from '../../base/errors.ts';
import { judgeConsistency } from '../../domain/consistency.ts';
import type { EmitEvent } from '../../domain/events.ts';
import type { TargetState } from '../../domain/run-facts.ts';
import type { ArchiveTarget, ExportReport } from '../../domain/verbs/export.ts';
import { readTar } from '../../tar/reader.ts';
import { encodeTarHead, storedSizeOf, TAR_END, tarPadding } from '../../tar/writer.ts';
import type { RunPhase } from '../backup/phases.ts';
import { pointDraft } from '../backup/point-draft.ts';
import type { ReadingSink } from '../backup/reading-sink.ts';
import type { CommitContext, Sink } from '../backup/sink.ts';
import { ArchivePlace, explain } from './archive-place.ts';
import { BuiltTree } from './built-tree.ts';
import { EntrySink, parseLine } from './entry-sink.ts';
import { exportFigures, tellSocket } from './figures.ts';
import { FramedFile, readFrames } from './framed-file.ts';
import { LineSpool } from './line-spool.ts';
import { type ProvedArchive, proveArchive } from './proved-archive.ts';
import { TreeSpool } from './tree-spool.ts';

export interface ArchivePorts {
  readonly emit: EmitEvent;
  readonly workFolder: string;
}

type Report = Omit<ExportReport, 'snapshots'>;

export async function openArchiveSink(to: ArchiveTarget, ports: ArchivePorts): Promise<Sink<Report>> {
  const place = new ArchivePlace(to);
  await place.require();
  return new ArchiveSink(to, place, ports);
}

interface Writing {
  readonly entries: EntrySink;
  readonly folders: TreeSpool;
  file: FramedFile;
  lines: LineSpool;
}

class ArchiveSink implements Sink<Report> {
  readonly commitsAtOnce = false;
  readonly settled = Promise.resolve();
  /** A file of this machine is nobody else's to take away. */
  readonly signal = never;
  readonly #to: ArchiveTarget;
  readonly #place: ArchivePlace;
  readonly #ports: ArchivePorts;
  readonly #resources = new AsyncDisposableStack();
  #state: TargetState | undefined;
  #writing: Writing | undefined;

  constructor(to: ArchiveTarget, place: ArchivePlace, ports: ArchivePorts) {
    this.#to = to;
    this.#place = place;
    this.#ports = ports;
  }

  async begin(): Promise<ReadingSink> {
    this.#tell('filling');
    const file = await this.#create(this.#place.work);
    const folders = this.#resources.use(await TreeSpool.create(join(this.#ports.workFolder, 'folders')));
    const lines = this.#spool('lines');
    const entries = new EntrySink(file, {
      ...{ folders, lines, streamFile: join(this.#ports.workFolder, 'stream'), late: this.#spool('late') },
      ...{ findParent: async () => undefined, holds: () => false, fit: (node) => node },
      namesFoldersAgain: true,
    });
    this.#writing = { entries, folders, file, lines };
    return entries;
  }

  async commit(context: CommitContext, phase: RunPhase<'export'>, signal: AbortSignal): Promise<Report> {
    const writing = this.#writing;
    invariant(writing !== undefined, 'what is committed was read before');
    const { consistency, skewMs } = judgeConsistency(context.evidence);
    const proved = await phase('verify', () => this.#finish(writing, context, signal));
    await phase('commit', async () => {
      const draft = { ...pointDraft(context, consistency, skewMs), tree: undefined };
      await this.#writeManifest(writing.lines, draft, proved);
      signal.throwIfAborted();
      this.#tell('moving');
      await this.#place.publish();
      this.#tell('filled');
    });
    const { files, bytes, fileBytes } = proved;
    return {
      ...{ kind: 'export', to: this.#to, path: this.#place.file, consistency, skewMs },
      ...exportFigures(context),
      ...{ bytesStored: fileBytes, proved: { files, bytes }, notKept: [], removed: [] },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
    const isOver = this.#state === undefined || this.#state === 'filled';
    if ((await this.#place.drop()) && !isOver && this.#state !== 'moving') this.#tell('dropped');
  }

  async #finish(writing: Writing, context: CommitContext, signal: AbortSignal): Promise<ProvedArchive> {
    const { emit } = this.#ports;
    const { read } = context;
    const tree = new BuiltTree(writing.folders, read.tree);
    if (writing.entries.mayHaveFallen) await this.#writeAgain(writing, tree, signal);
    await writing.entries.finish(tree, tellSocket(read.omissions), signal);
    await writing.file.write(TAR_END);
    const ends = await writing.file.end();
    let filesDone = 0;
    const onEntry = (bytesDone: number): void => {
      filesDone += 1;
      if (filesDone % 1000 !== 0) return;
      emit({ type: 'progress', phase: 'verify', filesDone, filesTotal: undefined, bytesDone, bytesTotal: undefined });
    };
    return await proveArchive(this.#place.work, ends, writing.lines, onEntry, signal);
  }

  /** All that stands of what was written, in a second file; the first one goes. It takes the room of both for that time. */
  async #writeAgain(writing: Writing, tree: BuiltTree, signal: AbortSignal): Promise<void> {
    const { work } = this.#place;
    await writing.file.write(TAR_END);
    const ends = await writing.file.end();
    const file = await this.#create(`${work}.again`);
    const lines = this.#spool('lines-again');
    const noted = writing.lines.read();
    for await (const entry of readTar(readFrames(work, ends, () => undefined))) {
      signal.throwIfAborted();
      const { value: line } = await noted.next();
      invariant(typeof line === 'string', 'what was written was noted');
      if ((await writing.entries.stands(line, tree, signal)) !== 'stands') continue;
      await file.write(encodeTarHead(entry));
      for await (const data of entry.content) await file.write(data);
      await file.write(tarPadding(storedSizeOf(entry)));
      lines.add(line);
    }
    await rm(work);
    await rename(`${work}.again`, work);
    writing.file = file;
    writing.lines = lines;
    writing.entries.continueIn(file, lines);
  }

  async #writeManifest(
    lines: LineSpool,
    draft: object,
    { sha256, files, bytes, entries }: ProvedArchive,
  ): Promise<void> {
    const sum = createHash('sha256');
    try {
      await using out = await open(this.#place.workOf('manifest'), 'wx', 0o600);
      let gathered: string[] = [];
      const write = async (): Promise<void> => {
        const text = gathered.join('');
        gathered = [];
        sum.update(text);
        await out.writeFile(text);
      };
      gathered.push(
        `${JSON.stringify({ format: 'stillpoint manifest', version: 1, archiveSha256: sha256, ...draft })}\n`,
      );
      for await (const line of lines.read()) {
        gathered.push(`${parseLine(line).text}\n`);
        if (gathered.length >= 1000) await write();
      }
      gathered.push(`${JSON.stringify({ entries, files, bytes })}\n`);
      await write();
      await out.sync();
      await using sums = await open(this.#place.workOf('checksums'), 'wx', 0o600);
      await sums.writeFile(this.#place.checksumLines({ archive: sha256, manifest: sum.digest('hex') }));
      await sums.sync();
    } catch (error) {
      throw explain(this.#place.file, error);
    }
  }

  async #create(path: string): Promise<FramedFile> {
    return this.#resources.use(await FramedFile.create(path, (error) => explain(this.#place.file, error)));
  }

  #spool(name: string): LineSpool {
    return this.#resources.use(new LineSpool(join(this.#ports.workFolder, name)));
  }

  #tell(state: TargetState): void {
    this.#state = state;
    const { file: path, work } = this.#place;
    this.#ports.emit({ type: 'target-changed', path, work, state });
  }
}
