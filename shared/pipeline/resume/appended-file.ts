/**
 * A file of lines to which is added while a run goes on. Nobody waits for it, and a disk that is full ends the noting and not
 * the run: what is not noted is read again. A process that is killed leaves whole lines and at most one that is torn.
 */
import { open } from 'node:fs/promises';
import { systemErrorCode } from '../../base/errors.ts';

export class AppendedFile implements AsyncDisposable {
  readonly #path: string;
  #waiting: string[] = [];
  #writing: Promise<void> | undefined;
  #isBroken = false;

  constructor(path: string) {
    this.#path = path;
  }

  add(line: string): void {
    if (this.#isBroken) return;
    this.#waiting.push(line, '\n');
    this.#writing ??= this.#write();
  }

  /** What gathers while one write is on its way goes with the next. */
  async #write(): Promise<void> {
    try {
      await using file = await open(this.#path, 'a', 0o600);
      while (this.#waiting.length > 0) await file.appendFile(this.#waiting.splice(0).join(''));
    } catch {
      this.#isBroken = true;
      this.#waiting = [];
    }
    this.#writing = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
  }
}

/** As far as `parse` understands them; none where there is no such file. @param parse undefined for what is torn */
export async function* readLines<T>(path: string, parse: (line: string) => T | undefined): AsyncGenerator<T> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return;
    throw error;
  }
  await using _closed = file;
  for await (const line of file.readLines({ encoding: 'utf8', autoClose: false })) {
    const value = parse(line);
    if (value === undefined) return;
    yield value;
  }
}
