/**
 * Files that no look from outside can prove whole: their program writes through a mapping of the file, which changes
 * content without changing a time, or spreads one state over several files. Read live, they look well and are not.
 */
import { displayName } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import type { ListedEntry } from './listing.ts';
import { joined } from './select.ts';
import type { Selection } from './spool.ts';

interface Store {
  readonly what: string;
  /** Of the path below the tree's root, or of the tree's own path. */
  readonly files: RegExp;
  /** What brings a copy that is whole. */
  readonly instead: string;
  /** What of a path is to be left out with the file: the rest would look well and be worth nothing. */
  readonly all: RegExp;
}

const FOLDER = /\/[^/]+$/;
const SQLITE = /-(wal|journal)$/;

const DUMP = 'Save a dump of it';
const STORES: readonly Store[] = [
  {
    what: 'MySQL or MariaDB',
    files: /(^|\/)(ibdata\d+|aria_log_control)$/,
    instead: `${DUMP} ("mariadb-dump")`,
    all: FOLDER,
  },
  {
    what: 'PostgreSQL',
    files: /(^|\/)global\/pg_control$/,
    instead: `${DUMP} ("pg_dumpall")`,
    all: /\/global\/pg_control$/,
  },
  { what: 'MongoDB', files: /(^|\/)WiredTiger(\.wt)?$/, instead: `${DUMP} ("mongodump")`, all: FOLDER },
  {
    what: 'etcd',
    files: /(^|\/)member\/snap\/db$/,
    instead: `${DUMP} ("etcdctl snapshot save")`,
    all: /\/member\/snap\/db$/,
  },
  {
    what: 'LMDB, such as of OpenLDAP',
    files: /(^|\/)data\.mdb$/,
    instead: `${DUMP} ("slapcat", "mdb_dump")`,
    all: FOLDER,
  },
  {
    ...{ what: 'SQLite while it is written', files: SQLITE, instead: `${DUMP} ("sqlite3 FILE .backup")` },
    all: SQLITE,
  },
  {
    what: 'a disk of a virtual machine',
    files: /\.(qcow2?|vmdk|vdi|vhdx?|raw)$/i,
    instead: 'Save it from within the machine, or while it is shut down',
    all: /$/,
  },
];

/** @param root the tree's own path */
export function refusingUnsafe(root: Buffer, select: () => Selection, host: string): () => Selection {
  return () => {
    const selected = select();
    return (entry) => {
      const isWanted = selected(entry);
      if (isWanted) requireSafe(entry, root, host);
      return isWanted;
    };
  };
}

function requireSafe(entry: ListedEntry, root: Buffer, host: string): void {
  if (entry.type !== 'file' || entry.size === 0) return;
  const path = entry.path.length === 0 ? root : joined(root, entry.path);
  const text = path.toString('latin1');
  const store = STORES.find(({ files }) => files.test(text));
  if (store === undefined) return;
  const shown = displayName(path);
  const all = displayName(Buffer.from(text.replace(store.all, '') || '/', 'latin1'));
  const left = store.all === SQLITE ? `${all}*` : all;
  throw new StillpointError(
    'read.unsafe-live',
    `"${shown}" on "${host}" is of a program (${store.what}) whose files cannot be read whole while it may be writing.`,
    {
      advice: `${store.instead}, and name "${left}" under "exclude", or take it out of "paths"; or name its service under "stop"; or put it on a storage that can be snapshotted.`,
      details: { host, path: shown, store: store.what },
      cause: undefined,
    },
  );
}
