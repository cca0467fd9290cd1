/**
 * Restore points on disk, which restic calls snapshots. The order of fields and what is omitted follow restic's struct;
 * fields that we do not know are kept and written back after the known ones.
 */
import { z } from 'zod';
import type { RestorePointId } from '../../domain/names.ts';
import type { BlobId } from '../ids.ts';
import type { RestorePointDraft, RestorePointStatistics } from '../restore-point.ts';
import { isTimestamp } from '../timestamp.ts';
import { damagedJson, goJson, parseJson, unknownFields } from './go-json.ts';

const id = z.string().regex(/^[0-9a-f]{64}$/);
const time = z.string().refine(isTimestamp);
/** A number of 64 bits may be more than our numbers hold; it is only shown. */
const count = z.union([z.number(), z.bigint().transform(Number)]).default(0);
const owner = z.union([z.number(), z.bigint().transform(Number)]).optional();
const texts = z.array(z.string()).nullish();

const summarySchema = z.looseObject({
  backup_start: time,
  backup_end: time,
  files_new: count,
  files_changed: count,
  files_unmodified: count,
  dirs_new: count,
  dirs_changed: count,
  dirs_unmodified: count,
  data_blobs: count,
  tree_blobs: count,
  data_added: count,
  data_added_packed: count,
  total_files_processed: count,
  total_bytes_processed: count,
});

const schema = z.looseObject({
  time,
  parent: id.nullish(),
  tree: id,
  paths: texts,
  hostname: z.string().optional(),
  username: z.string().optional(),
  uid: owner,
  gid: owner,
  excludes: texts,
  tags: texts,
  original: id.nullish(),
  program_version: z.string().optional(),
  summary: summarySchema.nullish(),
});

export function encodeSnapshot(draft: RestorePointDraft): Buffer {
  const fields = {
    time: draft.time,
    parent: draft.parent,
    tree: draft.tree,
    paths: draft.paths,
    hostname: orOmit(draft.hostname),
    username: orOmit(draft.username),
    uid: orOmit(draft.uid),
    gid: orOmit(draft.gid),
    excludes: draft.excludes?.length === 0 ? undefined : draft.excludes,
    tags: draft.tags?.length === 0 ? undefined : draft.tags,
    original: draft.original,
    program_version: orOmit(draft.programVersion),
    summary: draft.statistics === undefined ? undefined : encodeStatistics(draft.statistics),
  };
  return Buffer.from(goJson({ ...fields, ...draft.extra, ...definedOnly(fields) }));
}

const orOmit = <T extends string | number>(value: T | undefined): T | undefined =>
  value === '' || value === 0 ? undefined : value;

function definedOnly(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

export function decodeSnapshot(json: Buffer, what: string): RestorePointDraft {
  const parsed = schema.safeParse(parseJson(json, what));
  if (!parsed.success) throw damagedJson(what, 'is not a restore point', parsed.error);
  const { time: at, parent, tree, paths, excludes, tags, original, program_version, summary, ...rest } = parsed.data;
  const { hostname, username, uid, gid, ...extra } = rest;
  return {
    time: at,
    tree: tree as BlobId,
    paths: paths ?? [],
    ...(parent ? { parent: parent as RestorePointId } : {}),
    ...(hostname === undefined ? {} : { hostname }),
    ...(username === undefined ? {} : { username }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    ...(excludes ? { excludes } : {}),
    ...(tags ? { tags } : {}),
    ...(original ? { original: original as RestorePointId } : {}),
    ...(program_version === undefined ? {} : { programVersion: program_version }),
    ...(summary ? { statistics: decodeStatistics(summary, what) } : {}),
    ...unknownFields(extra, what),
  };
}

function encodeStatistics(counts: RestorePointStatistics): Readonly<Record<string, unknown>> {
  return {
    backup_start: counts.backupStart,
    backup_end: counts.backupEnd,
    files_new: counts.filesNew,
    files_changed: counts.filesChanged,
    files_unmodified: counts.filesUnmodified,
    dirs_new: counts.dirsNew,
    dirs_changed: counts.dirsChanged,
    dirs_unmodified: counts.dirsUnmodified,
    data_blobs: counts.dataBlobs,
    tree_blobs: counts.treeBlobs,
    data_added: counts.dataAdded,
    data_added_packed: counts.dataAddedPacked,
    total_files_processed: counts.totalFilesProcessed,
    total_bytes_processed: counts.totalBytesProcessed,
    ...counts.extra,
  };
}

function decodeStatistics(summary: z.output<typeof summarySchema>, what: string): RestorePointStatistics {
  const unknown = Object.entries(summary).filter(([key]) => !(key in summarySchema.shape));
  return {
    backupStart: summary.backup_start,
    backupEnd: summary.backup_end,
    filesNew: summary.files_new,
    filesChanged: summary.files_changed,
    filesUnmodified: summary.files_unmodified,
    dirsNew: summary.dirs_new,
    dirsChanged: summary.dirs_changed,
    dirsUnmodified: summary.dirs_unmodified,
    dataBlobs: summary.data_blobs,
    treeBlobs: summary.tree_blobs,
    dataAdded: summary.data_added,
    dataAddedPacked: summary.data_added_packed,
    totalFilesProcessed: summary.total_files_processed,
    totalBytesProcessed: summary.total_bytes_processed,
    ...unknownFields(Object.fromEntries(unknown), what),
  };
}
