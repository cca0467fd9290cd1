/** Content whose size has to be known first waits in a file, in the clear. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { spoolContent } from '../../../shared/pipeline/export/spooled-content.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

async function* twoParts(end?: Error): AsyncGenerator<Buffer> {
  yield Buffer.from('one ');
  if (end !== undefined) throw end;
  yield Buffer.from('two');
}

test('is for the user alone, and is gone when it was read', async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'stream');
  {
    await using spooled = await spoolContent(file, twoParts());
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect([spooled.size, String(await buffer(spooled.read()))]).toEqual([7, 'one two']);
  }
  expect(await readdir(folder.path)).toEqual([]);
});

test('that does not come whole leaves no file', async () => {
  await using folder = await temporaryFolder();
  const failure = new Error('cut');
  await expect(spoolContent(join(folder.path, 'stream'), twoParts(failure))).rejects.toBe(failure);
  expect(await readdir(folder.path)).toEqual([]);
});
