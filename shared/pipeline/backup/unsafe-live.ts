/**
 * Files that no look from outside can prove whole: their program writes through a mapping of the file, which changes
 * content without changing a time, or spreads one state over several files. Read live, they look well and are not.
 *
 * They are known by their names, and where such a name may be anybody's, by how they begin: a diary called "my-journal"
 * must not be refused for that.
 */
import { displayName } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import type { ListedEntry } from './listing.ts';
import { joined } from './select.ts';
import type { Selection } from './spool.ts';

interface Store {
  readonly what: string;
  /** Of the absolute path. */
  readonly files: RegExp;
  /** Of the first 512 bytes in hex digits; any file of that name is meant where there is none. */
  readonly begins?: RegExp;
  /** What brings a copy that is whole. */
  readonly instead: string;
  /** What of a path is to be left out with the file: the rest would look well and be worth nothing. */
  readonly all: RegExp;
}

const FOLDER = /\/[^/]+$/;
const SQLITE = /-(wal|journal)$/;

const DUMP = 'Save a dump of it';
const MACHINE = {
  what: 'a disk of a virtual machine',
  instead: 'Save it from within the machine, or while it is shut down',
  all: /$/,
};
const at = (offset: number, hex: string): RegExp => new RegExp(`^.{${2 * offset}}(?:${hex})`);
const text = (words: string): string => Buffer.from(words, 'latin1').toString('hex');

const STORES: readonly Store[] = [
  {
    ...{ what: 'MySQL or MariaDB', files: /\/(ibdata1|aria_log_control)$/, all: FOLDER },
    instead: `${DUMP} ("mariadb-dump")`,
  },
  {
    ...{ what: 'PostgreSQL', files: /\/global\/pg_control$/, all: /\/global\/pg_control$/ },
    instead: `${DUMP} ("pg_dumpall")`,
  },
  { what: 'MongoDB', files: /\/WiredTiger(\.wt)?$/, instead: `${DUMP} ("mongodump")`, all: FOLDER },
  {
    ...{ what: 'etcd', files: /\/member\/snap\/db$/, all: /\/member\/snap\/db$/ },
    instead: `${DUMP} ("etcdctl snapshot save")`,
  },
  {
    ...{ what: 'LMDB, such as of OpenLDAP', files: /\/data\.mdb$/, all: FOLDER },
    begins: at(16, 'dec0efbe|beefc0de'),
    instead: `${DUMP} ("slapcat", "mdb_dump")`,
  },
  {
    ...{ what: 'SQLite while it is written', files: SQLITE, all: SQLITE },
    begins: at(0, '377f068[23]|d9d505f920a163d7'),
    instead: `${DUMP} ("sqlite3 FILE .backup")`,
  },
  { ...MACHINE, files: /\.qcow2?$/i, begins: at(0, '514649fb') },
  { ...MACHINE, files: /\.vmdk$/i, begins: at(0, `${text('KDMV')}|${text('COWD')}|${text('# Disk Descriptor')}`) },
  { ...MACHINE, files: /\.vdi$/i, begins: at(64, '7f10dabe') },
  { ...MACHINE, files: /\.vhdx?$/i, begins: at(0, `${text('vhdxfile')}|${text('conectix')}`) },
  // With a boot sector; a photograph has none.
  { ...MACHINE, files: /\.(raw|img)$/i, begins: at(510, '55aa') },
];

/** So many are asked of at once. */
const BATCH = 200;

export interface UnsafeFiles {
  /** Sees each entry on its way. */
  readonly select: () => Selection;
  /**
   * To be called when all were seen. Errors: `read.unsafe-live` for the first that is one; where services were stopped, for
   * the first that a process has open all the same.
   */
  require(host: RemoteHost, terms: { readonly areStopped: boolean }, signal: AbortSignal): Promise<void>;
}

/** @param root the tree's own path */
export function unsafeFilesIn(root: Buffer, select: () => Selection): UnsafeFiles {
  const met: Met[] = [];
  return {
    select: () => {
      const selected = select();
      return (entry) => {
        const isWanted = selected(entry);
        if (isWanted) met.push(...storesOf(entry, root));
        return isWanted;
      };
    },
    async require(host, { areStopped }, signal) {
      for (let from = 0; from < met.length; from += BATCH) {
        const found = await certainOf(met.slice(from, from + BATCH), host, signal);
        if (!areStopped && found[0] !== undefined) throw refusal(found[0], host.name);
        if (!areStopped || found.length === 0) continue;
        const [open] = await host.run(findOpen(found.map(({ path }) => path)), signal);
        const inUse = open === undefined ? undefined : found[open];
        if (inUse !== undefined) throw inUseBy(inUse, host.name);
      }
    },
  };
}

/** Those that are what their names say. */
async function certainOf(batch: readonly Met[], host: RemoteHost, signal: AbortSignal): Promise<readonly Met[]> {
  const asked = batch.filter(({ store }) => store.begins !== undefined);
  const heads = asked.length === 0 ? [] : await host.run(readHeads(asked.map(({ path }) => path)), signal);
  const headOf = new Map(asked.map((each, index) => [each, heads[index] ?? '']));
  return batch.filter((each) => each.store.begins?.test(headOf.get(each) ?? '') ?? true);
}

interface Met {
  readonly path: Buffer;
  readonly store: Store;
}

function storesOf(entry: ListedEntry, root: Buffer): readonly Met[] {
  if (entry.type !== 'file' || entry.size === 0) return [];
  const path = entry.path.length === 0 ? root : joined(root, entry.path);
  const store = STORES.find(({ files }) => files.test(path.toString('latin1')));
  return store === undefined ? [] : [{ path, store }];
}

/** The first 512 bytes of each in hex digits; nothing of one that cannot be read, which is not saved either. */
export function readHeads(paths: readonly Buffer[]): RemoteCommand<readonly string[]> {
  const script: RemoteScript = {
    name: 'read-heads',
    script: `for f do head -c 512 -- "$f" 2>/dev/null </dev/null | od -An -v -tx1 | tr -d ' \\n'; printf '\\0'; done`,
    args: paths,
    needs: 'either',
  };
  return {
    ...script,
    budgetMs: 120_000,
    repeatable: true,
    parse: ({ stdout }) => {
      const heads = stdout.toString('latin1').split('\0');
      if (heads.pop() !== '' || heads.length !== paths.length || !heads.every((head) => /^[0-9a-f]*$/.test(head)))
        throw unreadableOutput(script, 'beginnings are missing', stdout.toString('latin1'));
      return heads;
    },
  };
}

/** Which of the files a process has open, by their positions; a service that was stopped has none. */
export function findOpen(paths: readonly Buffer[]): RemoteCommand<readonly number[]> {
  const script: RemoteScript = {
    name: 'find-open-files',
    script: `
count=$# at=0
while [ "$at" -lt "$count" ]; do
  file=$1
  shift
  [ ! -e "$file" ] || set -- "$@" -samefile "$file" -printf "$at\\0" ,
  at=$((at + 1))
done
[ "$#" -gt 0 ] || exit 0
find -L /proc/[0-9]*/fd -maxdepth 1 "$@" -false 2>/dev/null
exit 0`,
    args: paths,
    needs: 'root',
  };
  return {
    ...script,
    budgetMs: 120_000,
    repeatable: true,
    parse: ({ stdout }) => {
      const fields = stdout.toString('latin1').split('\0');
      if (fields.pop() !== '' || !fields.every((field) => /^\d+$/.test(field) && Number(field) < paths.length))
        throw unreadableOutput(script, 'it is no list of positions', stdout.toString('latin1'));
      return fields.map(Number);
    },
  };
}

function inUseBy({ path, store }: Met, host: string): StillpointError {
  const shown = displayName(path);
  return new StillpointError(
    'read.unsafe-live',
    `"${shown}" on "${host}" is of a program (${store.what}) that has it open, although services were stopped.`,
    {
      advice: `Name the service that writes it under "stop" of the source; "fuser" on the host says which process it is.`,
      details: { host, path: shown, store: store.what },
      cause: undefined,
    },
  );
}

function refusal({ path, store }: Met, host: string): StillpointError {
  const shown = displayName(path);
  const all = displayName(Buffer.from(path.toString('latin1').replace(store.all, '') || '/', 'latin1'));
  const left = store.all === SQLITE ? `${all}*` : all;
  return new StillpointError(
    'read.unsafe-live',
    `"${shown}" on "${host}" is of a program (${store.what}) whose files cannot be read whole while it may be writing.`,
    {
      advice: `${store.instead}, and name "${left}" under "exclude", or take it out of "paths"; or name its service under "stop"; or put it on a storage that can be snapshotted.`,
      details: { host, path: shown, store: store.what },
      cause: undefined,
    },
  );
}
