/**
 * Records of pax extended headers: "LENGTH KEYWORD=VALUE\n", where LENGTH counts the whole record. The length is what
 * ends a value, so values may hold NULs and newlines.
 */
import { malformed } from './errors.ts';
import { parseDecimal } from './numbers.ts';

const SPACE = 0x20;
const EQUALS = 0x3d;
const NEWLINE = 0x0a;
/** A length has at most this many digits: 16 MiB has eight. */
const MAX_LENGTH_DIGITS = 10;

/** The keyword is read as Latin-1, byte for byte. */
export interface PaxRecord {
  readonly keyword: string;
  readonly value: Buffer;
}

/** `position` is where `data` begins. Values are slices of `data`. */
export function parsePaxRecords(data: Buffer, position: number): PaxRecord[] {
  const records: PaxRecord[] = [];
  let at = 0;
  while (at < data.length) {
    const space = data.indexOf(SPACE, at);
    const length = space < 0 || space - at > MAX_LENGTH_DIGITS ? Number.NaN : parseDecimal(data, at, space);
    const end = at + length;
    if (!(end <= data.length) || end <= space + 2 || data[end - 1] !== NEWLINE) {
      throw malformed(position + at, 'the length of an extended header record is wrong');
    }
    const equals = data.indexOf(EQUALS, space + 1);
    if (equals < 0 || equals >= end || equals === space + 1) {
      throw malformed(position + at, 'an extended header record has no keyword');
    }
    records.push({ keyword: data.toString('latin1', space + 1, equals), value: data.subarray(equals + 1, end - 1) });
    at = end;
  }
  return records;
}

export function formatPaxRecord(keyword: Buffer | string, value: Buffer | string): Buffer {
  const rest = keyword.length + value.length + 3;
  // The length counts its own digits; one more digit can be needed because of itself.
  let length = rest + String(rest).length;
  if (String(length).length > String(rest).length) length = rest + String(length).length;
  // One character a byte.
  return Buffer.from(`${length} ${keyword.toString('latin1')}=${value.toString('latin1')}\n`, 'latin1');
}

/** GNU tar codes "=" and "%" in names of extended attributes, since "=" ends a keyword. */
export function decodeXattrName(keywordRest: string): Buffer {
  return Buffer.from(keywordRest.replaceAll('%3D', '=').replaceAll('%25', '%'), 'latin1');
}

export function encodeXattrName(name: Buffer): string {
  return name.toString('latin1').replaceAll('%', '%25').replaceAll('=', '%3D');
}
