/** Standard output for bytes: what was written is out, or there is an error; nothing of it is lost without a word. */
import { fstatSync, write } from 'node:fs';
import { promisify } from 'node:util';
import { StillpointError } from '../shared/base/errors.ts';
import type { BytesOutput } from './surroundings.ts';

const writeSome = promisify(write);

export class StandardOutput implements BytesOutput {
  readonly #stream: NodeJS.WriteStream & { readonly fd: number };
  #isPipe: boolean | undefined;

  constructor(stream: NodeJS.WriteStream & { readonly fd: number }) {
    this.#stream = stream;
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY;
  }

  /** From the first bytes on errors belong to whoever writes them. */
  get isInUse(): boolean {
    return this.#isPipe !== undefined;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#isPipe ??= isPipe(this.#stream.fd);
    try {
      await (this.#isPipe ? this.#writeToPipe(bytes) : this.#writeToFile(bytes));
    } catch (error) {
      throw unwritable(error as NodeJS.ErrnoException);
    }
  }

  /** Node has made it non-blocking, so it is written to by Node alone. */
  async #writeToPipe(bytes: Uint8Array): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#stream.write(bytes, (error) => (error instanceof Error ? reject(error) : resolve()));
    await promise;
  }

  /** Node's own stream to a file takes a part that was written, as on a disk that is nearly full, for the whole. */
  async #writeToFile(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await writeSome(this.#stream.fd, bytes, at, bytes.length - at, null);
      at += bytesWritten;
    }
  }
}

function isPipe(fd: number): boolean {
  const facts = fstatSync(fd);
  return facts.isFIFO() || facts.isSocket();
}

export function unwritable(error: NodeJS.ErrnoException): StillpointError {
  if (error.code === 'EPIPE') {
    return new StillpointError('output.closed', 'Whoever read standard output stopped before its end.', {
      advice: 'What was written until then is not all of it.',
      cause: error,
    });
  }
  return new StillpointError(
    'output.failed',
    `Standard output could not be written (${error.code ?? error.message}).`,
    {
      advice: 'See where it leads and whether there is room. "stillpoint jobs" shows whether a job goes on.',
      cause: error,
    },
  );
}
