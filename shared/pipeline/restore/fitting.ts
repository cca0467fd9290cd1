/**
 * Whether what is wanted fits into the target, asked before anything is restored: its size against the room that there
 * is, and its names against what the file system does with names.
 */
import { displayName, formatBytes } from '../../base/bytes.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import type { Repository } from '../../repository/repository.ts';
import type { RestorePoint } from '../../repository/restore-point.ts';
import { type RefusedName, tryNames } from './name-trial.ts';
import { likenessOf, otherName } from './names.ts';
import type { Outcome } from './outcome.ts';
import type { Probed, TargetRoom } from './probe.ts';
import { type Survey, type SurveyLimits, survey } from './survey.ts';
import type { WorkFolder } from './target.ts';
import { namesDoNotFit, tooLittleRoom } from './target-errors.ts';
import type { NewNames, Renames, WalkStart } from './walk.ts';

export interface FittingPorts {
  readonly host: RemoteHost;
  readonly repository: Repository;
  readonly folder: WorkFolder;
  readonly probed: Probed;
  readonly outcome: Outcome;
  /** Whether entries get other names where the target cannot hold theirs; else that is an error. */
  readonly rename: boolean;
}

export interface Fitted {
  /** How much there is to restore, where that is known. */
  readonly files: number | undefined;
  readonly bytes: number | undefined;
  readonly renames: Renames | undefined;
}

/** These may store data in less room than it takes elsewhere. */
const COMPRESSING: readonly string[] = ['btrfs', 'zfs', 'f2fs', 'bcachefs'];
/** How much less at most: what is larger than that is refused there too. */
const COMPRESSED = 16;
/** These give each file whole blocks. Of others that is not known, so only the bytes count there. */
const WHOLE_BLOCKS: readonly string[] = ['ext2/ext3', 'xfs', 'tmpfs', 'msdos', 'exfat'];

/** Errors: `restore.target` where it does not fit. */
export async function fitInto(
  start: WalkStart,
  point: RestorePoint,
  ports: FittingPorts,
  signal: AbortSignal,
): Promise<Fitted> {
  const { traits, room } = ports.probed;
  const { statistics } = point;
  const isAll = start.selection === 'all' && start.place === undefined && start.choice === undefined;
  if (isAll && statistics !== undefined && traits.exactNames && surelyFits(statistics, room)) {
    return { files: statistics.totalFilesProcessed, bytes: statistics.totalBytesProcessed, renames: undefined };
  }
  const needs = await survey(ports.repository, start, traits, limitsOf(room), signal);
  compareRoom(needs, ports);
  const renames = await fitNames(needs, ports, signal);
  return { files: needs.files, bytes: needs.bytes, renames };
}

function limitsOf({ bytes, entries, blockSize, fileSystem }: TargetRoom): SurveyLimits {
  const factor = COMPRESSING.includes(fileSystem) ? COMPRESSED : 1;
  return {
    bytes: (bytes ?? Number.POSITIVE_INFINITY) * factor,
    entries: entries ?? Number.POSITIVE_INFINITY,
    block: WHOLE_BLOCKS.includes(fileSystem) ? blockSize : 1,
  };
}

/** By the figures of the backup, which count holes and further names of a file; each entry takes a block at most. */
function surelyFits(statistics: NonNullable<RestorePoint['statistics']>, room: TargetRoom): boolean {
  const { dirsNew, dirsChanged, dirsUnmodified, totalFilesProcessed, totalBytesProcessed } = statistics;
  const entries = totalFilesProcessed + dirsNew + dirsChanged + dirsUnmodified;
  const bytes = totalBytesProcessed + entries * Math.max(room.blockSize, 4096);
  return bytes <= (room.bytes ?? Number.POSITIVE_INFINITY) && entries <= (room.entries ?? Number.POSITIVE_INFINITY);
}

function compareRoom(needs: Survey, { probed: { room }, folder, outcome }: FittingPorts): void {
  if (room.entries !== undefined && needs.entries > room.entries) {
    const many = needs.isWhole ? `${needs.entries}` : `more than ${needs.entries}`;
    throw tooLittleRoom(
      folder.target,
      `there is room for ${room.entries} more entries, and ${many} are to be restored`,
    );
  }
  if (room.bytes === undefined || needs.room <= room.bytes) return;
  const size = needs.isWhole ? formatBytes(needs.room) : `more than ${formatBytes(needs.room)}`;
  const what = `${size} are to be restored, and ${formatBytes(room.bytes)} are free`;
  if (needs.isOverLimit) throw tooLittleRoom(folder.target, what);
  outcome.remark(
    `The file system of "${folder.target}" may have too little room: ${what}.`,
    'It continues, since this file system can store data in less room than it takes elsewhere.',
  );
}

async function fitNames(
  { doubtful }: Survey,
  { host, repository, folder, outcome, rename }: FittingPorts,
  signal: AbortSignal,
): Promise<Renames | undefined> {
  const refused = await tryNames(host, folder, doubtful, signal);
  if (refused.length === 0) return undefined;
  if (!rename) throw namesDoNotFit(folder.target, refused.length, refused.slice(0, 500).map(describe));
  const renames = new Map<RefusedName['folder']['tree'], NewNames>();
  for (const [place, ofPlace] of Map.groupBy(refused, (one) => one.folder)) {
    const gone = new Set(ofPlace.map(({ name }) => name.toString('latin1')));
    const taken = new Set<string>();
    for await (const nodes of repository.treeParts(place.tree, signal)) {
      for (const { name } of nodes) if (!gone.has(name.toString('latin1'))) taken.add(likenessOf(name));
    }
    const names = new Map<string, Buffer>();
    for (const { name } of ofPlace) {
      const other = otherName(name, taken);
      names.set(name.toString('latin1'), other);
      outcome.rename(pathOf(place.path, name), other);
    }
    renames.set(place.tree, names);
  }
  return renames;
}

function describe({ folder, name, why }: RefusedName): string {
  const path = displayName(pathOf(folder.path, name));
  if (why === 'impossible') return `"${path}" (no name that this file system can hold)`;
  const other = folder.names.find((one) => !one.equals(name) && likenessOf(one) === likenessOf(name));
  return `"${path}" (the same as "${displayName(other ?? name)}" there)`;
}

function pathOf(folder: Buffer, name: Buffer): Buffer {
  return folder.length === 0 ? name : Buffer.concat([folder, Buffer.from('/'), name]);
}
