/** What a pass over a tree has of a large file of which only what changed is read, and how that is counted. */
import type { Node } from '../../repository/node.ts';
import type { ListedEntry } from '../backup/listing.ts';
import type { NodeRest } from '../backup/node.ts';
import type { TreePorts, TreeToRead } from '../backup/tree-to-read.ts';
import { isLargeChanged, takeChanged } from './changed-file.ts';

interface Asked {
  readonly entry: ListedEntry;
  /** As tar is given it. */
  readonly name: Buffer;
  /** Absolute. */
  readonly path: Buffer;
  /** What the parent has there. */
  readonly old: Node | undefined;
}

interface ChangedParts {
  /** Where it is undefined, all of the file has to be asked for. */
  readonly rest?: Promise<NodeRest>;
  /** How much of it was counted as done. */
  readonly doneBytes: number;
}

/** Undefined where there is nothing to compare with. */
export async function changedParts(
  { entry, name, path, old }: Asked,
  { content: { changed: order } }: Pick<TreeToRead, 'content'>,
  { host, sink, counts, onProgress, onDoubt }: TreePorts,
  signal: AbortSignal,
): Promise<ChangedParts | undefined> {
  const { changed: files } = sink;
  if (order === undefined || files === undefined || !isLargeChanged(entry, old)) return undefined;
  let doneBytes = 0;
  const onBytes = (bytes: number): void => {
    doneBytes += bytes;
    counts.bytesDone += bytes;
    onProgress();
  };
  const onReceived = (bytes: number): void => {
    counts.bytesReceived += bytes;
  };
  const ports = { host, order, files, onBytes, onReceived, onDoubt: (reason: string) => onDoubt(path, reason) };
  const taken = await takeChanged({ entry, name, known: old }, ports, signal);
  if (taken === undefined) return { doneBytes };
  counts.bytesRead += taken.bytesRead;
  counts.bytesEqual += taken.bytesEqual;
  counts.filesDone += 1;
  const rest = taken.ids.then((content) => ({ ...taken.rest, content }));
  rest.catch(() => undefined);
  return { rest, doneBytes };
}
