/**
 * A backup of a folder of this machine straight into a repository, with all metadata that restic keeps. For tests of
 * the repository alone: no host, no snapshot, no stream in between.
 */
import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { encodeTree } from '../../shared/repository/format/tree.ts';
import type { BlobId } from '../../shared/repository/ids.ts';
import type { Node, NodeType } from '../../shared/repository/node.ts';
import type { OpenedRepository } from '../../shared/repository/opened-repository.ts';
import type { RepositoryWriter, WriterOptions } from '../../shared/repository/repository.ts';
import type { RestorePoint } from '../../shared/repository/restore-point.ts';
import { timestampFromNs } from '../../shared/repository/timestamp.ts';
import { describeTree, type TreeDescription } from './describe-tree.ts';

const SLASH = Buffer.from('/');

export interface ArchiveOptions extends WriterOptions {
  readonly signal: AbortSignal;
  readonly tags?: readonly string[];
  /** Fields of the restore point that restic does not know. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** The restore point's tree is the content of `folder` itself. */
export async function archiveFolder(
  repository: OpenedRepository,
  folder: string,
  { signal, tags = [], extra = {}, ...options }: ArchiveOptions,
): Promise<RestorePoint> {
  await using lock = await repository.lock('shared', signal);
  await repository.loadIndex(signal);
  await using writer = await repository.openWriter(lock, options);
  const archive = new Archive(writer, await describeTree(folder, { withoutContent: true }), signal);
  const tree = await archive.folder(Buffer.from(folder), Buffer.alloc(0));
  await writer.flush(signal);
  const time = timestampFromNs(BigInt(Date.now()) * 1_000_000n);
  const point = { time, tree, paths: [folder], hostname: 'db1', tags, extra };
  return await repository.saveRestorePoint(point, lock, signal);
}

class Archive {
  readonly #writer: RepositoryWriter;
  readonly #facts: TreeDescription;
  readonly #signal: AbortSignal;
  readonly #users = names('/etc/passwd');
  readonly #groups = names('/etc/group');

  constructor(writer: RepositoryWriter, facts: TreeDescription, signal: AbortSignal) {
    this.#writer = writer;
    this.#facts = facts;
    this.#signal = signal;
  }

  async folder(absolute: Buffer, relative: Buffer): Promise<BlobId> {
    const nodes: Node[] = [];
    for (const name of readdirSync(absolute, { encoding: 'buffer' })) {
      const path = Buffer.concat([absolute, SLASH, name]);
      nodes.push(await this.#node(name, path, relative.length === 0 ? name : Buffer.concat([relative, SLASH, name])));
    }
    return (await (await this.#writer.put('tree', encodeTree(nodes), this.#signal)).saved).id;
  }

  async #node(name: Buffer, path: Buffer, relative: Buffer): Promise<Node> {
    const stat = lstatSync(path, { bigint: true });
    const type = typeOf(stat);
    const mtime = timestampFromNs(stat.mtimeNs);
    const extendedAttributes = this.#attributes(relative);
    return {
      name,
      type,
      mode: Number(stat.mode & 0o7777n),
      mtime,
      atime: mtime,
      ctime: timestampFromNs(stat.ctimeNs),
      uid: Number(stat.uid),
      gid: Number(stat.gid),
      user: this.#users.get(Number(stat.uid)) ?? '',
      group: this.#groups.get(Number(stat.gid)) ?? '',
      inode: stat.ino,
      deviceId: stat.dev,
      ...(type === 'dir' || type === 'fifo' ? {} : { links: Number(stat.nlink) }),
      ...(extendedAttributes.length === 0 ? {} : { extendedAttributes }),
      ...(type === 'file' ? { size: Number(stat.size), content: await this.#content(path) } : {}),
      ...(type === 'dir' ? { subtree: await this.folder(path, relative) } : {}),
      ...(type === 'symlink' ? { linkTarget: readlinkSync(path, { encoding: 'buffer' }) } : {}),
      ...(type === 'dev' || type === 'chardev' ? { device: stat.rdev } : {}),
    };
  }

  async #content(path: Buffer): Promise<readonly BlobId[]> {
    const bytes = readFileSync(path);
    using content = this.#writer.openContent(bytes.length);
    await content.add(bytes, this.#signal);
    return await (await content.end(this.#signal)).ids;
  }

  #attributes(relative: Buffer): { readonly name: string; readonly value: Buffer }[] {
    const facts = Object.entries(this.#facts.get(relative.toString('latin1')) ?? {});
    const attributes = facts.filter(([name]) => /^(user|trusted|security|system)\./.test(name));
    return attributes.map(([name, value]) => ({
      name: Buffer.from(name, 'latin1').toString('utf8'),
      value: Buffer.from(value.replace(/^0x/, ''), 'hex'),
    }));
  }
}

function typeOf(stat: BigIntStats): NodeType {
  if (stat.isDirectory()) return 'dir';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isBlockDevice()) return 'dev';
  if (stat.isCharacterDevice()) return 'chardev';
  if (stat.isFIFO()) return 'fifo';
  return 'file';
}

function names(file: string): Map<number, string> {
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return new Map(lines.map((line) => line.split(':')).map(([name = '', , id]) => [Number(id), name]));
}
