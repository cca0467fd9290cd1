/** What newer versions of restic or other programs add survives when we read a file and write it again. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeConfig, encodeConfig } from '../../../../shared/repository/format/config.ts';
import { decodeIndex } from '../../../../shared/repository/format/index-file.ts';
import { decodeKeyFile, encodeKeyFile } from '../../../../shared/repository/format/key-file.ts';
import { decodeSnapshot, encodeSnapshot } from '../../../../shared/repository/format/snapshot.ts';
import { decodeTree, encodeTree } from '../../../../shared/repository/format/tree.ts';

const ID = 'ab'.repeat(32);
const WHEN = '2026-11-23T04:45:49.731317775+01:00';
const COUNTS = 'files_new files_changed files_unmodified dirs_new dirs_changed dirs_unmodified data_blobs tree_blobs';
const BYTES = 'data_added data_added_packed total_files_processed total_bytes_processed';
const NODE = { name: 'x', type: 'file', mode: 420, mtime: WHEN, atime: WHEN, ctime: WHEN, uid: 0, gid: 0, content: [] };
const SUMMARY = {
  backup_start: WHEN,
  backup_end: WHEN,
  ...Object.fromEntries(`${COUNTS} ${BYTES}`.split(' ').map((key, index) => [key, index])),
};

type Fields = Readonly<Record<string, unknown>>;

interface Format {
  readonly name: string;
  readonly known: Fields;
  /** Where the unknown fields go. */
  readonly with: (known: Fields, unknown: Fields) => Fields;
  readonly rewrite: (json: Buffer) => Buffer;
}

const beside = (known: Fields, unknown: Fields): Fields => ({ ...known, ...unknown });

const FORMATS: readonly Format[] = [
  {
    name: 'the configuration',
    known: { version: 2, id: ID, chunker_polynomial: '25b468838dcb75' },
    with: beside,
    rewrite: (json) => encodeConfig(decodeConfig(json, 'it')),
  },
  {
    name: 'a key',
    known: {
      created: WHEN,
      username: 'a',
      hostname: 'b',
      kdf: 'scrypt',
      N: 16,
      r: 1,
      p: 1,
      salt: 'AA==',
      data: 'AA==',
    },
    with: beside,
    rewrite: (json) => encodeKeyFile(decodeKeyFile(json, 'it')),
  },
  {
    name: 'a restore point',
    known: { time: WHEN, tree: ID, paths: ['/a'], tags: ['b'], summary: SUMMARY },
    with: beside,
    rewrite: (json) => encodeSnapshot(decodeSnapshot(json, 'it')),
  },
  {
    name: "a restore point's summary",
    known: SUMMARY,
    with: (known, unknown) => ({ time: WHEN, tree: ID, paths: ['/a'], summary: { ...known, ...unknown } }),
    rewrite: (json) => encodeSnapshot(decodeSnapshot(json, 'it')),
  },
  {
    name: 'a node',
    known: NODE,
    with: (known, unknown) => ({ nodes: [{ ...known, ...unknown }] }),
    rewrite: (json) => encodeTree(decodeTree(json, 'it').nodes),
  },
  {
    name: "a node's generic attributes",
    known: {},
    with: (known, unknown) => ({ nodes: [{ ...NODE, generic_attributes: { ...known, ...unknown } }] }),
    rewrite: (json) => encodeTree(decodeTree(json, 'it').nodes),
  },
];

/** Names that mean something to us or to restic are not unknown. */
const RESERVED =
  /^(linktarget|linktarget_raw|extended_attributes|generic_attributes|device|device_id|subtree|error|user|group|inode|size|links|parent|hostname|username|uid|gid|excludes|original|program_version|summary|tags)$/;

describe.each(FORMATS)('$name', ({ known, with: join, rewrite }) => {
  it('keeps fields that we do not know, with every value', () => {
    const name = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toString', 'später', '<&>'));
    const unknown = fc.dictionary(
      name.filter((key) => !(key in known) && !RESERVED.test(key)),
      fc.jsonValue(),
      { noNullPrototype: false },
    );
    fc.assert(
      fc.property(unknown, (fields) => {
        const text = JSON.stringify(join(known, fields));
        const again = rewrite(Buffer.from(text));
        expect(JSON.parse(again.toString())).toEqual(JSON.parse(text));
        // Written once more, it is the same to the letter: ids are hashes of it.
        expect(rewrite(again).equals(again)).toBe(true);
      }),
    );
  });

  it('keeps whole numbers that no double can hold', () => {
    const text = JSON.stringify(join(known, { later: ['BIG'] })).replace('"BIG"', '18446744073709551615');
    expect(rewrite(Buffer.from(text)).toString()).toContain('"later":[18446744073709551615]');
  });
});

it('an index is read whatever it holds beside what we know; a new index is made of the blobs alone', () => {
  const blob = { id: ID, type: 'data', offset: 0, length: 40, later: 1 };
  const text = JSON.stringify({ later: {}, packs: [{ id: ID, blobs: [blob], time: WHEN }], packs_to_delete: [] });
  expect([...decodeIndex(Buffer.from(text), 'it')]).toEqual([
    { id: ID, blobs: [{ id: ID, type: 'data', offset: 0, length: 40, uncompressedLength: 0 }] },
  ]);
});
