/** What another process had of an entry before this one took its run up, as far as it is stored. */
import type { Node } from '../../repository/node.ts';
import { readOn } from '../resume/begun-file.ts';
import type { BegunFile } from '../resume/file-part.ts';
import type { ListedEntry } from './listing.ts';
import type { NodeRest } from './node.ts';
import type { TreePorts, TreeToRead } from './tree-to-read.ts';

interface Asked {
  readonly entry: ListedEntry;
  /** Which one of the listing it is. */
  readonly at: number;
  /** As tar is given it. */
  readonly name: Buffer;
  /** Absolute. */
  readonly path: Buffer;
  readonly build: (rest: NodeRest) => Node;
}

/** Undefined for what has to be asked for. It is noted again: this process may be killed, too. */
export async function hadBefore(
  asked: Asked,
  tree: Pick<TreeToRead, 'arrived' | 'content'>,
  ports: TreePorts,
  signal: AbortSignal,
): Promise<NodeRest | undefined> {
  const place = { at: asked.at, path: asked.entry.path };
  const found = await tree.arrived?.find(place, asked.name);
  if (found === undefined) return undefined;
  const rest = 'parts' in found ? await goOnWith(found, asked, tree, ports, signal) : found;
  if (rest === undefined || (rest === found && !holds(rest, asked, ports))) return undefined;
  tree.arrived?.came(place, Promise.resolve(rest));
  return rest;
}

const holds = (rest: NodeRest, { build, path }: Asked, { sink }: TreePorts): boolean => sink.holds(build(rest), path);

/** A large file of which the beginning is there. */
async function goOnWith(
  begun: BegunFile,
  asked: Asked,
  { content: order }: Pick<TreeToRead, 'content'>,
  ports: TreePorts,
  signal: AbortSignal,
): Promise<NodeRest | undefined> {
  const { host, sink, counts, onProgress } = ports;
  const { entry: listed, name, path, build } = asked;
  const lacking = begun.parts.findIndex(({ ids }) => !holds({ content: ids }, asked, ports));
  const parts = lacking < 0 ? begun.parts : begun.parts.slice(0, lacking);
  if (parts.length === 0) return undefined;
  const came = await readOn(
    { name, size: listed.size },
    { ...begun, parts },
    { host, order, take: (entry) => sink.take({ entry, path, node: () => build(begun.rest) }, onProgress, signal) },
    signal,
  );
  if (came === undefined) return undefined;
  counts.bytesRead += came.bytes;
  counts.bytesReceived += came.bytes;
  return { ...begun.rest, content: came.content };
}
