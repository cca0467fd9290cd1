/** A repository as the end of a run: content becomes blobs, and a restore point names them. */
import { cancelled } from '../../base/cancel.ts';
import { invariant } from '../../base/errors.ts';
import type { Source } from '../../domain/source.ts';
import type { BackupReport } from '../../domain/verbs/backup.ts';
import type { BlobId, PackId } from '../../repository/ids.ts';
import type { Node, NodeByName } from '../../repository/node.ts';
import type {
  AnnouncedLock,
  ConfigMark,
  Repository,
  RepositoryLock,
  RepositoryWriter,
  Vault,
} from '../../repository/repository.ts';
import type { RestorePoint } from '../../repository/restore-point.ts';
import type { ChangedFiles } from '../changed/changed-file.ts';
import { storedPieces } from '../changed/stored-pieces.ts';
import type { Remembering } from '../remembered/remembered-folders.ts';
import { commitRestorePoint } from './commit.ts';
import { storeFile, storeStream } from './file-content.ts';
import { findParent } from './parent.ts';
import type { RunPhase } from './phases.ts';
import type { Came, ReadingSink, Taken, TakenStream } from './reading-sink.ts';
import type { CommitContext, Sink, StoredForRun } from './sink.ts';

/** What was read, as blobs. Places need nothing of their own: the folder of an entry names it. */
export class BlobSink implements ReadingSink {
  readonly keepsFolders = true;
  readonly #repository: Repository;
  readonly #writer: RepositoryWriter;
  readonly changed: ChangedFiles;
  readonly remembering: Remembering;

  constructor(repository: Repository, writer: RepositoryWriter) {
    this.#repository = repository;
    this.#writer = writer;
    this.changed = {
      piecesOf: (known, signal) => storedPieces(repository, known, signal),
      open: (size) => writer.openChanged(size),
    };
    this.remembering = { vault: repository.vault, indexFiles: () => repository.indexFiles };
  }

  findParent(source: Source, signal: AbortSignal): Promise<RestorePoint | undefined> {
    return findParent(this.#repository, source, signal);
  }

  treeByName(tree: BlobId, signal: AbortSignal): Promise<NodeByName> {
    return this.#repository.treeByName(tree, signal);
  }

  /** If a blob was lost, reading the file again brings it back. */
  holds(known: Node): boolean {
    return (known.content ?? []).every((id) => this.#repository.hasBlob('data', id));
  }

  putTree(text: Uint8Array, signal: AbortSignal): Promise<{ readonly saved: Promise<{ readonly id: BlobId }> }> {
    return this.#writer.put('tree', text, signal);
  }

  beginPass(): void {}

  async take({ entry, onPart }: Came, onBytes: (bytes: number) => void, signal: AbortSignal): Promise<Taken> {
    if (entry.type !== 'file') return { bytes: 0 };
    return await storeFile(this.#writer, entry, onBytes, signal, onPart);
  }

  takeStream(
    _path: Buffer,
    content: AsyncIterable<Buffer>,
    _nodeOf: (size: number) => Node,
    onBytes: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<TakenStream> {
    return storeStream(this.#writer, content, onBytes, signal);
  }

  place(): void {}

  async flush(signal: AbortSignal): Promise<void> {
    await this.#writer.flush(signal);
  }
}

export interface RepositorySinkPorts {
  openRepository(signal: AbortSignal): Promise<Repository>;
  /** The worker's entry file, where it is not beside the source. */
  readonly workerUrl?: URL;
}

type SavedReport = Omit<BackupReport, 'snapshots'>;

/**
 * Opened before a host is looked at, and locked before anything is made there: a wrong password must not be found out when a
 * snapshot exists.
 */
export async function openRepositorySink(ports: RepositorySinkPorts, signal: AbortSignal): Promise<Sink<SavedReport>> {
  await using opening = new AsyncDisposableStack();
  const repository = opening.use(await ports.openRepository(signal));
  const inVain = new AbortController();
  const announced = await repository.announceLock('shared', AbortSignal.any([signal, inVain.signal]));
  const { lock, settled } = announced;
  opening.use(lock);
  opening.defer(async () => {
    inVain.abort(cancelled('The lock'));
    await Promise.allSettled([settled]);
  });
  await repository.loadIndex(signal);
  return new RepositorySink(repository, announced, ports.workerUrl, opening.move());
}

class RepositorySink implements Sink<SavedReport> {
  readonly commitsAtOnce = true;
  readonly settled: Promise<void>;
  readonly #repository: Repository;
  readonly #lock: RepositoryLock;
  readonly #workerUrl: URL | undefined;
  readonly #resources: AsyncDisposableStack;
  #writer: RepositoryWriter | undefined;

  constructor(
    repository: Repository,
    { lock, settled }: AnnouncedLock,
    workerUrl: URL | undefined,
    resources: AsyncDisposableStack,
  ) {
    this.#repository = repository;
    this.#lock = lock;
    this.settled = settled;
    this.#workerUrl = workerUrl;
    this.#resources = resources;
  }

  get configMark(): ConfigMark {
    return this.#repository.configMark;
  }

  get vault(): Vault {
    return this.#repository.vault;
  }

  get signal(): AbortSignal {
    return this.#lock.signal;
  }

  async begin(forRun: StoredForRun | undefined, signal: AbortSignal): Promise<ReadingSink> {
    const workerUrl = this.#workerUrl;
    const options = {
      ...(workerUrl === undefined ? {} : { workerUrl }),
      ...(forRun === undefined ? {} : { onPackStored: (pack: PackId) => forRun.stored(pack) }),
    };
    this.#writer = this.#resources.use(await this.#repository.openWriter(this.#lock, options));
    if (forRun !== undefined && forRun.packs.length > 0) await this.#writer.adopt(forRun.packs, signal);
    return new BlobSink(this.#repository, this.#writer);
  }

  commit(context: CommitContext, phase: RunPhase<'backup'>, signal: AbortSignal): Promise<SavedReport> {
    const writer = this.#writer;
    invariant(writer !== undefined, 'what is committed was read before');
    const stored = { repository: this.#repository, lock: this.#lock, writer };
    return phase('commit', async () => {
      const report = await commitRestorePoint({ ...context, ...stored }, signal);
      await context.read.remembered?.save(report.restorePoint);
      return report;
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync();
  }
}
