/** The last complete state of a mirror, as a parent to compare with: what was said of it, and its folders. */
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { isStillpointError } from '../../base/errors.ts';
import type { EmitEvent } from '../../domain/events.ts';
import type { RestorePointId } from '../../domain/names.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import { isId } from '../../repository/ids.ts';
import type { RestorePoint } from '../../repository/restore-point.ts';
import { isTimestamp } from '../../repository/timestamp.ts';
import type { WorkFolder } from '../restore/target.ts';
import { BuiltTree } from './built-tree.ts';
import { listMirror, loadRecord } from './mirror-commands.ts';
import { differenceOf, type Expected } from './mirror-proof.ts';
import { TreeSpool } from './tree-spool.ts';

export interface StateBefore {
  readonly name: string;
  readonly point: RestorePoint;
  readonly folders: TreeSpool;
}

/** What is known of a state: what a restore point says, and how many entries there are. */
interface StateRecord extends Omit<RestorePoint, 'id'> {
  readonly entries: number;
}

function isRecord(value: unknown): value is StateRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { time, tree, hostname, entries, extra } = value as Partial<Record<keyof StateRecord, unknown>>;
  return (
    typeof time === 'string' &&
    isTimestamp(time) &&
    typeof tree === 'string' &&
    isId(tree) &&
    typeof hostname === 'string' &&
    typeof extra === 'object' &&
    Number.isSafeInteger(entries)
  );
}

export interface BeforePorts {
  readonly host: RemoteHost;
  readonly folder: WorkFolder;
  readonly emit: EmitEvent;
  /** A file of this machine. */
  readonly file: string;
}

/** Where the state is not as it was made, all is read anew: a link to what somebody changed would be believed. */
export async function loadBefore(
  name: string,
  { host, folder, emit, file }: BeforePorts,
  ends: Pick<Expected, 'fit' | 'traits'>,
  signal: AbortSignal,
): Promise<StateBefore | undefined> {
  const why = (reason: string): undefined => {
    emit({
      type: 'warning',
      code: 'export.target',
      message: `The state ${name} of the mirror is not as it was made: ${reason}.`,
      advice: 'All is read from the host again, and nothing is shared with it.',
    });
    return undefined;
  };
  const record = await readRecord(host, folder, name, signal);
  if (record === undefined) return why('what is known of it cannot be read');
  await rm(file, { force: true });
  await using stream = await host.stream(loadRecord(folder, `${name}.folders`), undefined, signal);
  await pipeline(stream.output, createWriteStream(file, { flags: 'wx', mode: 0o600 }), { signal });
  if ((await stream.finished).exitCode !== 0) return why('the list of its folders cannot be read');
  await using loading = new AsyncDisposableStack();
  try {
    const folders = loading.use(await TreeSpool.load(file));
    const { entries, ...draft } = record;
    const { tree } = draft;
    const difference = await differenceOf(
      host,
      listMirror(folder, name),
      { ...ends, tree: new BuiltTree(folders, tree), entries },
      signal,
    );
    if (difference !== undefined) return why(difference);
    loading.move();
    return { name, folders, point: { ...draft, id: name as RestorePointId } };
  } catch (error) {
    if (isStillpointError(error, 'repository.damaged')) return why(error.message);
    throw error;
  }
}

async function readRecord(
  host: RemoteHost,
  folder: WorkFolder,
  name: string,
  signal: AbortSignal,
): Promise<StateRecord | undefined> {
  await using stream = await host.stream(loadRecord(folder, `${name}.json`), undefined, signal);
  const chunks = await Array.fromAsync(stream.output as AsyncIterable<Buffer>);
  if ((await stream.finished).exitCode !== 0) return undefined;
  try {
    const record: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    return isRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}
