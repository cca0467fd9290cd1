/**
 * Where our snapshots lie: in a folder of ours at the top level of their file system, which no mount of the host has to
 * show, each in a folder of its own. A snapshot bears no tags, so the name of that folder is the mark: it says run, owner and
 * the UUID of what the snapshot was taken of. It is made in one step before the snapshot is, and the folder around it is
 * root's alone; so there is no moment without a mark, and nobody else who could write one.
 *
 *   .stillpoint/sp_<run>_<volume>.<owner>.<uuid of the origin>/sp_<run>_<volume>
 *
 * Old traces depend on this form.
 */
import type { OwnerId, RunId } from '../../domain/names.ts';

export const OURS = '.stillpoint';

/** For a subvolume that has no UUID, as the top level of an old file system. */
export const NO_UUID = '-';

/** The folder of a snapshot below the one of ours. */
export function markedFolder(name: string, owner: OwnerId, origin: string): string {
  return `${name}.${owner}.${origin}`;
}

/** A snapshot of ours by its path from the top level. */
export interface OwnPath {
  readonly run: string;
  readonly owner: string;
  readonly name: string;
}

export function ownPath(path: string): OwnPath | undefined {
  const [, folderName, run, owner, name] =
    /^\.stillpoint\/(sp_([0-9a-f]{8})_[0-9a-f]{8})\.([0-9a-f]{12})\.[0-9a-f-]{1,36}\/([^/]+)$/.exec(path) ?? [];
  if (run === undefined || owner === undefined || name === undefined || name !== folderName) return undefined;
  return { run, owner, name };
}

/** Whether a path from the top level is that of a kept snapshot. */
export const isKeptPath = (path: string): boolean => path.startsWith(`${OURS}/spk_`);

export const isOf = ({ run, owner }: OwnPath, whose: OwnerId, dead: readonly RunId[]): boolean =>
  owner === whose && dead.some((each) => each === run);
