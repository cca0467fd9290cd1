/** Which of the programs at work keep data that a copy of single files does not hold whole, and where. Pure. */
import type { Mount } from '../../domain/host.ts';
import { isWithin, mountOf } from '../../snapshot/mountinfo.ts';
import type { PlacedPath, ProgramAtWork, SeenPath } from './programs-at-work.ts';

interface KnownStore {
  readonly what: string;
  readonly program: RegExp;
  /** Of an open file, up to the end of what is kept there; the folder in which the program works where it is left out. */
  readonly files?: RegExp;
  /** What brings a copy that is whole while it runs. */
  readonly dump: string;
  /** Of a source, for one that runs on the host itself. */
  readonly dumps?: string;
  /** Whether files beside that one are of it too. */
  readonly isFile?: boolean;
}

const ANY = /./;
const KNOWN: readonly KnownStore[] = [
  {
    what: 'MariaDB or MySQL',
    program: /^(mariadbd|mysqld)$/,
    dump: 'mariadb-dump --all-databases --single-transaction',
    dumps: '"mariadb"',
  },
  { what: 'PostgreSQL', program: /^postgres(ql)?$/, dump: 'pg_dumpall', dumps: '"postgresql"' },
  { what: 'Redis', program: /^(redis|valkey|keydb)-server$/, dump: 'redis-cli save', dumps: '"redis"' },
  { what: 'MongoDB', program: /^mongod$/, files: /^(.*)\/(mongod|WiredTiger)\.lock$/s, dump: 'mongodump' },
  { what: 'etcd', program: ANY, files: /^(.*)\/member\/snap\/db$/s, dump: 'etcdctl snapshot save' },
  {
    what: 'Elasticsearch',
    program: /^java$/,
    files: /^(.*?)(\/nodes\/\d+)?\/node\.lock$/s,
    dump: 'its own snapshots (_snapshot)',
  },
  { what: 'LMDB, such as of OpenLDAP', program: ANY, files: /^(.*)\/data\.mdb$/s, dump: 'slapcat' },
  {
    what: 'a virtual machine (QEMU)',
    program: /^(qemu|kvm)/,
    files: /^(.*\.(?:qcow2?|img|raw|vmdk|vdi|vhdx?))$/s,
    dump: 'a backup from within the machine',
    isFile: true,
  },
  {
    what: 'the volumes of Docker',
    program: /^(dockerd|docker)$/,
    files: /^(.*\/volumes)\/metadata\.db$/s,
    dump: 'a dump by the program in the container',
  },
  {
    what: 'SQLite',
    program: ANY,
    files: /^(.*)-wal$/s,
    dump: 'sqlite3 FILE .backup',
    dumps: '{"of": "sqlite", "file": …}',
    isFile: true,
  },
];

/** A store before it is known where the host has it. */
export interface SeenStore extends SeenPath {
  readonly what: string;
  readonly dump: string;
  readonly dumps?: string;
  readonly isFile: boolean;
}

/** Each place once, whatever number of processes is at work in it. */
export function storesOf(programs: readonly ProgramAtWork[]): readonly SeenStore[] {
  const found = programs.flatMap(({ pid, program, folder, files }) =>
    KNOWN.filter((known) => known.program.test(program)).flatMap(
      ({ what, dump, dumps, files: pattern, isFile = false }) => {
        const paths =
          pattern === undefined
            ? [folder].filter((path) => path !== undefined)
            : files.flatMap((file) => {
                const [, path] = pattern.exec(file.toString('latin1')) ?? [];
                return path === undefined || path === '' ? [] : [Buffer.from(path, 'latin1')];
              });
        return paths.map(
          (path): SeenStore => ({
            ...{ pid, path, what, dump, isFile },
            ...(dumps === undefined ? {} : { dumps }),
          }),
        );
      },
    ),
  );
  // A program that works in "/" keeps its data elsewhere.
  const placed = found.filter(({ path }) => path.length > 1);
  return [...new Map(placed.map((store) => [`${store.what}\0${store.path.toString('latin1')}`, store])).values()];
}

/** Where the host itself has it; undefined where nothing of the host's shows it. */
export function pathOnHost(
  { path }: SeenPath,
  { isOfHost, mounts }: PlacedPath,
  ofHost: readonly Mount[],
): Buffer | undefined {
  if (isOfHost) return path;
  const inside = mountOf(path, mounts);
  if (inside === undefined) return undefined;
  const below = path.subarray(inside.target.length === 1 ? 0 : inside.target.length);
  const inVolume = joined(inside.root, below);
  for (const mount of ofHost) {
    if (mount.device !== inside.device || !isWithin(inVolume, mount.root)) continue;
    const outside = joined(mount.target, inVolume.subarray(mount.root.length === 1 ? 0 : mount.root.length));
    // What another mount hides there is not what the process sees.
    if (mountOf(outside, ofHost)?.id === mount.id) return outside;
  }
  return undefined;
}

function joined(folder: Buffer, below: Buffer): Buffer {
  const head = folder.length === 1 ? Buffer.alloc(0) : folder;
  const whole = Buffer.concat([head, below]);
  return whole.length === 0 ? Buffer.from('/') : whole;
}
