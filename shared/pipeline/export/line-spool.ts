/** Lines of JSON on their way: written without waiting, read when all are there. A file of this machine. */
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs';
import { rm } from 'node:fs/promises';

const GATHER_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

export class LineSpool implements AsyncDisposable {
  readonly #path: string;
  readonly #file: number;
  #gathered: string[] = [];
  #size = 0;
  #isOpen = true;
  count = 0;

  constructor(path: string) {
    this.#path = path;
    this.#file = openSync(path, 'wx', 0o600);
  }

  /** Waits for nothing but the disk of this machine. @param line text without a newline */
  add(line: string): void {
    this.#gathered.push(line, '\n');
    this.#size += line.length;
    this.count += 1;
    if (this.#size >= GATHER_BYTES) this.#write();
  }

  async *read(): AsyncGenerator<string, void, void> {
    this.#write();
    yield* linesIn(createReadStream(this.#path, { highWaterMark: 256 * 1024 }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isOpen) closeSync(this.#file);
    this.#isOpen = false;
    await rm(this.#path, { force: true });
  }

  #write(): void {
    for (let rest = Buffer.from(this.#gathered.join('')); rest.length > 0; ) {
      rest = rest.subarray(writeSync(this.#file, rest));
    }
    this.#gathered = [];
    this.#size = 0;
  }
}

/** Each ends with a newline; nothing else ends one. */
async function* linesIn(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const data = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = data.indexOf(NEWLINE); end >= 0; end = data.indexOf(NEWLINE, start)) {
      yield data.toString('utf8', start, end);
      start = end + 1;
    }
    rest = data.subarray(start);
  }
}
