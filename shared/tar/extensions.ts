/** What extension headers say about the entry that follows them: pax records and GNU's long names. */
import type { TarTime, TarXattr } from './entry.ts';
import { malformed } from './errors.ts';
import { parseDecimal } from './numbers.ts';
import { decodeXattrName, type PaxRecord } from './pax.ts';
import { SparseMapBuilder } from './sparse.ts';
import { parsePaxTime } from './time.ts';

const XATTR_PREFIX = 'SCHILY.xattr.';
const COMMA = 0x2c;

/** Fields are undefined until a record sets them; a later record wins. */
export class Extensions {
  path: Buffer | undefined;
  linkPath: Buffer | undefined;
  size: number | undefined;
  uid: number | undefined;
  gid: number | undefined;
  mtime: TarTime | undefined;
  atime: TarTime | undefined;
  ctime: TarTime | undefined;
  aclAccess: Buffer | undefined;
  aclDefault: Buffer | undefined;
  devMajor: number | undefined;
  devMinor: number | undefined;
  readonly xattrs: TarXattr[] = [];
  sparseName: Buffer | undefined;
  sparseRealSize: number | undefined;
  /** The map of notations 0.0 and 0.1; that of 1.0 comes before the content. */
  sparseParts: SparseMapBuilder | undefined;
  sparseMajor: number | undefined;
  sparseMinor: number | undefined;

  apply(records: readonly PaxRecord[], position: number): void {
    for (const { keyword, value } of records) this.#applyOne(keyword, value, position);
  }

  #applyOne(keyword: string, value: Buffer, position: number): void {
    if (keyword.startsWith(XATTR_PREFIX)) {
      const name = decodeXattrName(keyword.slice(XATTR_PREFIX.length));
      this.xattrs.push({ name, value: Buffer.from(value) });
      return;
    }
    const number = (): number => naturalNumber(keyword, value, position);
    switch (keyword) {
      case 'path':
        this.path = text(keyword, value, position);
        return;
      case 'linkpath':
        this.linkPath = text(keyword, value, position);
        return;
      case 'size':
        this.size = number();
        return;
      case 'uid':
        this.uid = number();
        return;
      case 'gid':
        this.gid = number();
        return;
      case 'mtime':
        this.mtime = time(keyword, value, position);
        return;
      case 'atime':
        this.atime = time(keyword, value, position);
        return;
      case 'ctime':
        this.ctime = time(keyword, value, position);
        return;
      case 'SCHILY.acl.access':
        this.aclAccess = Buffer.from(value);
        return;
      case 'SCHILY.acl.default':
        this.aclDefault = Buffer.from(value);
        return;
      case 'SCHILY.devmajor':
        this.devMajor = number();
        return;
      case 'SCHILY.devminor':
        this.devMinor = number();
        return;
      default:
        if (keyword.startsWith('GNU.sparse.')) this.#applySparse(keyword, value, position);
      // What remains (user names, comments, SELinux texts, other programs' own) says nothing that we keep.
    }
  }

  #applySparse(keyword: string, value: Buffer, position: number): void {
    const number = (): number => naturalNumber(keyword, value, position);
    switch (keyword) {
      case 'GNU.sparse.name':
        this.sparseName = text(keyword, value, position);
        return;
      case 'GNU.sparse.size':
      case 'GNU.sparse.realsize':
        this.sparseRealSize = number();
        return;
      case 'GNU.sparse.major':
        this.sparseMajor = number();
        return;
      case 'GNU.sparse.minor':
        this.sparseMinor = number();
        return;
      case 'GNU.sparse.numblocks':
        number();
        this.sparseParts = new SparseMapBuilder();
        return;
      case 'GNU.sparse.offset':
      case 'GNU.sparse.numbytes':
        this.sparseParts ??= new SparseMapBuilder();
        this.sparseParts.push(number(), position);
        return;
      case 'GNU.sparse.map':
        this.sparseParts = parseMapList(value, position);
        return;
      default:
        throw malformed(position, `it has the unknown sparse record ${JSON.stringify(keyword)}`);
    }
  }
}

function parseMapList(value: Buffer, position: number): SparseMapBuilder {
  const parts = new SparseMapBuilder();
  let at = 0;
  while (at < value.length) {
    const comma = value.indexOf(COMMA, at);
    const end = comma < 0 ? value.length : comma;
    parts.push(parseDecimal(value, at, end), position);
    at = end + 1;
  }
  return parts;
}

function naturalNumber(keyword: string, value: Buffer, position: number): number {
  const number = parseDecimal(value, 0, value.length);
  if (Number.isNaN(number)) throw malformed(position, `the record "${keyword}" holds no number`);
  return number;
}

function time(keyword: string, value: Buffer, position: number): TarTime {
  const parsed = parsePaxTime(value);
  if (parsed === undefined) throw malformed(position, `the record "${keyword}" holds no time`);
  return parsed;
}

/** A name as a record: a copy, and never with a NUL, which no file system can hold. */
function text(keyword: string, value: Buffer, position: number): Buffer {
  if (value.includes(0)) throw malformed(position, `the record "${keyword}" holds a NUL`);
  return Buffer.from(value);
}
