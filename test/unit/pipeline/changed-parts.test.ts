/**
 * Of a large file that changed, only what changed is sent, and what is stored is what a reading of all of it stores: the same
 * pieces, however it changed. What leaves this in doubt has all of it read.
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LIVE } from '../../../shared/pipeline/backup/reading-place.ts';
import { FILE_PARTS, fileParts } from '../../../shared/pipeline/changed/host-commands.ts';
import type { StreamCommand } from '../../../shared/remote/command.ts';
import { blobIdOf } from '../../../shared/repository/ids.ts';
import { type ChangingFile, changingFile, nodeOf, noise } from '../../support/pipeline/changing-file.ts';
import { type Chance, chanceFrom } from '../../support/seeded.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

let file: ChangingFile;
beforeAll(async () => {
  file = await changingFile();
});
afterAll(() => file[Symbol.asyncDispose]());

const CHANGES: Readonly<Record<string, (was: Buffer, chance: Chance) => Buffer>> = {
  nothing: (was) => was,
  append: (was, chance) => Buffer.concat([was, noise(1 + chance.below(3 * MIB), chance.below(200))]),
  truncate: (was, chance) => was.subarray(0, was.length - 1 - chance.below(was.length / 3)),
  pages: (was, chance) => {
    const is = Buffer.from(was);
    for (let n = 1 + chance.below(5); n > 0; n -= 1)
      chance.bytes(16 * KIB).copy(is, chance.below(Math.floor(is.length / (16 * KIB))) * 16 * KIB);
    return is;
  },
  bytes: (was, chance) => {
    const is = Buffer.from(was);
    for (let n = 1 + chance.below(3); n > 0; n -= 1) is[chance.below(is.length)] = chance.below(256);
    return is;
  },
  insert: (was, chance) => {
    const at = chance.below(was.length);
    return Buffer.concat([was.subarray(0, at), chance.bytes(4 + chance.below(100_000)), was.subarray(at)]);
  },
  hole: (was, chance) => {
    const at = chance.below(was.length);
    return Buffer.from(was).fill(0, at, Math.min(was.length, at + chance.below(4 * MIB)));
  },
  move: (was, chance) => {
    const [at, to] = [chance.below(was.length), chance.below(was.length)];
    const is = Buffer.from(was);
    is.copy(is, to, at, Math.min(was.length, at + 2 * MIB));
    return is;
  },
  'hole at the end': (was, chance) => Buffer.concat([was, Buffer.alloc(chance.below(5 * MIB))]),
  another: (was, chance) => noise(Math.max(5 * MIB, was.length), chance.below(200)),
};

test('fifty rounds of changes, each compared with a reading of all of it', { timeout: 300_000 }, async () => {
  const chance = chanceFrom(38);
  let content = noise(18 * MIB + 12_345, 1);
  await file.write(content);
  let known = await file.store(content);
  let [equal, read] = [0, 0];
  for (let round = 0; round < 50; round += 1) {
    const kinds = Array.from({ length: 1 + chance.below(2) }, () => chance.pick(Object.keys(CHANGES)));
    for (const kind of kinds) content = CHANGES[kind]?.(content, chance) as Buffer;
    if (content.length > 32 * MIB) content = content.subarray(0, 20 * MIB + 1);
    if (content.length < 4 * MIB) content = Buffer.concat([content, noise(10 * MIB, round)]);
    await file.write(content);
    const taken = await file.take(known, content.length);
    expect(taken.doubts, `round ${round}: ${kinds.join(', ')}`).toEqual([]);
    expect(taken.ids, `round ${round}: ${kinds.join(', ')}`).toEqual(file.piecesOf(content));
    expect(taken.done).toBe(content.length);
    known = nodeOf(content.length, taken.ids ?? []);
    equal += taken.bytesEqual;
    read += taken.bytesRead;
  }
  expect(equal).toBeGreaterThan(read / 2);
});

describe('a doubt', () => {
  const content = noise(9 * MIB + 77, 5);
  const changed = Buffer.from(content).fill(1, 3 * MIB, 3 * MIB + 100);
  const saying = (script: string): StreamCommand => ({
    name: 'odd-parts',
    script,
    args: [],
    needs: 'either',
    accepts: [0, 69],
  });
  const order = (parts: StreamCommand, only?: 'hashes' | 'bytes') => ({
    head: file.order.head,
    parts: (name: Buffer, as: 'hashes' | 'bytes') =>
      only === undefined || as === only ? parts : file.order.parts(name, as),
  });

  test.each([
    ['no program that computes hashes', 'exit 69', undefined, 'no Python, Perl or sha256sum'],
    [
      'words in their place',
      'while read -r line; do printf "%064d " 0; echo no hash here; done',
      'hashes',
      'something else than a hash',
    ],
    [
      'capital letters',
      'while read -r line; do printf "%064d\n" 0 | tr 0 A; done',
      'hashes',
      'something else than a hash',
    ],
    ['too few', 'read -r line; printf "%064d\n" 0', 'hashes', 'less than it was asked for'],
    [
      'too many',
      'while read -r line; do printf "%064d\n" 0; done; printf "%064d\n" 0',
      'hashes',
      'more than it was asked for',
    ],
    ['a failure', 'exit 1', 'hashes', 'file-parts|odd-parts'],
    ['parts that are shorter than they were', 'read -r line; echo short', 'bytes', 'less than it was asked for'],
    [
      'parts that are longer',
      'head -c 20000000 /dev/zero; cat >/dev/null',
      'bytes',
      'another part than it was asked for',
    ],
  ] as const)('%s: all of it is read, and that is said', async (_, script, only, reason) => {
    await file.write(changed);
    const known = await file.store(content);
    const taken = await file.take(known, changed.length, { order: order(saying(script), only) });
    expect(taken.ids).toBeUndefined();
    expect(taken.doubts).toEqual([expect.stringMatching(reason)]);
  });

  test('a host that does not go on', async () => {
    await file.write(changed);
    const known = await file.store(content);
    const silent = saying('while read -r line; do printf short; done');
    const taken = await file.take(known, changed.length, { order: order(silent, 'bytes'), silenceMs: 2000 });
    expect(taken).toMatchObject({ ids: undefined, doubts: [expect.stringContaining('does not answer')] });
  });

  const through = (command: StreamCommand, filter: string): StreamCommand => ({
    ...command,
    script: `( ${command.script}\n) | ( ${filter} )`,
  });
  /** The first answers of the real program, and then something else, or nothing more. */
  const first = (count: number, spoil: string): string =>
    `n=0; while [ $n -lt ${count} ] && read -r line; do printf "%s\\n" "$line"; n=$((n + 1)); done; ${spoil}`;

  test.each([
    ['hashes', 'is killed', 'kill -9 $$'],
    ['hashes', 'says half of it', 'echo 0123456789abcdef; exec cat'],
    ['hashes', 'says it in other letters', 'while read -r line; do printf "%s\\n" "$line" | tr 0-9 G-P; done'],
    ['hashes', 'says the next one', 'read -r line; exec cat'],
    ['bytes', 'is killed', 'kill -9 $$'],
    ['bytes', 'leaves one out', 'read -r line; exec cat'],
  ] as const)('the program for %s %s, at each answer', { timeout: 120_000 }, async (kind, _, spoil) => {
    // So that each answer is a line.
    const was = Buffer.from(noise(9 * MIB + 77, 6).map((byte) => byte & 0xf0));
    const is = Buffer.from(was)
      .fill(1, MIB, MIB + 100)
      .fill(2, 6 * MIB, 6 * MIB + 9);
    await file.write(is);
    const known = await file.store(was);
    const filtered = (filter: string) => ({
      head: file.order.head,
      parts: (name: Buffer, as: 'hashes' | 'bytes') =>
        as === kind ? through(file.order.parts(name, as), filter) : file.order.parts(name, as),
    });
    const seen = join(file.folder, 'answers');
    const whole = await file.take(known, is.length, { order: filtered(`tee -a '${seen}'`) });
    expect(whole).toMatchObject({ doubts: [], ids: file.piecesOf(is) });
    const answers = (await readFile(seen, 'latin1')).split('\n').length - 1;
    await rm(seen);
    expect(answers).toBeGreaterThan(1);
    for (let after = 0; after < answers; after += 1) {
      const ports = { order: filtered(first(after, spoil)), silenceMs: 1000 };
      const taken = await file.take(known, is.length, ports);
      expect(taken, `after ${after} of ${answers}`).toMatchObject({ ids: undefined });
      expect(taken.doubts).toHaveLength(1);
    }
  });

  test('another file than was listed, or one that shrank meanwhile', async () => {
    await file.write(changed.subarray(0, 5 * MIB));
    const known = await file.store(content);
    const other = await file.take(known, changed.length);
    expect(other).toMatchObject({ ids: undefined, doubts: [expect.stringContaining('not the file that was listed')] });
    // Its head was that of the file as it was listed.
    await file.write(changed);
    const { stdout } = await execa(
      '/bin/sh',
      ['-c', 'tar -cf - -C "$0" --format=posix ./file | head -c 4096', file.folder],
      { encoding: 'buffer' },
    );
    await file.write(changed.subarray(0, 5 * MIB));
    const head: StreamCommand = {
      ...saying('printf %s "$1" | base64 -d'),
      args: [Buffer.from(stdout).toString('base64')],
    };
    const shrunk = await file.take(known, changed.length, { order: { ...file.order, head: () => head } });
    expect(shrunk.ids).toBeUndefined();
    expect(shrunk.doubts).toHaveLength(1);
  });

  test('pieces that the repository has lost, or that do not make the file', async () => {
    await file.write(changed);
    const known = await file.store(content);
    const ids = known.content ?? [];
    for (const node of [
      nodeOf(content.length, [...ids.slice(1), blobIdOf(Buffer.from('lost'))]),
      nodeOf(content.length, ids.slice(1)),
      nodeOf(content.length + 1, ids),
    ]) {
      const taken = await file.take(node, changed.length);
      expect(taken.ids).toBeUndefined();
      expect(taken.doubts).toEqual([expect.stringContaining('pieces in the parent')]);
    }
  });

  test('pieces that another cutter made', async () => {
    await file.write(changed);
    const ids = [];
    for (let at = 0; at < content.length; at += MIB) {
      const { saved } = await file.writer.put(
        'data',
        Buffer.from(content.subarray(at, at + MIB)),
        AbortSignal.timeout(60_000),
      );
      ids.push((await saved).id);
    }
    await file.writer.flush(AbortSignal.timeout(60_000));
    const taken = await file.take(nodeOf(content.length, ids), changed.length);
    expect(taken).toMatchObject({ ids: undefined, doubts: [expect.stringContaining('pieces in the parent')] });
  });

  test('the wrong parent costs a reading, and gives the same pieces', async () => {
    await file.write(changed);
    const known = await file.store(noise(12 * MIB, 77));
    const taken = await file.take(known, changed.length);
    expect(taken).toMatchObject({ doubts: [], bytesEqual: 0, ids: file.piecesOf(changed) });
  });
});

describe('the programs of a host', () => {
  const { script, args } = fileParts(LIVE, Buffer.from('/'), Buffer.from('./file'), 'bytes');

  test.each(
    ['dash', 'busybox sh'].flatMap((shell) =>
      ['python3', 'perl', 'sha256sum', 'busybox'].map((program) => ({ shell, program })),
    ),
  )('$program under $shell gives parts and their hashes', async ({ shell, program }) => {
    expect(script).toBe(FILE_PARTS);
    const content = noise(700_003, 9);
    await file.write(content);
    const bin = `${file.folder}/bin-${shell.slice(0, 4)}-${program}`;
    const links = [
      'dash',
      'busybox',
      ...(program === 'busybox' ? [] : ['dd', 'stat', 'sha256sum']),
      ...(program === 'sha256sum' || program === 'busybox' ? [] : [program]),
    ];
    await execa('/bin/sh', [
      '-c',
      'mkdir "$0" && for p in "$@"; do ln -s "$(PATH=/usr/bin:/bin command -v "$p")" "$0/$p"; done',
      bin,
      ...links,
    ]);
    if (program === 'busybox')
      await execa('/bin/sh', ['-c', 'for p in dd stat sha256sum; do ln -s busybox "$0/$p"; done', bin]);
    const run = async (as: string, input: string) => {
      const [file0 = '', ...first] = shell.split(' ');
      const given = [file.folder, './file', as, ...args.slice(3).map(String)];
      return await execa(`${bin}/${file0}`, [...first, '-c', FILE_PARTS, 'sh', ...given], {
        ...{
          input,
          encoding: 'buffer',
          stripFinalNewline: false,
          reject: false,
          extendEnv: false,
          env: { PATH: bin, LC_ALL: 'C' },
        },
      });
    };
    const parts = [
      [0, 1],
      [5, 65_536],
      [100_000, 600_003],
      [700_002, 1],
    ] as const;
    const input = parts.map(([offset, length]) => `${offset} ${length}\n`).join('');
    const of = ([offset, length]: (typeof parts)[number]): Buffer => content.subarray(offset, offset + length);
    const hashes = await run('hashes', input);
    expect(Buffer.from(hashes.stdout).toString()).toMatch(parts.map((part) => blobIdOf(of(part))).join('\n'));
    const bytes = await run('bytes', input);
    const given = parts.flatMap((part) => [of(part), Buffer.from('\n')]);
    expect(Buffer.from(bytes.stdout).equals(Buffer.concat(given))).toBe(true);
    expect([hashes.exitCode, bytes.exitCode]).toEqual([0, 0]);
    // A part that is not all there is not made up for.
    expect((await run('bytes', '700000 4\n')).exitCode).not.toBe(0);
  });

  test('a host without any of them says so', async () => {
    const { exitCode } = await execa('/bin/sh', ['-c', FILE_PARTS, 'sh', file.folder, './file', 'hashes', '', ''], {
      reject: false,
      extendEnv: false,
      env: { PATH: '/nonexistent' },
    });
    expect(exitCode).toBe(69);
  });
});
