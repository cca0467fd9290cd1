import { existsSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { never } from '../../../shared/base/cancel.ts';
import { type ListedEntry, listAncestors, parseListing } from '../../../shared/pipeline/backup/listing.ts';
import { type ListingOrder, type Selection, spoolListing } from '../../../shared/pipeline/backup/spool.ts';
import type { StreamCommand } from '../../../shared/remote/command.ts';
import { createLocalTransport } from '../../../shared/remote/local.ts';
import { LISTED_TYPES, lineOf } from '../../support/pipeline/listing-lines.ts';
import { aHost, aStream } from '../../support/remote/commands.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const ns = fc.bigInt({ min: -3_000_000_000_000_000_000n, max: 9_000_000_000_000_000_000n });
const name = fc.uint8Array({ min: 1, max: 255, maxLength: 20 }).map((list) => Buffer.from(list));
const entry: fc.Arbitrary<ListedEntry> = fc.record({
  type: fc.constantFrom(...LISTED_TYPES),
  inode: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  links: fc.nat(65_000),
  mode: fc.nat(0o7777),
  uid: fc.integer({ min: 0, max: 4_294_967_295 }),
  gid: fc.integer({ min: 0, max: 4_294_967_295 }),
  size: fc.maxSafeNat(),
  mtimeNs: ns,
  ctimeNs: ns,
  path: name,
  linkTarget: name,
});

async function* pieces(bytes: Buffer, cuts: readonly number[]): AsyncGenerator<Buffer> {
  let from = 0;
  for (const cut of [...cuts.map((each) => each % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]) {
    yield bytes.subarray(from, cut);
    from = cut;
  }
}

describe('a listing', () => {
  test('is read back whatever the names are and wherever it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(entry, { maxLength: 6 }),
        fc.array(fc.nat(), { maxLength: 10 }),
        async (entries, cuts) => {
          const bytes = Buffer.concat(entries.map(lineOf));
          expect(await Array.fromAsync(parseListing(pieces(bytes, cuts)))).toEqual(entries);
        },
      ),
    );
  });

  test('that ends too early is not believed, unless it ends between two entries', async () => {
    await fc.assert(
      fc.asyncProperty(entry, entry, fc.nat(), async (first, second, cut) => {
        const [one, both] = [lineOf(first).length, Buffer.concat([lineOf(first), lineOf(second)])];
        const length = 1 + (cut % (both.length - 1));
        const parsed = Array.fromAsync(parseListing(pieces(both.subarray(0, length), [])));
        if (length === one) expect(await parsed).toEqual([first]);
        else await expect(parsed).rejects.toMatchObject({ code: 'read.malformed' });
      }),
    );
  });

  test.each([
    'f 1 1 644 0 0 0 1.0 1.0',
    'U 1 1 644 0 0 0 1.000000000 1.000000000',
    'hello',
    '',
    'f 1 1 899 0 0 0 1.000000000 1.000000000',
  ])('does not understand %j', async (facts) => {
    const bytes = Buffer.from(`${facts}\0name\0\0`);
    await expect(Array.fromAsync(parseListing(pieces(bytes, [])))).rejects.toMatchObject({ code: 'read.malformed' });
  });

  test('of the real find has hostile names and times before 1970', async () => {
    await using folder = await temporaryFolder();
    await using host = aHost(createLocalTransport());
    const names = ['new\nline', '-rf', ' ', '%s%p\\0', '\u001b[31m', '"', "'", '*'].map((text) => Buffer.from(text));
    names.push(Buffer.from([0xff, 0xfe]), Buffer.alloc(255, 0x6e));
    const paths = names.map((each) => Buffer.concat([Buffer.from(`${folder.path}/`), each]));
    for (const path of paths) await writeFile(path, 'x');
    await execa('touch', ['-d', '1969-12-31 23:59:58.25 UTC', join(folder.path, '-rf')]);
    await symlink('to\nnowhere', join(folder.path, 'link'));
    const all = [...paths, Buffer.from(`${folder.path}/link`), Buffer.from(folder.path)];
    await using stream = await host.stream({ ...listAncestors(all), needs: 'user' }, undefined, never);
    const entries = await Array.fromAsync(parseListing(stream.output));
    await stream.finished;
    expect(entries.map((each) => each.path)).toEqual(all);
    expect(entries[1]?.mtimeNs).toBe(-1_750_000_000n);
    expect(entries.at(-2)).toMatchObject({ type: 'symlink', linkTarget: Buffer.from('to\nnowhere') });
    expect(entries.at(-1)?.type).toBe('dir');
  });
});

const all = (command: StreamCommand): ListingOrder => ({ command, root: Buffer.from('/'), select: () => () => true });

describe('a spooled listing', () => {
  const FIND = `find "$1" -printf '%y %i %n %m %U %G %s %T@ %C@\\0%P\\0%l\\0'`;

  test('counts what is selected, can be read again and again, and goes away', async () => {
    await using folder = await temporaryFolder();
    await using host = aHost(createLocalTransport());
    const tree = join(folder.path, 'tree');
    await mkdir(join(tree, 'sub'), { recursive: true });
    await writeFile(join(tree, 'keep'), '12345');
    await writeFile(join(tree, 'sub', 'drop'), '1');
    const file = join(folder.path, 'spool');
    const command = aStream(FIND, { args: [tree] });
    const select = (): Selection => (each) => !each.path.toString().endsWith('drop');
    const spooled = await spoolListing(host, { command, root: Buffer.from(tree), select }, file, never);
    expect(spooled).toMatchObject({ entries: 3, files: 1, bytes: 5 });
    const once = await Array.fromAsync(spooled.read(never));
    expect(once).toHaveLength(3);
    expect(await Array.fromAsync(spooled.read(never))).toEqual(once);
    await spooled[Symbol.asyncDispose]();
    expect(existsSync(file)).toBe(false);
  });

  test.each([
    ['find fails', `${FIND}; exit 1`],
    ['the listing is cut', `printf 'f 1 1 644 0 0 0 1.0000000000'`],
    ['it is none', 'echo hello'],
  ])('is not there when %s', async (_what, script) => {
    await using folder = await temporaryFolder();
    await using host = aHost(createLocalTransport());
    const file = join(folder.path, 'spool');
    const command = aStream(script, { args: [folder.path] });
    await expect(spoolListing(host, all(command), file, never)).rejects.toMatchObject({
      code: expect.stringMatching(/^(remote|read)\./) as unknown,
    });
    expect(existsSync(file)).toBe(false);
  });

  test('never writes into a file that is there already', async () => {
    await using folder = await temporaryFolder();
    await using host = aHost(createLocalTransport());
    const file = join(folder.path, 'spool');
    await symlink(join(folder.path, 'victim'), file);
    await expect(spoolListing(host, all(aStream('exit 0')), file, never)).rejects.toThrow('EEXIST');
    expect(existsSync(join(folder.path, 'victim'))).toBe(false);
  });
});
