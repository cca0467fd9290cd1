/**
 * `events.ndjson`: what a run reported, one line an event. Only the runner writes, only at the end; any number of processes
 * read at the same time. A line counts from its newline on: what a crash or a full disk left without one was never said.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { systemErrorCode } from '../base/errors.ts';
import type { RunEvent, RunEventBody } from '../domain/events.ts';
import { storeError } from './files.ts';
import { parseEvent } from './records.ts';

/**
 * Writing is synchronous: the pipeline's `emit` returns nothing to wait for, the order is that of the calls, and what
 * was reported is out of this process before the next step is taken.
 */
export class EventLogWriter implements Disposable {
  readonly #fd: number;
  readonly #now: () => Date;
  #lastSeq = 0;
  #torn = false;
  #closed = false;

  constructor(path: string, now: () => Date) {
    try {
      this.#fd = openSync(path, 'a', 0o600);
    } catch (error) {
      throw storeError(path, error);
    }
    this.#now = now;
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** False when the line could not be written; its number is then given to the next one. */
  append(body: RunEventBody): boolean {
    const event = { seq: this.#lastSeq + 1, at: this.#now().toISOString(), ...body };
    if (this.#closed) return false;
    // After half a line, a newline makes the half a line of its own, which readers pass over.
    const line = Buffer.from(`${this.#torn ? '\n' : ''}${JSON.stringify(event)}\n`);
    try {
      const written = writeSync(this.#fd, line);
      this.#torn = written < line.length;
    } catch {
      return false;
    }
    if (this.#torn) return false;
    this.#lastSeq += 1;
    return true;
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    // From here on the number of the descriptor may be another file's.
    this.#closed = true;
    closeSync(this.#fd);
  }
}

const CHUNK_BYTES = 64 * 1024;

/** Reads on from where it stopped. The file need not be there yet. */
export class EventLogReader implements AsyncDisposable {
  readonly #path: string;
  #file: FileHandle | undefined;
  #offset = 0;
  #rest: Buffer = Buffer.alloc(0);
  #lastSeq: number;

  constructor(path: string, afterSeq = 0) {
    this.#path = path;
    this.#lastSeq = afterSeq;
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** The events that were completed since the last call, each once and in order; ends at what is there now. */
  async *read(): AsyncGenerator<RunEvent> {
    this.#file ??= await openIfThere(this.#path);
    if (this.#file === undefined) return;
    const chunk = Buffer.alloc(CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await this.#file.read(chunk, 0, chunk.length, this.#offset);
      if (bytesRead === 0) return;
      this.#offset += bytesRead;
      this.#rest = Buffer.concat([this.#rest, chunk.subarray(0, bytesRead)]);
      for (;;) {
        const end = this.#rest.indexOf(0x0a);
        if (end < 0) break;
        const event = parseEvent(this.#rest.toString('utf8', 0, end));
        this.#rest = this.#rest.subarray(end + 1);
        if (event === undefined || event.seq <= this.#lastSeq) continue;
        this.#lastSeq = event.seq;
        yield event;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.close();
  }
}

/** The last events of a log, for a glance at a running job: from at most the last 64 KiB. */
export async function readTail(path: string): Promise<RunEvent[]> {
  await using file = await openIfThere(path);
  if (file === undefined) return [];
  const { size } = await file.stat();
  const start = Math.max(0, size - CHUNK_BYTES);
  const buffer = Buffer.alloc(size - start);
  const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
  const lines = buffer.toString('utf8', 0, bytesRead).split('\n');
  // What follows the last newline is not complete, and neither is the first line when the window cuts into it.
  return lines.slice(start > 0 ? 1 : 0, -1).flatMap((line) => parseEvent(line) ?? []);
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw storeError(path, error);
  }
}
