/**
 * A large file that changed since the parent restore point: only what changed of it is sent. The host says what its parts hash to,
 * and what that leaves in doubt is not believed: then the whole file is read, and the run says why.
 */
import { isStillpointError } from '../../base/errors.ts';
import type { StreamCommand } from '../../remote/command.ts';
import { isLostConnection } from '../../remote/host-errors.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import type { BlobId } from '../../repository/ids.ts';
import type { Node } from '../../repository/node.ts';
import type { ChangedContent } from '../../repository/repository.ts';
import type { TarEntry } from '../../tar/entry.ts';
import { readTar } from '../../tar/reader.ts';
import type { ListedEntry } from '../backup/listing.ts';
import { type NodeRest, restFromTar } from '../backup/node.ts';
import { STRETCH_BYTES } from './compared-stretches.ts';
import { Doubt } from './doubt.ts';
import { HEAD_BYTES } from './host-commands.ts';
import { type FilePieces, KnownPieces } from './known-pieces.ts';
import { PartsTalk } from './parts-talk.ts';
import { takeParts } from './take-parts.ts';

/** Below, asking the host three times costs more than what is saved. */
const LEAST_BYTES = 16 * 1024 * 1024;

/** What a host is asked about one file; names as tar is given them. */
export interface ChangedOrder {
  head(name: Buffer): StreamCommand;
  parts(name: Buffer, as: 'hashes' | 'bytes'): StreamCommand;
}

/** The side of a repository. */
export interface ChangedFiles {
  /** Of a file of the parent. Undefined where they are not all there, or were not cut as they would be now. */
  piecesOf(known: Node, signal: AbortSignal): Promise<FilePieces | undefined>;
  open(size: number): ChangedContent;
}

export interface ChangedPorts {
  readonly host: RemoteHost;
  readonly order: ChangedOrder;
  readonly files: ChangedFiles;
  /** Told of what is done of the file, holes included. */
  readonly onBytes: (bytes: number) => void;
  /** Told of what came over the connection. */
  readonly onReceived: (bytes: number) => void;
  /** Told why all of the file has to be read. */
  readonly onDoubt: (reason: string) => void;
  /** What is compared at a time. */
  readonly stretchBytes?: number;
  readonly silenceMs?: number;
}

export interface ChangedTaken {
  readonly rest: NodeRest;
  /** Of the whole file, when all of it is stored. */
  readonly ids: Promise<readonly BlobId[]>;
  readonly bytesRead: number;
  readonly bytesEqual: number;
}

export interface ChangedFile {
  readonly entry: ListedEntry;
  readonly name: Buffer;
  /** What the parent has in its place. */
  readonly known: Node;
}

/** Whether it is one of which parts may be as they were. */
export const isLargeChanged = ({ type, size }: ListedEntry, known: Node | undefined): known is Node =>
  type === 'file' && size >= LEAST_BYTES && known?.type === 'file' && (known.size ?? 0) >= LEAST_BYTES;

/** Undefined where the whole file has to be read. */
export async function takeChanged(
  file: ChangedFile,
  ports: ChangedPorts,
  signal: AbortSignal,
): Promise<ChangedTaken | undefined> {
  const found = await ports.files.piecesOf(file.known, signal);
  if (found === undefined) {
    ports.onDoubt('its pieces in the parent restore point are not what they would be now');
    return undefined;
  }
  const pieces = new KnownPieces(found, file.entry.size);
  try {
    return await takeByHashes(file, pieces, ports, signal);
  } catch (error) {
    const reason = reasonOf(error);
    if (signal.aborted || reason === undefined) throw error;
    ports.onDoubt(reason);
    return undefined;
  }
}

async function takeByHashes(
  { entry, name }: ChangedFile,
  pieces: KnownPieces,
  ports: ChangedPorts,
  signal: AbortSignal,
): Promise<ChangedTaken> {
  const { host, order, files, onBytes, onReceived, stretchBytes = STRETCH_BYTES } = ports;
  const head = await headOf(host, order.head(name), onReceived, signal);
  const { size } = entry;
  if (head.type !== 'file' || head.size !== size || (head.sparseEnd ?? size) < size)
    throw new Doubt('it is not the file that was listed');
  await using talks = new AsyncDisposableStack();
  const opened = new Map<string, PartsTalk>();
  const talk = async (about: string, as: 'hashes' | 'bytes'): Promise<PartsTalk> => {
    const known = opened.get(about);
    if (known !== undefined) return known;
    const made = talks.use(await PartsTalk.open(order.parts(name, as), ports, signal));
    opened.set(about, made);
    return made;
  };
  using content = files.open(size);
  const { bytesRead, bytesEqual } = await takeParts(
    {
      ...{ size, pieces, map: head.sparse, content, stretchBytes, onBytes },
      hashes: await talk('hashes', 'hashes'),
      talk: (about) => talk(about, 'bytes'),
    },
    signal,
  );
  for (const one of opened.values()) await one.end();
  const { ids } = await content.end(signal);
  return { rest: restFromTar(head), ids, bytesRead, bytesEqual };
}

/** What tar says of a file before its content. */
async function headOf(
  host: RemoteHost,
  command: StreamCommand,
  onReceived: (bytes: number) => void,
  signal: AbortSignal,
): Promise<TarEntry> {
  await using stream = await host.stream(command, undefined, signal);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream.output as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > HEAD_BYTES) throw new Doubt('tar said more of it than it was asked for');
  }
  onReceived(length);
  const { stderr } = await stream.finished;
  // It belongs to what is told of the file, and is told when all of it is read.
  if (stderr !== '') throw new Doubt('tar had something to say about it');
  for await (const entry of readTar(only(Buffer.concat(chunks)))) return entry;
  throw new Doubt('tar had nothing to say of it');
}

async function* only(data: Buffer): AsyncGenerator<Buffer> {
  yield data;
}

const OF_THE_HOST = ['remote.command-failed', 'read.incomplete', 'read.malformed'] as const;

/** Undefined for what reading the whole file would not help with. */
function reasonOf(error: unknown): string | undefined {
  if (error instanceof Doubt) return error.message;
  if (isLostConnection(error)) return 'the connection was lost';
  return OF_THE_HOST.some((code) => isStillpointError(error, code)) ? (error as Error).message : undefined;
}
