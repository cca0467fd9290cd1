/**
 * A tree of files that exists on paper only: its listing as find prints it, and a host whose tar answers requests for
 * its content, in order, as names arrive. The stream can be made to fail at any entry in several ways.
 */
import { Readable } from 'node:stream';
import { StillpointError } from '../../../shared/base/errors.ts';
import type { ListedEntry } from '../../../shared/pipeline/backup/listing.ts';
import type { StreamResult } from '../../../shared/remote/command.ts';
import type { RemoteHost } from '../../../shared/remote/remote-host.ts';
import type { NodeType } from '../../../shared/repository/node.ts';
import type { TarHead } from '../../../shared/tar/entry.ts';
import { encodeTarHead, TAR_END, tarPadding } from '../../../shared/tar/writer.ts';
import { aHead } from '../tar-streams.ts';

export interface PaperFile {
  /** Below the root, "" for the root itself. */
  readonly path: string;
  readonly type: NodeType;
  readonly content?: Buffer;
  readonly inode?: number;
  readonly links?: number;
  readonly target?: string;
  /** Where it is to be listed with another one than that of its content. */
  readonly size?: number;
}

const NS = 1_000_000_000n;
export const OLD_NS = 1_600_000_000n * NS;

export function entryOf(file: PaperFile, index: number, facts: Partial<ListedEntry> = {}): ListedEntry {
  return {
    type: file.type,
    inode: BigInt(file.inode ?? 100 + index),
    links: file.links ?? (file.type === 'dir' ? 2 : 1),
    mode: file.type === 'dir' ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    size: file.size ?? file.content?.length ?? 0,
    mtimeNs: OLD_NS,
    ctimeNs: OLD_NS,
    path: Buffer.from(file.path),
    linkTarget: Buffer.from(file.target ?? ''),
    ...facts,
  };
}

/** How the stream goes wrong when the entry of this number is due. */
export type Fault =
  | 'broken stream'
  | 'cut without a trailer'
  | 'another name'
  | 'another size'
  | 'another type'
  | 'end too early'
  | 'exit code 2';

/** Where the connection of a stream is lost: when so many of its entries came, and so many bytes of the next one's content. */
export interface Loss {
  readonly entries: number;
  readonly bytes?: number;
}

export interface PaperHostOptions {
  /** Of the first stream, of the second one, and so on; ranges of files count as streams. */
  readonly losses?: readonly (Loss | undefined)[];
  /** The names of the commands of streams, in order. */
  readonly streams?: string[];
  readonly fault?: { readonly at: number; readonly kind: Fault };
  /** Names that were asked for, in order. */
  readonly asked?: string[];
  /** What tar says though it ends well. */
  readonly stderr?: string;
  /** What the root is called; "." by default. */
  readonly rootName?: Buffer;
}

/** The host: `stream` understands one command, tar that reads names. */
export function paperFiles(files: readonly PaperFile[], options: PaperHostOptions = {}): RemoteHost {
  const byName = new Map(
    files.map((file) => [file.path === '' ? (options.rootName?.toString() ?? '.') : `./${file.path}`, file]),
  );
  const losses = [...(options.losses ?? [])];
  return {
    name: 'paper',
    run: () => Promise.reject(new Error('this host runs no commands')),
    stream: async (command, input, signal) => {
      options.streams?.push(command.name);
      const loss = losses.shift();
      const finished = Promise.withResolvers<StreamResult>();
      finished.promise.catch(() => undefined);
      let bytes = 0;
      async function* counted(): AsyncGenerator<Buffer> {
        const content =
          command.name === 'read-ranges'
            ? ranges(byName, command.args, loss)
            : archive(byName, input ?? none(), options, loss);
        for await (const chunk of content) {
          bytes += chunk.length;
          yield chunk;
        }
      }
      const output = Readable.from(counted(), { objectMode: false, signal });
      output.once('end', () => {
        if (options.fault?.kind === 'exit code 2') finished.reject(new Error('tar left with 2'));
        else finished.resolve({ exitCode: 0, bytes, stderr: options.stderr ?? '', stderrIsWhole: true });
      });
      output.once('error', (error) => finished.reject(error));
      return {
        output,
        finished: finished.promise,
        async [Symbol.asyncDispose]() {
          output.destroy();
        },
      };
    },
    async [Symbol.asyncDispose]() {},
  };
}

const HEAD_BYTES = 512;

export const lost = (): StillpointError =>
  new StillpointError('ssh.connection-lost', 'The connection was lost.', { advice: 'Wait.', cause: undefined });

function* upTo(chunks: Iterable<Buffer>, bytes: number): Generator<Buffer> {
  let left = bytes;
  for (const chunk of chunks) {
    if (left > 0) yield chunk.subarray(0, left);
    left -= chunk.length;
  }
}

async function* ranges(
  files: ReadonlyMap<string, PaperFile>,
  [, name = '', ...numbers]: readonly (string | Uint8Array)[],
  loss: Loss | undefined,
): AsyncGenerator<Buffer> {
  const { content = Buffer.alloc(0) } = files.get(Buffer.from(name as string).toString()) ?? {};
  const pieces = numbers.flatMap((offset, at) =>
    at % 2 === 1 ? [] : [content.subarray(Number(offset), Number(offset) + Number(numbers[at + 1]))],
  );
  yield* upTo(pieces, loss?.bytes ?? content.length);
  if (loss !== undefined) throw lost();
}

async function* none(): AsyncGenerator<Uint8Array> {}

async function* archive(
  files: ReadonlyMap<string, PaperFile>,
  names: AsyncIterable<Uint8Array>,
  { fault, asked }: PaperHostOptions,
  loss: Loss | undefined,
): AsyncGenerator<Buffer> {
  let index = 0;
  let rest = '';
  for await (const chunk of names) {
    const parts = (rest + Buffer.from(chunk).toString()).split('\0');
    rest = parts.pop() ?? '';
    for (const name of parts) {
      asked?.push(name);
      const file = files.get(name);
      if (file === undefined) throw new Error(`tar was asked for "${name}"`);
      const kind = index === fault?.at ? fault.kind : undefined;
      if (index === loss?.entries) {
        if (loss.bytes !== undefined) yield* upTo(entry(name, file, kind), loss.bytes + HEAD_BYTES);
        throw lost();
      }
      index += 1;
      if (kind === 'broken stream') throw new Error('the line was cut');
      if (kind === 'cut without a trailer') return;
      if (kind === 'end too early') {
        yield TAR_END;
        return;
      }
      yield* entry(name, file, kind);
    }
  }
  yield TAR_END;
}

const TYPES: Readonly<Partial<Record<NodeType, TarHead['type']>>> = { dev: 'blockdev' };

function* entry(name: string, file: PaperFile, fault: Fault | undefined): Generator<Buffer> {
  const content =
    fault === 'another size' ? Buffer.from('another size than was listed') : (file.content ?? Buffer.alloc(0));
  const type = fault === 'another type' ? 'fifo' : (TYPES[file.type] ?? (file.type as TarHead['type']));
  const isFile = type === 'file';
  yield encodeTarHead(
    aHead({
      name: Buffer.from(fault === 'another name' ? `${name}x` : name),
      type,
      size: isFile ? content.length : 0,
      linkName: Buffer.from(file.target ?? ''),
    }),
  );
  if (!isFile) return;
  // In pieces, as a connection brings them.
  for (let at = 0; at < content.length; at += 70_000) yield content.subarray(at, at + 70_000);
  yield tarPadding(content.length);
}
