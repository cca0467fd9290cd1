/** From the tree of a restore point to the entries of a tar stream, with the content read ahead. */
import { displayName } from '../../base/bytes.ts';
import type { StillpointError } from '../../base/errors.ts';
import { mapAhead } from '../../base/limit.ts';
import type { BlobId } from '../../repository/ids.ts';
import type { Node } from '../../repository/node.ts';
import type { PointReader } from '../../repository/point-reader.ts';
import type { TarItem } from '../../tar/write-tar.ts';
import { loadWindow, releaseWindow, WINDOW_BYTES, WINDOWS_AHEAD, type Window, windowsOf } from '../blob-window.ts';
import { type FilePlan, findHoles, planFile, ZeroBlobs } from './file-plan.ts';
import { fitNode, obstacleTo, type TargetTraits } from './fit-node.ts';
import type { HardLinks } from './hard-links.ts';
import { headOfNode, isRestorable } from './node-head.ts';
import type { Outcome } from './outcome.ts';
import { type SelectedEntry, START } from './walk.ts';

export type Blobs = Pick<PointReader, 'blobSize' | 'loadBlob' | 'loadBlobs'>;

interface PlannedEntry {
  readonly path: Buffer;
  readonly node: Node;
  readonly linkTo: Buffer | undefined;
  readonly file: FilePlan;
}

/** A batch is closed when it holds this many entries, even if they are all empty. */
const BATCH_ENTRIES = 1000;
const NO_CONTENT: FilePlan = { size: 0, sparse: undefined, stored: [], storedBytes: 0 };

export interface TarItemsPorts {
  readonly repository: Blobs;
  readonly traits: TargetTraits;
  readonly outcome: Outcome;
  readonly links: HardLinks;
  /** Called after every few megabytes. */
  readonly onBatch: () => void;
}

/** What cannot be sent is given to `outcome` and left out. */
export async function* tarItems(
  entries: AsyncIterable<SelectedEntry>,
  ports: TarItemsPorts,
  signal: AbortSignal,
): AsyncGenerator<TarItem, void, void> {
  const { repository, outcome } = ports;
  const load = async (batch: readonly PlannedEntry[]): Promise<[readonly PlannedEntry[], Window]> => {
    const ids = batch.flatMap(({ file }) => (isHeld(file) ? file.stored : []));
    return [batch, await loadWindow(repository, ids, signal)];
  };
  const batches = inBatches(plan(entries, ports));
  for await (const [batch, window] of mapAhead(batches, WINDOWS_AHEAD, load)) {
    for (const entry of batch) {
      const item = itemOf(entry, window, repository, outcome, signal);
      if (item === undefined) continue;
      yield item;
      if (!outcome.isLost(entry.path) && !entry.path.equals(START))
        outcome.add(entry.node.type, entry.linkTo === undefined ? entry.file.size : 0);
    }
    releaseWindow(window);
    ports.onBatch();
  }
}

/** Files that fit into a window are read whole before they are sent; so damage in them is known in time. */
function isHeld(file: FilePlan): boolean {
  return file.storedBytes <= WINDOW_BYTES;
}

async function* plan(
  entries: AsyncIterable<SelectedEntry>,
  { repository, traits, outcome, links }: TarItemsPorts,
): AsyncGenerator<PlannedEntry, void, void> {
  const zeros = new ZeroBlobs();
  for await (const { path, node: stored } of entries) {
    if (!isRestorable(stored.type)) {
      outcome.skip(path, stored.type === 'socket' ? 'sockets are made by their program' : 'its type is not known');
      continue;
    }
    const obstacle = obstacleTo(stored, traits);
    if (obstacle !== undefined) {
      outcome.lose(path, obstacle);
      continue;
    }
    const onSeparated = (): void => outcome.notKeep('hard link (its other names lie too far away)', path);
    const first = links.claim(stored, path, onSeparated);
    const linkTo = traits.hardLinks ? first : undefined;
    if (first !== linkTo) outcome.notKeep('hard link (the file system has none, so it is a copy)', path);
    const { node, losses } = linkTo === undefined ? fitNode(stored, traits) : { node: stored, losses: [] };
    if (!path.equals(START)) for (const loss of losses) outcome.notKeep(loss, path);
    const file =
      node.type === 'file' && linkTo === undefined ? planFile(node.content ?? [], repository, zeros) : NO_CONTENT;
    if ('missing' in file) outcome.lose(path, `the repository lacks its blob ${file.missing.slice(0, 8)}`);
    else yield { path, node, linkTo, file };
  }
}

async function* inBatches(entries: AsyncIterable<PlannedEntry>): AsyncGenerator<PlannedEntry[], void, void> {
  let batch: PlannedEntry[] = [];
  let bytes = 0;
  for await (const entry of entries) {
    batch.push(entry);
    bytes += entry.file.storedBytes;
    if (bytes < WINDOW_BYTES && batch.length < BATCH_ENTRIES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

function itemOf(
  entry: PlannedEntry,
  window: Window,
  repository: Blobs,
  outcome: Outcome,
  signal: AbortSignal,
): TarItem | undefined {
  const { path, node, linkTo, file } = entry;
  if (linkTo !== undefined && outcome.isLost(linkTo)) {
    outcome.lose(path, `it is the same file as "${displayName(linkTo)}"`);
    return undefined;
  }
  if (!isHeld(file)) {
    const head = headOfNode(node, { path, linkTo, size: file.size, sparse: file.sparse });
    return { head, content: streamContent(path, file, repository, outcome, signal) };
  }
  const blobs: Buffer[] = [];
  for (const id of file.stored) {
    const blob = window.get(id);
    if (Buffer.isBuffer(blob)) blobs.push(blob);
    else {
      outcome.lose(path, damageOf(id, blob));
      return undefined;
    }
  }
  const { sparse, pieces } = findHoles(file, blobs);
  return { head: headOfNode(node, { path, linkTo, size: file.size, sparse }), content: fromArray(pieces) };
}

async function* fromArray(pieces: readonly Buffer[]): AsyncGenerator<Buffer, void, void> {
  yield* pieces;
}

/** Where content breaks off, zeros fill the promised length so that the stream stays readable; the file goes later. */
async function* streamContent(
  path: Buffer,
  file: FilePlan,
  repository: Blobs,
  outcome: Outcome,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, void> {
  const load = async (ids: readonly BlobId[]): Promise<[readonly BlobId[], Window]> => [
    ids,
    await loadWindow(repository, ids, signal),
  ];
  const windows = windowsOf(repository, file.stored);
  for await (const [ids, window] of mapAhead(windows, WINDOWS_AHEAD, load)) {
    for (const id of ids) {
      const blob = window.get(id);
      if (Buffer.isBuffer(blob)) yield blob;
      else {
        if (!outcome.isLost(path)) {
          outcome.lose(path, damageOf(id, blob));
          outcome.broken.push(path);
        }
        yield Buffer.alloc(repository.blobSize('data', id) ?? 0);
      }
    }
    releaseWindow(window);
  }
}

function damageOf(id: BlobId, error: StillpointError | undefined): string {
  return `its content is damaged (${error?.message ?? `blob ${id.slice(0, 8)} did not come`})`;
}
