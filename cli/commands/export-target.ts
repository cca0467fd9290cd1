/** Where an export goes, as it is typed: a file of this machine, or a folder here or on another host. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { StillpointError } from '../../shared/base/errors.ts';
import { hostName } from '../../shared/domain/names.ts';
import type { ExportTarget } from '../../shared/domain/verbs/export.ts';
import { fromHere, type Here } from '../arguments.ts';

export interface TargetOptions {
  readonly tar?: string;
  readonly mirror?: string;
  readonly overwrite?: boolean;
  readonly keep?: string;
}

export function withTarget(command: Command): Command {
  return command
    .option('--tar <file>', 'a new file on this machine, NAME.tar.zst; its manifest and checksums go beside it')
    .option('--overwrite', 'with --tar: replace what has that name, when the new one is proved')
    .option('--mirror <folder>', 'a folder on this machine, or HOST:FOLDER on another; each run adds a state to it')
    .option('--keep <number>', 'with --mirror: remove older states than so many, the new one counted');
}

export const isExport = ({ tar, mirror, overwrite, keep }: TargetOptions): boolean =>
  [tar, mirror, overwrite, keep].some((option) => option !== undefined);

/** Errors: `usage.invalid`. */
export function exportTarget(options: TargetOptions, here: Here): ExportTarget {
  const { tar, mirror, overwrite, keep } = options;
  if ((tar === undefined) === (mirror === undefined)) {
    throw wrong('An export goes to an archive or to a mirror.', 'Give one of --tar and --mirror.');
  }
  if (tar !== undefined) {
    if (keep !== undefined) throw wrong('--keep is for a mirror.', 'Leave it out, or give --mirror.');
    if (tar === '') throw wrong('The name of the file is empty.', 'Give the path of a file to --tar.');
    return { kind: 'archive', file: fromHere(here, tar), ...(overwrite === true && { overwrite }) };
  }
  if (overwrite === true) throw wrong('--overwrite is for an archive.', 'Leave it out; a mirror keeps its states.');
  return { ...placeOfMirror(mirror ?? '', here), ...(keep !== undefined && { keep: numberOf(keep) }) };
}

/** As for rsync(1): a colon before the first slash is one between a host and a folder. */
function placeOfMirror(text: string, here: Here): Extract<ExportTarget, { kind: 'mirror' }> {
  const [, host, folder] = /^([^/:]+):(.*)$/s.exec(text) ?? [];
  if (host === undefined || folder === undefined) {
    if (text === '') throw wrong('The name of the folder is empty.', 'Give the path of a folder to --mirror.');
    return { kind: 'mirror', folder: fromHere(here, text) };
  }
  if (!folder.startsWith('/')) {
    throw wrong(`"${folder}" on "${host}" is no absolute path.`, 'Begin it with "/": --mirror HOST:/FOLDER.');
  }
  return { kind: 'mirror', folder: resolve('/', folder), host: hostName(host) };
}

function numberOf(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw wrong(`"${text}" is no number of states to keep.`, 'Give 1 or more; without --keep all states stay.');
}

function wrong(message: string, advice: string): StillpointError {
  return new StillpointError('usage.invalid', message, { advice, cause: undefined });
}
