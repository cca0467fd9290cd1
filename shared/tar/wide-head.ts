/**
 * Heads for readers of every kind. Some know no extended headers (busybox): they would cut a long name, and take a
 * number that does not fit into its field for 0. So GNU's long names and its binary numbers stand there as well; who
 * reads the extended header, as GNU tar does, finds the same in it.
 */
import type { TarHead } from './entry.ts';
import { BLOCK_SIZE, checksumOf } from './header.ts';
import { fitsOctal, writeBase256, writeOctal } from './numbers.ts';
import { encodeTarHead, tarPadding } from './writer.ts';

/** What a field of a name holds. */
const NAME_BYTES = 100;
const LONG_NAME = Buffer.from('././@LongLink');
const NUL = Buffer.alloc(1);
const SLASH = Buffer.from('/');
const NO_BYTES = Buffer.alloc(0);

/** `head` is of a file that is stored whole: the map of a sparse one is GNU's alone. */
export function encodeWideHead(head: TarHead): Buffer {
  const blocks = encodeTarHead(head);
  const header = blocks.subarray(-BLOCK_SIZE);
  const name = head.type === 'dir' ? Buffer.concat([head.name, SLASH]) : head.name;
  putNumber(header, 108, 8, head.uid);
  putNumber(header, 116, 8, head.gid);
  putNumber(header, 124, 12, head.size);
  putNumber(header, 136, 12, head.mtime.seconds);
  putNumber(header, 329, 8, head.devMajor);
  putNumber(header, 337, 8, head.devMinor);
  writeOctal(header, 148, 6, checksumOf(header));
  return Buffer.concat([longName('K', head.linkName), longName('L', name), blocks]);
}

function putNumber(header: Buffer, start: number, length: number, value: number): void {
  if (!fitsOctal(value, length - 1)) writeBase256(header, start, length, value);
}

/** An entry of its own before the one that it is about; none where the field does. */
function longName(flag: 'K' | 'L', name: Buffer): Buffer {
  if (name.length <= NAME_BYTES) return NO_BYTES;
  const header = Buffer.alloc(BLOCK_SIZE);
  LONG_NAME.copy(header);
  for (const start of [100, 108, 116]) writeOctal(header, start, 7, 0);
  writeOctal(header, 124, 11, name.length + 1);
  writeOctal(header, 136, 11, 0);
  header.write(flag, 156, 'latin1');
  header.write('ustar  \0', 257, 'latin1');
  writeOctal(header, 148, 6, checksumOf(header));
  header[155] = 0x20;
  return Buffer.concat([header, name, NUL, tarPadding(name.length + 1)]);
}
