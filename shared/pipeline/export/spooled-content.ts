/** Content of unknown length, kept in a file of this machine until its length is known. */
import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';

interface SpooledContent extends AsyncDisposable {
  readonly size: number;
  read(): AsyncIterable<Buffer>;
}

export async function spoolContent(file: string, content: AsyncIterable<Buffer>): Promise<SpooledContent> {
  await using dropping = new AsyncDisposableStack();
  dropping.defer(() => rm(file, { force: true }));
  let size = 0;
  {
    await using out = await open(file, 'wx', 0o600);
    for await (const chunk of content) {
      await out.writeFile(chunk);
      size += chunk.length;
    }
  }
  const kept = dropping.move();
  return { size, read: () => createReadStream(file), [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
