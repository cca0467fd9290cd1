/** The requests of SFTP as functions. A refusal is an `SftpRefusal`; the end of the conversation a StillpointError. */
import { abortable } from '../../base/cancel.ts';
import { systemClock } from '../../base/clock.ts';
import { NONCE_BUDGET_MS, REQUEST_SILENCE_MS } from '../budgets.ts';
import type { RemoteProcess } from '../transport.ts';
import {
  type Attributes,
  NO_ATTRIBUTES,
  permissions,
  REPLY,
  REQUEST,
  STATUS,
  text,
  uint32,
  uint64,
} from './packets.ts';
import { type Reply, SftpConversation } from './sftp-conversation.ts';
import { sftpRefusal } from './sftp-errors.ts';
import type { Silence } from './silence.ts';

/** What the server calls an open file or folder. */
export type Handle = Buffer;

export interface FolderEntry extends Attributes {
  readonly name: string;
}

export interface Space {
  /** For users without privileges. */
  readonly freeBytes: number;
  readonly freeFiles: number;
  readonly isReadOnly: boolean;
}

/** What every server of version 3 takes in one request; those of OpenSSH tell more by `limits@openssh.com`. */
const PORTION = 32 * 1024;
const LARGEST_PORTION = 256 * 1024;
const READ_ONLY_FLAG = 1;

export class SftpClient {
  readonly #conversation: SftpConversation;
  #extensions: ReadonlySet<string> = new Set();
  /** How much one request may carry. */
  readPortion = PORTION;
  writePortion = PORTION;

  /** Greets the server on a process that speaks SFTP; takes the process over. */
  static async open(
    host: string,
    process: RemoteProcess,
    signal: AbortSignal,
    budgetMs = NONCE_BUDGET_MS,
    silence: Silence = { clock: systemClock, silenceMs: REQUEST_SILENCE_MS, lastHeard: { ms: 0 } },
  ): Promise<SftpClient> {
    const client = new SftpClient(new SftpConversation(host, process, silence));
    client.#extensions = await client.#conversation.greet(budgetMs, signal);
    try {
      if (client.has('limits@openssh.com')) await abortable(client.#learnLimits(), signal);
      return client;
    } catch (error) {
      client.end();
      throw error;
    }
  }

  private constructor(conversation: SftpConversation) {
    this.#conversation = conversation;
  }

  get isOver(): boolean {
    return this.#conversation.isOver;
  }

  has(extension: string): boolean {
    return this.#extensions.has(extension);
  }

  async openFile(path: string, flags: number, mode?: number): Promise<Handle> {
    const attributes = mode === undefined ? NO_ATTRIBUTES : permissions(mode);
    return handleOf(await this.#ask(REQUEST.open, text(path), uint32(flags), attributes));
  }

  async openFolder(path: string): Promise<Handle> {
    return handleOf(await this.#ask(REQUEST.opendir, text(path)));
  }

  async close(handle: Handle): Promise<void> {
    expectOk(await this.#ask(REQUEST.close, text(handle)));
  }

  /** At most `length` bytes, maybe less; undefined at the end of the file. */
  async read(handle: Handle, offset: number, length: number): Promise<Buffer | undefined> {
    const reply = await this.#ask(REQUEST.read, text(handle), uint64(offset), uint32(length));
    return reply.type === REPLY.data ? reply.body.bytes() : expectEnd(reply);
  }

  async write(handle: Handle, offset: number, pieces: readonly Uint8Array[]): Promise<void> {
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    expectOk(await this.#ask(REQUEST.write, text(handle), uint64(offset), uint32(length), ...pieces));
  }

  /** The next entries of a folder; undefined when there are no more. */
  async readFolder(handle: Handle): Promise<FolderEntry[] | undefined> {
    const reply = await this.#ask(REQUEST.readdir, text(handle));
    if (reply.type !== REPLY.name) return expectEnd(reply);
    const { body } = reply;
    return Array.from({ length: body.uint32() }, () => {
      const name = body.text();
      body.bytes(); // a line as of "ls -l", for people
      return { name, ...body.attributes() };
    });
  }

  async stat(path: string): Promise<Attributes> {
    return attributesOf(await this.#ask(REQUEST.stat, text(path)));
  }

  /** Of a link itself. */
  async lstat(path: string): Promise<Attributes> {
    return attributesOf(await this.#ask(REQUEST.lstat, text(path)));
  }

  async statHandle(handle: Handle): Promise<Attributes> {
    return attributesOf(await this.#ask(REQUEST.fstat, text(handle)));
  }

  async setMode(handle: Handle, mode: number): Promise<void> {
    expectOk(await this.#ask(REQUEST.fsetstat, text(handle), permissions(mode)));
  }

  async remove(path: string): Promise<void> {
    expectOk(await this.#ask(REQUEST.remove, text(path)));
  }

  async makeFolder(path: string, mode: number): Promise<void> {
    expectOk(await this.#ask(REQUEST.mkdir, text(path), permissions(mode)));
  }

  /** Refused by most servers where the target is there. */
  async rename(from: string, to: string): Promise<void> {
    expectOk(await this.#ask(REQUEST.rename, text(from), text(to)));
  }

  /** As rename(2), which replaces the target. Only where the server has the extension. */
  async posixRename(from: string, to: string): Promise<void> {
    expectOk(await this.#ask(REQUEST.extended, text('posix-rename@openssh.com'), text(from), text(to)));
  }

  /** Only where the server has the extension. */
  async fsync(handle: Handle): Promise<void> {
    expectOk(await this.#ask(REQUEST.extended, text('fsync@openssh.com'), text(handle)));
  }

  /** Only where the server has the extension `statvfs@openssh.com`. */
  async space(path: string): Promise<Space> {
    const reply = await this.#ask(REQUEST.extended, text('statvfs@openssh.com'), text(path));
    const { body } = expectType(reply, REPLY.extended);
    const fields = Array.from({ length: 11 }, () => body.uint64());
    const [, unit = 0, , , freeBlocks = 0, , , freeFiles = 0, , flags = 0] = fields;
    return { freeBytes: unit * freeBlocks, freeFiles, isReadOnly: flags % 2 === READ_ONLY_FLAG };
  }

  /** Ends the conversation and lets go of its process; requests that wait fail. */
  end(): void {
    this.#conversation.end();
  }

  async #learnLimits(): Promise<void> {
    const { body } = expectType(await this.#ask(REQUEST.extended, text('limits@openssh.com')), REPLY.extended);
    body.uint64(); // of a whole packet
    this.readPortion = portion(body.uint64());
    this.writePortion = portion(body.uint64());
  }

  #ask(type: number, ...fields: readonly Uint8Array[]): Promise<Reply> {
    return this.#conversation.ask(type, fields);
  }
}

/** 0 is "no limit". */
function portion(told: number): number {
  return told === 0 ? PORTION : Math.min(told, LARGEST_PORTION);
}

function expectType(reply: Reply, type: number): Reply {
  if (reply.type === type) return reply;
  const { status, words } = statusOf(reply);
  throw sftpRefusal(status, words);
}

function expectOk(reply: Reply): void {
  const { status, words } = statusOf(reply);
  if (status !== STATUS.ok) throw sftpRefusal(status, words);
}

function expectEnd(reply: Reply): undefined {
  const { status, words } = statusOf(reply);
  if (status !== STATUS.endOfFile) throw sftpRefusal(status, words);
}

function handleOf(reply: Reply): Handle {
  return Buffer.from(expectType(reply, REPLY.handle).body.bytes());
}

function attributesOf(reply: Reply): Attributes {
  return expectType(reply, REPLY.attrs).body.attributes();
}

function statusOf({ type, body }: Reply): { readonly status: number; readonly words: string } {
  if (type !== REPLY.status) return { status: STATUS.failure, words: `an answer of type ${type}` };
  return { status: body.uint32(), words: body.isAtEnd ? '' : body.text() };
}
