/**
 * An SFTP server in memory that keeps to the letter of version 3 and to nothing else: it answers in any order, gives
 * less than was asked, leaves attributes out of listings, and refuses to rename over a file. OpenSSH's does none of
 * this, and others do. It can also fail on request.
 */
import { PassThrough } from 'node:stream';
import { setImmediate as breath } from 'node:timers/promises';
import {
  PacketReader,
  PacketSplitter,
  packet,
  REPLY,
  REQUEST,
  STATUS,
  text,
  uint32,
  uint64,
} from '../../../shared/remote/sftp/packets.ts';
import type { ExitStatus, RemoteProcess } from '../../../shared/remote/transport.ts';

const FOLDER = 0o040755;
const FILE = 0o100600;

/** By path; undefined is a folder. */
export type OddFiles = Map<string, Buffer | undefined>;

export interface OddServer {
  readonly process: RemoteProcess;
  readonly files: OddFiles;
  /** Statuses to answer the next requests of a type with, and how many were. */
  readonly refusals: { readonly type: number; readonly status: number; left: number }[];
  refused: number;
  /** Sends bytes that were not asked for. */
  say(bytes: Uint8Array): void;
  /** Ends as a process does. */
  end(status: ExitStatus): void;
}

export function oddSftpServer(files: OddFiles = new Map()): OddServer {
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const exit = Promise.withResolvers<ExitStatus>();
  const splitter = new PacketSplitter(1_000_000);
  const handles = new Map<string, { readonly path: string; isRead: boolean }>();
  let waiting: Buffer[] = [];
  let opened = 0;

  const end = (status: ExitStatus): void => {
    exit.resolve(status);
    stdout.end();
    stderr.end();
  };
  const server: OddServer = {
    process: { stdin, stdout, stderr, exited: exit.promise, kill: () => end({ code: undefined, signal: 'TERM' }) },
    files,
    refusals: [],
    refused: 0,
    say: (bytes) => stdout.write(bytes),
    end,
  };

  /** What came in one breath is answered backwards. */
  const answer = async (reply: Buffer): Promise<void> => {
    waiting.push(reply);
    if (waiting.length > 1) return;
    await breath();
    const replies = waiting.toReversed();
    waiting = [];
    for (const each of replies) stdout.write(each);
  };

  const status = (code: number): [number, ...Buffer[]] => [REPLY.status, uint32(code)];
  const attributes = (path: string): Buffer => {
    const content = files.get(path);
    const mode = content === undefined ? FOLDER : FILE;
    return Buffer.concat([uint32(0x05), uint64(content?.length ?? 0), uint32(mode)]);
  };
  const open = (path: string): [number, ...Buffer[]] => {
    const handle = `h${opened++}`;
    handles.set(handle, { path, isRead: false });
    return [REPLY.handle, text(handle)];
  };
  const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';
  const isFolder = (path: string): boolean => files.has(path) && files.get(path) === undefined;

  const serve = (type: number, body: PacketReader): [number, ...Buffer[]] => {
    const due = server.refusals.find((refusal) => refusal.type === type && refusal.left > 0);
    if (due !== undefined) {
      due.left -= 1;
      server.refused += 1;
      return status(due.status);
    }
    const first = body.text();
    const handle = handles.get(first);
    const path = handle?.path ?? first;
    switch (type) {
      case REQUEST.open: {
        const flags = body.uint32();
        if ((flags & 0x08) === 0) return files.get(path) === undefined ? status(STATUS.noSuchFile) : open(path);
        if (!isFolder(parentOf(path))) return status(STATUS.noSuchFile);
        if (files.has(path)) return status(STATUS.failure);
        files.set(path, Buffer.alloc(0));
        return open(path);
      }
      case REQUEST.close:
        handles.delete(first);
        return status(STATUS.ok);
      case REQUEST.read: {
        const offset = body.uint64();
        const wanted = body.uint32();
        const content = files.get(path) ?? Buffer.alloc(0);
        if (offset >= content.length) return status(STATUS.endOfFile);
        // Less than was asked for, as a server may.
        const given = Math.max(1, Math.min(wanted, 10_000) - (offset % 7));
        return [REPLY.data, text(content.subarray(offset, offset + given))];
      }
      case REQUEST.write: {
        const offset = body.uint64();
        const piece = body.bytes();
        const content = files.get(path) ?? Buffer.alloc(0);
        const grown = Buffer.alloc(Math.max(content.length, offset + piece.length));
        content.copy(grown);
        piece.copy(grown, offset);
        files.set(path, grown);
        return status(STATUS.ok);
      }
      case REQUEST.stat:
      case REQUEST.fstat:
        return files.has(path) ? [REPLY.attrs, attributes(path)] : status(STATUS.noSuchFile);
      case REQUEST.fsetstat:
        return status(STATUS.unsupported);
      case REQUEST.opendir:
        return isFolder(path) ? open(path) : status(STATUS.noSuchFile);
      case REQUEST.readdir: {
        if (handle === undefined || handle.isRead) return status(STATUS.endOfFile);
        handle.isRead = true;
        const inside = [...files.keys()].filter((each) => parentOf(each) === path && each !== path);
        const names = ['.', '..', ...inside.map((each) => each.slice(each.lastIndexOf('/') + 1))];
        const entries = names.map((name) => Buffer.concat([text(name), text(`?--- ${name}`), uint32(0)]));
        return [REPLY.name, uint32(names.length), ...entries];
      }
      case REQUEST.mkdir:
        if (files.has(path)) return status(STATUS.failure);
        if (!isFolder(parentOf(path))) return status(STATUS.noSuchFile);
        files.set(path, undefined);
        return status(STATUS.ok);
      case REQUEST.remove:
        return files.get(path) !== undefined && files.delete(path) ? status(STATUS.ok) : status(STATUS.noSuchFile);
      case REQUEST.rename: {
        const target = body.text();
        const content = files.get(path);
        if (content === undefined) return status(STATUS.noSuchFile);
        if (files.has(target)) return status(STATUS.failure);
        files.delete(path);
        files.set(target, content);
        return status(STATUS.ok);
      }
      default:
        return status(STATUS.unsupported);
    }
  };

  stdin.on('data', (chunk: Buffer) => {
    for (const bytes of splitter.push(chunk) ?? []) {
      const body = new PacketReader(bytes);
      const type = body.uint8();
      if (type === REQUEST.init) {
        stdout.write(packet(REPLY.version, [uint32(3)]));
        continue;
      }
      const id = body.uint32();
      const [kind, ...fields] = serve(type, body);
      void answer(packet(kind, [uint32(id), ...fields]));
    }
  });
  return server;
}
