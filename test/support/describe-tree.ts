/**
 * What a tree is, byte by byte, so that two of them can be compared: type, mode, owner, size, time in ns, content,
 * link target, device, hard links and all extended attributes of every entry, by the tools of the system and not by
 * our own code. Needs root for trusted attributes, and Debian's `attr`.
 */
import { lstatSync } from 'node:fs';
import { execa } from 'execa';
import { displayName } from '../../shared/base/bytes.ts';

export interface DescribeOptions {
  /** Says of files of 1 MiB or more whether less than half of them takes room; default false. */
  readonly withHoles?: boolean;
  /** Files are not read. */
  readonly withoutContent?: boolean;
}

/** Path below the folder as Latin-1 text (one character a byte; "." is the folder itself) → facts by name. */
export type TreeDescription = ReadonlyMap<string, Readonly<Record<string, string>>>;

/**
 * A line `HASH  PATH` for each file; what is large is mostly holes, in which there is nothing to read. The system's own Python
 * comes first: a wrapper of a user may not work in a folder of another mount namespace.
 */
const HASH = `PATH=/usr/bin:$PATH
find . -type f -size -65536k -print0 | xargs -0 -r -n 500 b2sum -l 256 -z --
find . -type f -size +65535k -print0 | xargs -0 -r python3 -c "$1"`;

/** Of all that is not zero, with its place, so that holes and stored zeros are the same content. */
const HASH_LARGE = String.raw`import errno, hashlib, os, sys
STEP = 1 << 20
for name in map(os.fsencode, sys.argv[1:]):
    with open(name, 'rb', 0) as file:
        size, at = os.fstat(file.fileno()).st_size, 0
        digest = hashlib.blake2b(b'%d' % size, digest_size=32)
        while at < size:
            try:
                at = os.lseek(file.fileno(), at, os.SEEK_DATA) // STEP * STEP
            except OSError as error:
                if error.errno != errno.ENXIO: raise
                break
            data = os.pread(file.fileno(), STEP, at)
            if data != bytes(len(data)): digest.update(b' %d ' % at + data)
            at += STEP
    sys.stdout.buffer.write(digest.hexdigest().encode() + b'  ' + name + b'\0')
`;

export async function describeTree(dir: string, options: DescribeOptions = {}): Promise<TreeDescription> {
  const [listing, hashes, attributes] = await Promise.all([
    output(dir, 'find', ['.', '-printf', '%y\\t%m\\t%U:%G\\t%s\\t%T@\\t%D:%i\\t%n\\t%b\\0%p\\0%l\\0']),
    options.withoutContent === true ? '' : output(dir, 'sh', ['-c', HASH, 'sh', HASH_LARGE]),
    output(dir, 'getfattr', ['-R', '-P', '-h', '-d', '-m', '-', '-e', 'hex', '--absolute-names', '.']),
  ]);
  const contents = new Map(splitNul(hashes).map((line) => [withoutDot(line.slice(66)), line.slice(0, 64)]));
  const xattrs = parseAttributes(attributes);
  const facts = new Map<string, Record<string, string>>();
  const linked = new Map<string, string[]>();
  const fields = splitNul(listing);
  for (let at = 0; at + 2 < fields.length + 1; at += 3) {
    const [stat = '', name = '', target = ''] = fields.slice(at, at + 3);
    const [type = '', mode = '', owner = '', size = '', time = '', inode = '', links = '', blocks = ''] =
      stat.split('\t');
    const path = withoutDot(name);
    const entry: Record<string, string> = { type, mode, owner, time };
    if (type === 'f') {
      entry['size'] = size;
      entry['content'] = contents.get(path) ?? 'not read';
      const isHoley = Number(blocks) * 512 < Number(size) / 2;
      if (options.withHoles === true && Number(size) >= 1024 ** 2) entry['holes'] = isHoley ? 'yes' : 'no';
    }
    if (type === 'l') entry['target'] = displayName(Buffer.from(target, 'latin1'));
    if (type === 'c' || type === 'b') entry['device'] = deviceOf(dir, name);
    if (type !== 'd' && links !== '1') linked.set(inode, [...(linked.get(inode) ?? []), path]);
    Object.assign(entry, xattrs.get(path));
    facts.set(path, entry);
  }
  for (const group of linked.values()) {
    const [first = ''] = group.sort();
    for (const path of group)
      Object.assign(facts.get(path) ?? {}, { linkedTo: `${group.length} names, ${hexOf(first)}` });
  }
  return facts;
}

/** One sentence for each difference; empty when the trees are the same. */
export function treeDifferences(expected: TreeDescription, actual: TreeDescription): string[] {
  const differences: string[] = [];
  for (const [path, facts] of expected) {
    const shown = displayName(Buffer.from(path, 'latin1'));
    const other = actual.get(path);
    if (other === undefined) {
      differences.push(`${shown}: missing`);
      continue;
    }
    for (const fact of new Set([...Object.keys(facts), ...Object.keys(other)])) {
      if (facts[fact] === other[fact]) continue;
      differences.push(`${shown}: ${fact} should be ${facts[fact] ?? 'absent'} and is ${other[fact] ?? 'absent'}`);
    }
  }
  for (const path of actual.keys()) {
    if (!expected.has(path)) differences.push(`${displayName(Buffer.from(path, 'latin1'))}: should not be there`);
  }
  return differences;
}

async function output(cwd: string, program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await execa(program, args, {
    cwd,
    encoding: 'buffer',
    env: { LC_ALL: 'C' },
    maxBuffer: 1024 ** 3,
    stripFinalNewline: false,
  });
  return Buffer.from(stdout).toString('latin1');
}

function splitNul(text: string): string[] {
  return text.split('\0').slice(0, -1);
}

function withoutDot(path: string): string {
  return path.startsWith('./') ? path.slice(2) : path;
}

/** Blocks of "# file: PATH" and "NAME=VALUE", in which getfattr writes some bytes as three octal digits. */
function parseAttributes(text: string): Map<string, Record<string, string>> {
  const found = new Map<string, Record<string, string>>();
  let current: Record<string, string> = {};
  for (const line of text.split('\n')) {
    if (line.startsWith('# file: ')) {
      current = {};
      found.set(withoutDot(unescapeOctal(line.slice('# file: '.length))), current);
    } else if (line !== '') {
      const equals = line.indexOf('=');
      const name = equals < 0 ? line : line.slice(0, equals);
      // XFS shows its ACLs a second time in its own form.
      if (name.startsWith('trusted.SGI_ACL_')) continue;
      current[unescapeOctal(name)] = equals < 0 ? '' : line.slice(equals + 1);
    }
  }
  return found;
}

function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

function deviceOf(dir: string, name: string): string {
  const { rdev } = lstatSync(Buffer.concat([Buffer.from(`${dir}/`), Buffer.from(name, 'latin1')]));
  return String(rdev);
}

function hexOf(path: string): string {
  return Buffer.from(path, 'latin1').toString('hex');
}
