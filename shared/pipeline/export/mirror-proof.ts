/**
 * Whether what lies in a mirror is what was read: every entry, by find(1), against the tree that was built; and the
 * content that was written, by sha256sum(1), against the sums of what came.
 */
import { displayName } from '../../base/bytes.ts';
import type { StreamCommand } from '../../remote/command.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import type { Node } from '../../repository/node.ts';
import { timestampToNs } from '../../repository/timestamp.ts';
import { type ListedEntry, parseListing } from '../backup/listing.ts';
import type { TargetTraits } from '../restore/fit-node.ts';
import type { BuiltTree } from './built-tree.ts';

export interface Expected {
  readonly tree: BuiltTree;
  /** How many entries there are to be, without the top, of which the tree says nothing. */
  readonly entries: number;
  readonly traits: TargetTraits;
  /** What the mirror can hold of a node. */
  readonly fit: (node: Node, path: Buffer) => Node | undefined;
}

/** The first difference, or undefined. */
export async function differenceOf(
  host: RemoteHost,
  command: StreamCommand,
  { tree, entries, traits, fit }: Expected,
  signal: AbortSignal,
): Promise<string | undefined> {
  await using stream = await host.stream(command, undefined, signal);
  let found = 0;
  for await (const entry of parseListing(stream.output)) {
    signal.throwIfAborted();
    const path = Buffer.concat([SLASH, entry.path]);
    const node = await tree.find(path, signal);
    if (entry.path.length === 0) continue;
    found += 1;
    const wanted = node && fit(node, path);
    if (wanted === undefined) return `"${displayName(path)}" is there and was not read`;
    const difference = differs(entry, wanted, traits);
    if (difference !== undefined) return `"${displayName(path)}" has another ${difference}`;
  }
  const { exitCode } = await stream.finished;
  if (exitCode !== 0) return 'its folder is another one';
  return found === entries ? undefined : `${entries} entries were written, and ${found} are there`;
}

const SLASH = Buffer.from('/');

function differs(entry: ListedEntry, node: Node, { permissions, exactTimes }: TargetTraits): string | undefined {
  if (entry.type !== node.type) return 'type';
  if (entry.type === 'file' && entry.size !== (node.size ?? 0)) return 'size';
  if (entry.type === 'symlink' && !entry.linkTarget.equals(node.linkTarget ?? Buffer.alloc(0))) return 'target';
  if (entry.uid !== node.uid || entry.gid !== node.gid) return 'owner';
  if (entry.type !== 'symlink' && permissions && entry.mode !== node.mode) return 'mode';
  if (exactTimes && entry.mtimeNs !== timestampToNs(node.mtime)) return 'time of modification';
  return undefined;
}

export interface SummedFile {
  readonly name: Buffer;
  readonly sha256: string;
  readonly size: number;
}

/** Reads each of the files back. @returns the name of the first that is another one, or undefined; and how much was read */
export async function readBack(
  host: RemoteHost,
  command: StreamCommand,
  files: AsyncIterable<SummedFile>,
  onFile: (bytes: number) => void,
  signal: AbortSignal,
): Promise<{ readonly different: string | undefined; readonly files: number; readonly bytes: number }> {
  const asked: SummedFile[] = [];
  const names = async function* (): AsyncGenerator<Uint8Array> {
    let gathered: Buffer[] = [];
    for await (const file of files) {
      asked.push(file);
      gathered.push(HERE, file.name, NUL);
      if (gathered.length < 600) continue;
      yield Buffer.concat(gathered);
      gathered = [];
    }
    if (gathered.length > 0) yield Buffer.concat(gathered);
  };
  let [count, bytes] = [0, 0];
  let different: string | undefined;
  await using stream = await host.stream(command, names(), signal);
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of stream.output as AsyncIterable<Buffer>) {
    const data = Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = data.indexOf(0); end >= 0; end = data.indexOf(0, start)) {
      const file = asked.shift();
      const line = data.subarray(start, end);
      start = end + 1;
      const isSame =
        file !== undefined &&
        line.toString('latin1', 0, 64) === file.sha256 &&
        line.subarray(66).equals(Buffer.concat([HERE, file.name]));
      if (!isSame) different ??= file === undefined ? 'more than was asked for' : displayName(file.name);
      count += 1;
      bytes += file?.size ?? 0;
      onFile(bytes);
    }
    rest = data.subarray(start);
  }
  const { exitCode } = await stream.finished;
  if (exitCode !== 0) different ??= 'the folder';
  return { different: different ?? (asked[0] && displayName(asked[0].name)), files: count, bytes };
}

const HERE = Buffer.from('./');
const NUL = Buffer.from([0]);
