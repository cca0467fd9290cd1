/** A small text file of the user's; what is none must neither hang the program nor fill its memory. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** A larger file is not one that a person wrote. */
export const MAX_BYTES = 1024 * 1024;

/** As much of it as shows that it is too large, where it is. */
export async function readRegularFile(path: string): Promise<Buffer> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const found = await file.stat();
  if (!found.isFile()) throw new NotAFile(found.isDirectory() ? 'a folder' : 'a pipe or a device, and no file');
  const buffer = Buffer.alloc(MAX_BYTES + 1);
  let length = 0;
  for (let read = -1; read !== 0 && length < buffer.length; length += read)
    read = (await file.read(buffer, length)).bytesRead;
  return buffer.subarray(0, length);
}

export class NotAFile extends Error {}
