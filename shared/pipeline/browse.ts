/** Restore points and their files, as the shells list them. Reads only, and needs no lock for it. */

import { displayName } from '../base/bytes.ts';
import { dumpsIn, type PlannedDumpFile } from '../domain/dump.ts';
import { holdsIn, type RecordedHold } from '../domain/holds.ts';
import { readLabels } from '../domain/labels.ts';
import { cursorPlace } from '../domain/listing-cursor.ts';
import type { RepositoryName } from '../domain/names.ts';
import type { FileEntry, FileListing, RestorePointSummary } from '../domain/restore-point.ts';
import { ownFacts, wholenessOf } from '../domain/wholeness.ts';
import type { Node } from '../repository/node.ts';
import type { RestorePoint } from '../repository/restore-point.ts';
import { timestampToDate } from '../repository/timestamp.ts';
import { type OpenedPoint, shownPath } from './open-point.ts';
import { findShownPath } from './shown-path.ts';

export function summarise(point: RestorePoint, repository: RepositoryName): RestorePointSummary {
  const tags = point.tags ?? [];
  return {
    id: point.id,
    repository,
    time: timestampToDate(point.time).toISOString(),
    hostname: point.hostname ?? '',
    paths: point.paths,
    tags,
    ...readLabels(tags),
    skewMs: skewOf(point),
    ...heldOf(point),
    ...dumpsOf(point),
    wholeness: wholenessOf(point),
    bytesTotal: point.statistics?.totalBytesProcessed,
    filesTotal: point.statistics?.totalFilesProcessed,
    program: point.programVersion,
  };
}

/** Anybody may have written it, so it is a number or nothing. */
function skewOf(point: RestorePoint): number | undefined {
  const skewMs = ownFacts(point)?.['skewMs'];
  return typeof skewMs === 'number' && Number.isSafeInteger(skewMs) && skewMs >= 0 ? skewMs : undefined;
}

function heldOf(point: RestorePoint): { readonly holds?: readonly RecordedHold[] } {
  const holds = holdsIn(ownFacts(point)?.['evidence']);
  return holds.length === 0 ? {} : { holds };
}

/** @param folder of which all are meant */
function dumpsOf(point: RestorePoint, folder = '/'): { readonly dumps?: readonly PlannedDumpFile[] } {
  const below = `${folder.replace(/\/+$/, '')}/`;
  const dumps = dumpsIn(ownFacts(point)?.['evidence']).filter(({ path }) => `${path}/`.startsWith(below));
  return dumps.length === 0 ? {} : { dumps };
}

export interface ListingRequest {
  /** "/" and names as shown, joined by "/". */
  readonly path: string;
  readonly limit: number;
  /** From the listing before this one. */
  readonly cursor: string | undefined;
}

/** The entries of a folder in the order of their bytes; of anything else, itself. The index must have been loaded. */
export async function listFolder(
  opened: OpenedPoint,
  { path, limit, cursor }: ListingRequest,
  signal: AbortSignal,
): Promise<FileListing> {
  const begin = cursorPlace(cursor);
  const { names, ...place } = await findShownPath(opened, path, signal);
  const end = begin + limit;
  const { nodes, isEnd } = await stretchOf(
    opened.listAt(place, () => shownPath(names), signal),
    begin,
    end,
  );
  const { point } = opened;
  return {
    restorePoint: point.id,
    wholeness: wholenessOf(point),
    path,
    entries: nodes.map(toEntry),
    ...heldOf(point),
    ...dumpsOf(point, path),
    nextCursor: isEnd ? undefined : String(end),
  };
}

/** Entries from one number up to another, and whether no more follow. */
async function stretchOf(
  parts: AsyncIterable<readonly Node[]>,
  begin: number,
  end: number,
): Promise<{ readonly nodes: readonly Node[]; readonly isEnd: boolean }> {
  const found: Node[] = [];
  let at = 0;
  for await (const nodes of parts) {
    for (const node of nodes.slice(Math.max(0, begin - at), Math.max(0, end - at))) found.push(node);
    at += nodes.length;
    if (at > end) return { nodes: found, isEnd: false };
  }
  return { nodes: found, isEnd: true };
}

export function toEntry(node: Node): FileEntry {
  const name = displayName(node.name);
  return {
    name,
    rawName: Buffer.from(name, 'utf8').equals(node.name) ? undefined : node.name.toString('hex'),
    kind: node.type,
    sizeBytes: node.size ?? 0,
    mode: node.mode,
    uid: node.uid,
    gid: node.gid,
    mtime: timestampToDate(node.mtime).toISOString(),
    linkTarget: node.linkTarget === undefined ? undefined : displayName(node.linkTarget),
  };
}
