/**
 * What tar sends for an entry that was asked for. From a snapshot comes what was listed, or the backup is worth nothing; from
 * a live tree something else may come.
 */
import { displayName } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import type { Node } from '../../repository/node.ts';
import type { TarEntry } from '../../tar/entry.ts';
import type { BegunFile, FilePart } from '../resume/file-part.ts';
import type { ListedEntry } from './listing.ts';
import { type NodeRest, restFromTar } from './node.ts';
import type { Omissions } from './omissions.ts';
import type { ReadingSink } from './reading-sink.ts';

/** What happened in a pass over a live tree. Names are those that tar was given, as Latin-1 text. */
export interface LivePass {
  /** Files that were asked for, where this is wanted. */
  readonly asked?: Set<string>;
  /** Other files than those listed came under these names, and are not in the tree. */
  readonly exchanged: Set<string>;
  /** What the restore point lacks if this pass is the last one. */
  readonly lacks: ((omissions: Omissions) => void)[];
}

export interface Answer {
  readonly entry: ListedEntry;
  /** Which one of the listing it is. */
  readonly at: number;
  /** Absolute. */
  readonly path: Buffer;
  /** What is resolved to. */
  readonly rest: Promise<NodeRest | undefined>;
  /** How much of it was counted as done before, when only what changed was read. */
  doneBytes?: number;
  /** Whether zeros come in the place of its content. */
  isCut?: boolean;
  /** Told of the parts of a large file, with what is known of it before its content. */
  readonly onPart?: (head: Omit<BegunFile, 'parts'>, part: Promise<FilePart>) => void;
  readonly build: (rest: NodeRest) => Node;
  /** undefined: it did not come. */
  readonly resolve: (rest: NodeRest | undefined | PromiseLike<NodeRest>) => void;
  readonly reject: (error: unknown) => void;
}

export interface TakingPorts {
  readonly sink: Pick<ReadingSink, 'place' | 'take'>;
  /** See `ReadingSink.take`. */
  readonly onBytes: (bytes: number) => void;
  readonly signal: AbortSignal;
}

/** Resolves to the bytes of content that came. */
export async function takeAnswer(
  entry: TarEntry,
  answer: Answer,
  live: LivePass | undefined,
  { sink, onBytes, signal }: TakingPorts,
): Promise<number> {
  const wanted = answer.entry;
  // On a snapshot nothing changes between listing and reading. A second name of a file comes as a link without content.
  const isSame = entry.type === TAR_TYPES[wanted.type];
  if (live === undefined && (!isSame || (wanted.type === 'file' && entry.size !== wanted.size))) {
    throw notAsListed(entry, wanted);
  }
  // A user could put a link to another folder in the way, and have a file of another one saved as his own.
  if (!isSame || (live !== undefined && (entry.uid !== wanted.uid || entry.gid !== wanted.gid))) {
    live?.exchanged.add(entry.name.toString('latin1'));
    if (wanted.type === 'dir') sink.place(answer.path, answer.build({}), undefined);
    answer.resolve(undefined);
    return 0;
  }
  const rest = {
    ...restFromTar(entry),
    ...(wanted.type === 'file' && entry.size !== wanted.size ? { size: entry.size } : {}),
  };
  const isWhole = (entry.sparseEnd ?? entry.size) >= entry.size;
  const onPart = (part: Promise<FilePart>): void => {
    if (isWhole && answer.isCut !== true) answer.onPart?.({ rest, sparse: entry.sparse }, part);
  };
  const came = { entry, path: answer.path, node: () => answer.build(rest), onPart };
  const { ids, bytes } = await sink.take(came, onBytes, signal);
  answer.resolve(ids === undefined ? rest : ids.then((content) => ({ ...rest, content })));
  return bytes;
}

const TAR_TYPES: Readonly<Partial<Record<ListedEntry['type'], TarEntry['type']>>> = {
  file: 'file',
  dir: 'dir',
  symlink: 'symlink',
  dev: 'blockdev',
  chardev: 'chardev',
  fifo: 'fifo',
};

function notAsListed(entry: TarEntry, wanted: ListedEntry): StillpointError {
  const was = `${wanted.type} of ${wanted.size} bytes`;
  return new StillpointError(
    'read.incomplete',
    `"${displayName(entry.name)}" was listed as ${was} and came as ${entry.type} of ${entry.size}.`,
    {
      advice: 'What was read is not the frozen copy that was listed; run the backup again.',
      details: { listed: wanted.type, came: entry.type },
      cause: undefined,
    },
  );
}
