/** A file on this machine that changes, and a repository in memory that had it before. */
import { createCipheriv } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../../shared/base/clock.ts';
import { silentLogger } from '../../../shared/base/log.ts';
import { hostName } from '../../../shared/domain/names.ts';
import type { ListedEntry } from '../../../shared/pipeline/backup/listing.ts';
import { LIVE } from '../../../shared/pipeline/backup/reading-place.ts';
import { type ChangedPorts, takeChanged } from '../../../shared/pipeline/changed/changed-file.ts';
import { fileParts, headOfFile } from '../../../shared/pipeline/changed/host-commands.ts';
import { storedPieces } from '../../../shared/pipeline/changed/stored-pieces.ts';
import { connectHost } from '../../../shared/remote/connect-host.ts';
import type { RemoteHost } from '../../../shared/remote/remote-host.ts';
import { type BlobId, blobIdOf } from '../../../shared/repository/ids.ts';
import type { Node } from '../../../shared/repository/node.ts';
import type { OpenedRepository } from '../../../shared/repository/opened-repository.ts';
import { LEAST_PIECE_BYTES } from '../../../shared/repository/pieces.ts';
import type { RepositoryWriter } from '../../../shared/repository/repository.ts';
import { createBorderFinder } from '../../../shared/repository/workers/border-finder.ts';
import { ContentCutter } from '../../../shared/repository/workers/content-cutter.ts';
import { cutTables } from '../../../shared/repository/workers/cut-tables.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { createLockedRepository, testSignal } from '../test-repository.ts';

const BLOCK = 64 * 1024;
const ZEROS = Buffer.alloc(BLOCK);
const NAME = Buffer.from('./file');

/** Chance in megabytes, at once and the same each time. */
export const noise = (length: number, seed: number): Buffer =>
  createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16)).update(Buffer.alloc(length));

interface Outcome {
  /** Undefined where all of it has to be read. */
  readonly ids: readonly BlobId[] | undefined;
  readonly bytesRead: number;
  readonly bytesEqual: number;
  readonly done: number;
  readonly received: number;
  readonly doubts: readonly string[];
}

export interface ChangingFile extends AsyncDisposable {
  readonly repository: OpenedRepository;
  readonly writer: RepositoryWriter;
  readonly host: RemoteHost;
  readonly folder: string;
  readonly order: ChangedPorts['order'];
  /** Writes it; blocks of zeros become holes. */
  write(content: Buffer): Promise<void>;
  /** What the parent has: stored as a whole. */
  store(content: Buffer): Promise<Node>;
  /** The pieces that a reading of all of it makes. */
  piecesOf(content: Buffer): readonly BlobId[];
  /** @param entry of the listing, where it says something else than the file */
  take(known: Node, size: number, ports?: Partial<ChangedPorts>): Promise<Outcome>;
}

/** @param sshConfigFile with a host "local" in it; undefined means this machine without SSH */
export async function changingFile(sshConfigFile?: string): Promise<ChangingFile> {
  await using opening = new AsyncDisposableStack();
  const { path: folder } = opening.use(await temporaryFolder());
  const { repository, lock } = opening.use(await createLockedRepository());
  const writer = opening.use(await repository.openWriter(lock, { workers: 1 }));
  const base = { prompter: undefined, logger: silentLogger, clock: systemClock, agentSocket: undefined };
  const way = sshConfigFile === undefined ? { ssh: undefined } : { ssh: 'local', sshConfigFile };
  const address = { name: hostName('here'), sudo: 'none', ...way } as const;
  const host = opening.use(await connectHost(address, { ...base, homeFolder: '/nonexistent' }, testSignal()));
  const finder = createBorderFinder(cutTables(repository.parts.config.chunkerPolynomial));
  const place = Buffer.from(folder);
  const order = {
    head: (name: Buffer) => headOfFile(LIVE, place, name),
    parts: (name: Buffer, as: 'hashes' | 'bytes') => fileParts(LIVE, place, name, as),
  };
  const files = {
    piecesOf: (known: Node, signal: AbortSignal) => storedPieces(repository, known, signal),
    open: (size: number) => writer.openChanged(size),
  };
  const resources = opening.move();
  return {
    ...{ repository, writer, host, folder, order },
    async write(content) {
      await using file = await open(join(folder, 'file'), 'w');
      await file.truncate(content.length);
      for (let at = 0; at < content.length; at += BLOCK) {
        const block = content.subarray(at, at + BLOCK);
        if (!block.equals(ZEROS.subarray(0, block.length))) await file.write(block, 0, block.length, at);
      }
    },
    async store(content) {
      using input = writer.openContent(content.length);
      await input.add(content, testSignal());
      const { ids } = await input.end(testSignal());
      await writer.flush(testSignal());
      return nodeOf(content.length, await ids);
    },
    piecesOf(content) {
      const cutter = new ContentCutter(finder);
      const cuts = [...cutter.add([Uint8Array.from(content)]), ...cutter.end()];
      const zeros = blobIdOf(Buffer.alloc(LEAST_PIECE_BYTES));
      return cuts.flatMap((cut) =>
        typeof cut === 'number' ? Array.from({ length: cut }, () => zeros) : blobIdOf(cut),
      );
    },
    async take(known, size, ports = {}) {
      const told = { done: 0, received: 0, doubts: [] as string[] };
      const entry = { type: 'file', size } as ListedEntry;
      const taken = await takeChanged(
        { entry, name: NAME, known },
        {
          ...{ host, order, files, stretchBytes: 4 * 1024 ** 2 },
          onBytes: (bytes) => {
            told.done += bytes;
          },
          onReceived: (bytes) => {
            told.received += bytes;
          },
          onDoubt: (reason) => told.doubts.push(reason),
          ...ports,
        },
        testSignal(),
      );
      const ids = await taken?.ids;
      await writer.flush(testSignal());
      return { ids, bytesRead: taken?.bytesRead ?? 0, bytesEqual: taken?.bytesEqual ?? 0, ...told };
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

export const nodeOf = (size: number, content: readonly BlobId[]): Node =>
  ({ name: Buffer.from('file'), type: 'file', size, content }) as unknown as Node;
