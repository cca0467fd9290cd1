/**
 * Kinds of damage: how each is planted, which look finds it, what that look has to say, and which restore points it
 * hits.
 */
import { hostname } from 'node:os';
import type { Finding } from '../../../shared/domain/finding.ts';
import { encodeLock } from '../../../shared/repository/format/lock-file.ts';
import { timestampFromDate } from '../../../shared/repository/timestamp.ts';
import { createTestRepository } from '../test-repository.ts';
import type { DamageLab, Look } from './damage-lab.ts';

interface Expected {
  readonly severity: Finding['severity'];
  readonly message: RegExp;
  readonly advice: RegExp;
  /** Exactly these, in any order. */
  readonly victims?: readonly string[];
}

export interface Plant {
  readonly name: string;
  /** The least look that finds it; a lesser one finds nothing. */
  readonly look: Look;
  /** Plants it, and says what has to be found. */
  readonly plant: (lab: DamageLab) => Promise<readonly Expected[]>;
  /** Whether `restic check --read-data` complains too; unasked where it tries again for a minute, or goes by chance. */
  readonly restic: 'complains' | 'silent' | 'unasked';
  /** What the repairs make of it: all victims are whole again, or what was hit is given up, or it is none of theirs. */
  readonly repair: 'comes back' | 'is given up' | 'stays';
}

const REPAIR_INDEX = /stillpoint repair index/;
const REPAIR_PACKS = /stillpoint repair packs/;
const REPAIR_POINTS = /stillpoint repair points/;

const short = (name: string): string => name.slice(0, 8);
const ahead = (): Date => new Date(Date.now() + 24 * 60 * 60_000);

function damage(message: RegExp, advice: RegExp, victims: readonly string[] = []): Expected {
  return { severity: 'damage', message, advice, victims };
}

function warning(message: RegExp, advice: RegExp, victims: readonly string[] = []): Expected {
  return { severity: 'warning', message, advice, victims };
}

function node(name: string, more: string): string {
  const when = '2024-01-01T00:00:00Z';
  return `{"name":"${name}","mode":420,"mtime":"${when}","atime":"${when}","ctime":"${when}","uid":0,"gid":0,${more}}`;
}

async function writeLock(
  lab: DamageLab,
  lock: { readonly time: Date; readonly pid: number; readonly host?: string },
): Promise<string> {
  const { files } = await lab.open();
  const { pid, host = hostname() } = lock;
  const owner = { hostname: host, username: 'ada', pid, uid: 0, gid: 0 };
  return files.save(
    'locks',
    encodeLock({ time: timestampFromDate(lock.time), exclusive: false, ...owner }),
    lab.signal,
  );
}

const packs: readonly Plant[] = [
  {
    name: 'a missing data pack',
    look: 'check',
    repair: 'is given up',
    restic: 'unasked',
    plant: async (lab) => {
      const pack = await lab.pack(0, '/shared/one.bin');
      await lab.remove(pack);
      return [damage(new RegExp(`pack ${short(pack.name)} is not there`), REPAIR_INDEX, lab.victimsOfSharedData)];
    },
  },
  {
    name: 'a missing pack of trees',
    look: 'check',
    repair: 'is given up',
    restic: 'unasked',
    plant: async (lab) => {
      const pack = await lab.pack(2, '/docs', 'tree');
      await lab.remove(pack);
      return [damage(new RegExp(`pack ${short(pack.name)} is not there`), REPAIR_INDEX, [lab.victim(2, '/')])];
    },
  },
  {
    name: 'a pack that was cut short behind its blobs',
    look: 'check',
    repair: 'is given up',
    restic: 'complains',
    plant: async (lab) => {
      const pack = await lab.pack(0, '/shared/one.bin');
      await lab.cut(pack, -3);
      return [damage(new RegExp(`pack ${short(pack.name)} has \\d+ bytes.*; all blobs .* are good`), REPAIR_PACKS)];
    },
  },
  {
    name: 'a pack that was cut short in its last blob',
    look: 'check',
    repair: 'is given up',
    restic: 'unasked',
    plant: async (lab) => {
      const place = await lab.place(0, '/only-a.txt');
      await lab.cut({ type: 'data', name: place.pack }, place.offset + place.length - 1);
      return [damage(/lies beyond the end of the file/, REPAIR_PACKS, [lab.victim(0, '/only-a.txt')])];
    },
  },
  {
    name: 'an empty pack',
    look: 'check',
    repair: 'is given up',
    restic: 'unasked',
    plant: async (lab) => {
      const pack = await lab.pack(1, '/docs/b.txt');
      await lab.cut(pack, 0);
      return [damage(new RegExp(`pack ${short(pack.name)} has 0 bytes`), REPAIR_PACKS, [lab.victim(1, '/docs/b.txt')])];
    },
  },
  {
    name: 'a pack that is too long',
    look: 'check',
    repair: 'is given up',
    restic: 'complains',
    plant: async (lab) => {
      const pack = await lab.pack(0, '/shared/one.bin');
      await lab.change(pack, (content) => Buffer.concat([content, Buffer.alloc(10)]));
      return [damage(new RegExp(`pack ${short(pack.name)} has \\d+ bytes.*; all blobs .* are good`), REPAIR_PACKS)];
    },
  },
  {
    name: 'a flipped bit in a data blob',
    look: 'verify',
    repair: 'is given up',
    restic: 'complains',
    plant: async (lab) => {
      const { pack, offset, id } = await lab.place(0, '/shared/two.txt');
      await lab.flip({ type: 'data', name: pack }, offset + 20);
      const victims = [0, 1, 2].map((point) => lab.victim(point, '/shared/two.txt'));
      const message = new RegExp(
        `pack ${short(pack)} does not match its name; 1 of its 4 blobs .*${short(id)}: its seal`,
      );
      return [damage(message, REPAIR_PACKS, victims)];
    },
  },
  {
    name: 'a flipped bit in the header of a pack',
    look: 'headers',
    repair: 'is given up',
    restic: 'complains',
    plant: async (lab) => {
      const { pack } = await lab.place(1, '/docs', 'tree');
      await lab.flip({ type: 'data', name: pack }, -10);
      return [damage(new RegExp(`pack ${short(pack)} does not match its name, has a header`), REPAIR_PACKS)];
    },
  },
  {
    name: 'a flipped bit in a tree',
    look: 'check',
    repair: 'is given up',
    restic: 'complains',
    plant: async (lab) => {
      const { pack, offset, id } = await lab.place(1, '/docs', 'tree');
      await lab.flip({ type: 'data', name: pack }, offset + 20);
      return [
        damage(new RegExp(`tree blob ${short(id)} cannot be read`), /stillpoint verify/, [lab.victim(1, '/docs')]),
      ];
    },
  },
  {
    name: 'a pack under a name that is not its hash',
    look: 'verify',
    repair: 'is given up',
    restic: 'complains',
    plant: async (lab) => {
      const pack = await lab.pack(1, '/docs/b.txt');
      const name = `${pack.name.slice(0, 2)}${'ab'.repeat(31)}`;
      await lab.backend.save({ type: 'data', name }, [await lab.load(pack)], lab.signal);
      await lab.remove(pack);
      await lab.rewriteIndex((all) =>
        all.map((one) => (one.id === pack.name ? { ...one, id: name as typeof one.id } : one)),
      );
      return [damage(new RegExp(`pack ${short(name)} does not match its name; all blobs`), REPAIR_PACKS)];
    },
  },
  {
    name: 'a pack that no index names',
    look: 'check',
    repair: 'is given up',
    restic: 'silent',
    plant: async (lab) => {
      await lab.writePack([{ type: 'data', plain: Buffer.from('of an interrupted backup') }]);
      return [warning(/^Packs that are in no index: 1 /, /prune/)];
    },
  },
  {
    name: 'blobs that lie in several packs',
    look: 'check',
    repair: 'stays',
    restic: 'silent',
    plant: async (lab) => {
      const again = await lab.writePack([{ type: 'data', plain: Buffer.from('two') }]);
      await lab.writeIndex([again]);
      return [{ severity: 'information', message: /^Blobs that are stored more than once: 1 /, advice: /prune/ }];
    },
  },
];

const indexes: readonly Plant[] = [
  ...(['flipped', 'cut', 'emptied'] as const).map(
    (how): Plant => ({
      name: `an index file that was ${how}`,
      look: 'check',
      repair: 'comes back',
      restic: 'complains',
      plant: async (lab) => {
        await lab.rewriteIndex((all) => all);
        const file = await lab.only('index');
        if (how === 'flipped') await lab.flip(file, 40);
        else await lab.cut(file, how === 'cut' ? -5 : 0);
        const victims = [0, 1, 2].map((point) => lab.victim(point, '/'));
        const fault = how === 'emptied' ? 'is empty' : 'does not match its name';
        return [damage(new RegExp(`index ${short(file.name)} ${fault}`), REPAIR_INDEX, victims)];
      },
    }),
  ),
  {
    name: 'an index file that is sealed with another key',
    look: 'check',
    repair: 'comes back',
    restic: 'complains',
    plant: async (lab) => {
      const other = await createTestRepository();
      const name = await other.files.save('index', Buffer.from('{"packs":[]}'), lab.signal);
      const content = await other.files.backend.load({ type: 'index', name }, undefined, lab.signal);
      await lab.backend.save({ type: 'index', name }, [content], lab.signal);
      return [damage(new RegExp(`index ${short(name)} is not sealed with the key`), REPAIR_INDEX)];
    },
  },
  {
    name: 'a missing index file',
    look: 'check',
    repair: 'comes back',
    restic: 'complains',
    plant: async (lab) => {
      for (const name of await lab.names('index')) await lab.remove({ type: 'index', name });
      const victims = [0, 1, 2].map((point) => lab.victim(point, '/'));
      return [damage(/are in no index/, /in no index, and may hold them: 6\..*stillpoint repair index/, victims)];
    },
  },
  {
    name: 'an index that names a pack that is not there',
    look: 'check',
    repair: 'comes back',
    restic: 'unasked',
    plant: async (lab) => {
      const pack = await lab.writePack([{ type: 'data', plain: Buffer.from('needed by nobody') }]);
      await lab.writeIndex([pack]);
      await lab.remove({ type: 'data', name: pack.id });
      return [damage(new RegExp(`pack ${short(pack.id)} is not there`), REPAIR_INDEX)];
    },
  },
  {
    name: 'a wrong offset in the index',
    look: 'check',
    repair: 'comes back',
    restic: 'complains',
    plant: async (lab) => {
      const place = await lab.place(0, '/only-a.txt');
      await lab.rewriteBlob(place, (blob) => ({ ...blob, offset: blob.offset - 1 }));
      const message = new RegExp(
        `pack ${short(place.pack)} has a header that does not say what the index says; 1 of its 4`,
      );
      return [damage(message, REPAIR_INDEX, [lab.victim(0, '/only-a.txt')])];
    },
  },
  {
    name: 'a wrong length in the index',
    look: 'check',
    repair: 'comes back',
    restic: 'complains',
    plant: async (lab) => {
      const place = await lab.place(0, '/only-a.txt');
      await lab.rewriteBlob(place, (blob) => ({ ...blob, length: blob.length - 1 }));
      return [damage(/header that does not say/, REPAIR_INDEX, [lab.victim(0, '/only-a.txt')])];
    },
  },
  {
    name: 'a blob that its index leaves out',
    look: 'check',
    repair: 'comes back',
    restic: 'complains',
    plant: async (lab) => {
      const place = await lab.place(0, '/shared/two.txt');
      await lab.rewriteBlob(place, () => undefined);
      const victims = [0, 1, 2].map((point) => lab.victim(point, '/shared/two.txt'));
      return [damage(/header that does not say/, REPAIR_INDEX, victims)];
    },
  },
  {
    name: 'an index that gives two blobs each the other’s name',
    look: 'headers',
    repair: 'comes back',
    restic: 'complains',
    plant: async (lab) => {
      const { pack, id: one } = await lab.place(0, '/shared/two.txt');
      const { id: two } = await lab.place(0, '/only-a.txt');
      await lab.rewriteIndex((all) =>
        all.map(({ id, blobs }) => ({
          id,
          blobs: blobs.map((blob) =>
            blob.id === one ? { ...blob, id: two } : blob.id === two ? { ...blob, id: one } : blob,
          ),
        })),
      );
      const victims = [...[0, 1, 2].map((point) => lab.victim(point, '/shared/two.txt')), lab.victim(0, '/only-a.txt')];
      return [
        damage(
          new RegExp(`pack ${short(pack)} has a header that does not say.*2 of its 4`),
          /repair index --read-all/,
          victims,
        ),
      ];
    },
  },
];

const trees: readonly Plant[] = [
  ...(
    [
      ['that is no JSON', '{"nodes":[', /is not JSON/],
      ['with an entry ".."', `{"nodes":[${node('..', '"type":"file","content":[]')}]}\n`, /points out of its folder/],
      ['with a path for a name', `{"nodes":[${node('a/b', '"type":"file","content":[]')}]}\n`, /holds "\/" or NUL/],
    ] as const
  ).map(
    ([what, text, message]): Plant => ({
      name: `a tree ${what}`,
      look: 'check',
      repair: 'is given up',
      // restic 0.14 looks at the names only when it restores.
      restic: what === 'that is no JSON' ? 'complains' : 'silent',
      plant: async (lab) => {
        const { id } = await lab.writePoint(text);
        return [damage(message, REPAIR_POINTS, [`${short(id)}:/`])];
      },
    }),
  ),
  {
    name: 'a file whose size is not that of its content',
    look: 'check',
    repair: 'stays',
    restic: 'silent',
    plant: async (lab) => {
      const { id: blob } = await lab.place(0, '/shared/two.txt');
      const text = `{"nodes":[${node('liar', `"type":"file","size":99,"content":["${blob}"]`)}]}\n`;
      const { id } = await lab.writePoint(text);
      return [
        damage(/"liar" of tree \w{8} has 99 bytes by its size and 3 in its content/, /Compare/, [`${short(id)}:/liar`]),
      ];
    },
  },
  ...(
    [
      [
        'a symbolic link',
        '"type":"symlink","linktarget":"../outside"',
        'below',
        /"a" of tree \w{8} is of the type "symlink" and names a tree/,
      ],
      ['a device', '"type":"dev"', 'below', /"a" of tree \w{8} is of the type "dev" and names a tree/],
      ['a file', '"type":"file","content":[]', 'below', /"a" of tree \w{8} is of the type "file" and names a tree/],
      ['a pipe', '"type":"fifo"', 'content', /"a" of tree \w{8} is of the type "fifo" and names content/],
    ] as const
  ).map(
    ([what, fields, has, message]): Plant => ({
      name: `${what} that has ${has === 'below' ? 'children' : 'content'}`,
      look: 'check',
      repair: 'is given up',
      restic: 'silent',
      plant: async (lab) => {
        const { tree } = await lab.writePoint('{"nodes":[]}\n');
        const { id: blob } = await lab.place(0, '/shared/two.txt');
        const more = has === 'below' ? `"subtree":"${tree}"` : `"content":["${blob}"]`;
        const { id } = await lab.writePoint(`{"nodes":[${node('a', `${fields},${more}`)}]}\n`);
        return [damage(message, REPAIR_POINTS, [`${short(id)}:/a`])];
      },
    }),
  ),
  {
    name: 'a tree that is nowhere',
    look: 'check',
    repair: 'is given up',
    restic: 'complains',
    plant: async (lab) => {
      const text = `{"nodes":[${node('gone', `"type":"dir","subtree":"${'ab'.repeat(32)}"`)}]}\n`;
      const { id } = await lab.writePoint(text);
      return [damage(/are in no index/, REPAIR_POINTS, [`${short(id)}:/gone`])];
    },
  },
];

const smallFiles: readonly Plant[] = [
  ...(['flipped', 'cut', 'emptied'] as const).map(
    (how): Plant => ({
      name: `a restore point whose file was ${how}`,
      look: 'check',
      repair: 'is given up',
      restic: 'complains',
      plant: async (lab) => {
        const file = lab.pointFile(1);
        if (how === 'flipped') await lab.flip(file, 30);
        else await lab.cut(file, how === 'cut' ? -1 : 0);
        return [
          damage(new RegExp(`restore point ${short(file.name)}`), /repair points --forget/, [lab.victim(1, '/')]),
        ];
      },
    }),
  ),
  {
    name: 'a restore point from the future',
    look: 'check',
    repair: 'stays',
    restic: 'silent',
    plant: async (lab) => {
      const { id } = await lab.writePoint('{"nodes":[]}\n', timestampFromDate(ahead()));
      return [warning(new RegExp(`point ${short(id)} .*in the future`), /clock/, [`${short(id)}:/`])];
    },
  },
  {
    name: 'a damaged key file beside a good one',
    look: 'check',
    repair: 'stays',
    restic: 'unasked',
    plant: async (lab) => {
      await lab.backend.save({ type: 'keys', name: 'ff'.repeat(32) }, [Buffer.from('{"kdf":"scrypt"}')], lab.signal);
      return [damage(/key ffffffff does not match its name/, /copy of the files of the repository/)];
    },
  },
  {
    name: 'a lock of a process that is gone',
    look: 'check',
    repair: 'stays',
    restic: 'silent',
    plant: async (lab) => {
      const name = await writeLock(lab, { time: new Date(Date.now() - 60 * 60_000), pid: 4_000_000 });
      return [warning(new RegExp(`Lock ${short(name)} of process 4000000 .*abandoned`), /stillpoint unlock/)];
    },
  },
  {
    name: 'a lock from the future',
    look: 'check',
    repair: 'stays',
    restic: 'silent',
    plant: async (lab) => {
      const name = await writeLock(lab, { time: ahead(), pid: 1, host: 'elsewhere' });
      return [warning(new RegExp(`Lock ${short(name)} .*in the future`), /clock/)];
    },
  },
  {
    name: 'a damaged lock',
    look: 'check',
    repair: 'stays',
    restic: 'silent',
    plant: async (lab) => {
      const name = await writeLock(lab, { time: new Date(), pid: 1, host: 'elsewhere' });
      await lab.flip({ type: 'locks', name }, 20);
      return [damage(new RegExp(`lock ${short(name)} does not match its name`), /unlock --remove-all/)];
    },
  },
  {
    name: 'foreign files and leftovers',
    look: 'check',
    repair: 'stays',
    restic: 'silent',
    plant: async (lab) => {
      await lab.backend.save({ type: 'index', name: 'README' }, [Buffer.from('hello')], lab.signal);
      await lab.backend.save({ type: 'data', name: `${'cd'.repeat(32)}-tmp-123` }, [Buffer.alloc(7)], lab.signal);
      return [
        warning(/folder "index" holds "README"/, /move it away/),
        warning(/^Temporary files of interrupted writes: 1 \(7 B\)/, /never read/),
      ];
    },
  },
];

export const PLANTS: readonly Plant[] = [...packs, ...indexes, ...trees, ...smallFiles];
