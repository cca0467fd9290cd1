/** Reads an archive back and compares each entry, content and all, with the line that was noted when it was written. */
import { createHash } from 'node:crypto';
import { isStillpointError } from '../../base/errors.ts';
import type { TarEntry } from '../../tar/entry.ts';
import { readTar } from '../../tar/reader.ts';
import { hashContent } from './content-hash.ts';
import { parseLine } from './entry-sink.ts';
import { type FrameEnds, readFrames, unproved } from './framed-file.ts';
import type { LineSpool } from './line-spool.ts';
import { manifestLine } from './manifest-line.ts';

export interface ProvedArchive {
  readonly files: number;
  /** Sizes of the files, holes included. */
  readonly bytes: number;
  readonly entries: number;
  /** Of the file as it lies there. */
  readonly sha256: string;
  readonly fileBytes: number;
}

export async function proveArchive(
  path: string,
  ends: FrameEnds,
  lines: LineSpool,
  onEntry: (bytes: number) => void,
  signal: AbortSignal,
): Promise<ProvedArchive> {
  const whole = createHash('sha256');
  const noted = lines.read();
  let [files, bytes, entries] = [0, 0, 0];
  try {
    for await (const entry of readTar(readFrames(path, ends, (read) => whole.update(read)))) {
      signal.throwIfAborted();
      const { value, done } = await noted.next();
      if (done === true) throw unproved(path, 'it has more entries than were written');
      if ((await lineOf(entry)) !== parseLine(value).text) throw unproved(path, `an entry differs from ${value}`);
      entries += 1;
      if (entry.type !== 'file') continue;
      files += 1;
      bytes += entry.size;
      onEntry(bytes);
    }
    if ((await noted.next()).done !== true) throw unproved(path, 'it has fewer entries than were written');
  } catch (error) {
    if (isStillpointError(error) && error.code.startsWith('read.')) throw unproved(path, error.message, error);
    throw error;
  } finally {
    await noted.return();
  }
  return { files, bytes, entries, sha256: whole.digest('hex'), fileBytes: ends.at(-1) ?? 0 };
}

async function lineOf(entry: TarEntry): Promise<string> {
  return manifestLine(entry, entry.type === 'file' ? await hashContent(entry, () => undefined) : undefined);
}
