/**
 * What `zpool list` and `zfs list` print with -H and -p: a line each, fields divided by tabs, numbers in bytes. No name of
 * a pool or a dataset holds a tab or a line break; a mount point may, so it stands in a list of its own.
 */

export interface PoolRecord {
  readonly name: string;
  readonly guid: string;
  readonly sizeBytes: number;
  readonly freeBytes: number;
  readonly health: string;
  readonly isReadOnly: boolean;
}

export interface DatasetRecord {
  readonly name: string;
  /** Stays the same when it is renamed. */
  readonly guid: string;
  readonly isMounted: boolean;
  readonly canMount: 'on' | 'off' | 'noauto';
  readonly usedBytes: number;
  readonly availableBytes: number;
  readonly referencedBytes: number;
  /** Of it and of all below, snapshots too; 0 where there is none. */
  readonly quotaBytes: number;
  /** Of it alone, without its snapshots. */
  readonly refquotaBytes: number;
  readonly isKeyMissing: boolean;
}

export const POOL_COLUMNS = 'name,guid,size,free,health,readonly';
export const DATASET_COLUMNS = 'name,guid,mounted,canmount,used,available,referenced,quota,refquota,keystatus';

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.: /%-]*$/;

export function parsePool(line: string): PoolRecord {
  const [name = '', guid = '', size = '', free = '', health = '', readonly = '', ...more] = line.split('\t');
  if (more.length > 0 || !NAME.test(name) || !isNumber(guid) || !/^[A-Z]+$/.test(health)) throw odd('pool', line);
  if (readonly !== 'on' && readonly !== 'off') throw odd('pool', line);
  // Of a pool that is not there as a whole some numbers are "-".
  return { name, guid, sizeBytes: bytes(size), freeBytes: bytes(free), health, isReadOnly: readonly === 'on' };
}

export function parseDatasets(text: string): readonly DatasetRecord[] {
  return linesOf(text).map((line) => {
    const [name = '', guid = '', mounted = '', canMount = '', ...rest] = line.split('\t');
    const [used = '', available = '', referenced = '', quota = '', refquota = '', key = '', ...more] = rest;
    const numbers = [guid, used, available, referenced, quota, refquota];
    if (more.length > 0 || !NAME.test(name) || !numbers.every(isNumber)) throw odd('dataset', line);
    if (canMount !== 'on' && canMount !== 'off' && canMount !== 'noauto') throw odd('dataset', line);
    if (!['yes', 'no'].includes(mounted) || !['-', 'none', 'available', 'unavailable'].includes(key)) {
      throw odd('dataset', line);
    }
    return {
      ...{ name, guid, canMount, isMounted: mounted === 'yes', isKeyMissing: key === 'unavailable' },
      ...{ usedBytes: Number(used), availableBytes: Number(available), referencedBytes: Number(referenced) },
      ...{ quotaBytes: Number(quota), refquotaBytes: Number(refquota) },
    };
  });
}

/**
 * Where each dataset belongs, by its guid. What a line break in a mount point makes unclear is left out: it only decides of
 * what we tell that it is not mounted.
 */
export function parseMountpoints(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const unclear = new Set<string>();
  let last = '';
  for (const line of linesOf(text)) {
    const [, guid, place] = /^(\d+)\t(.*)$/.exec(line) ?? [];
    if (guid === undefined || place === undefined) unclear.add(last);
    else if (found.has(guid)) unclear.add(guid);
    else found.set(guid, place);
    last = guid ?? last;
  }
  return new Map([...found].filter(([guid, place]) => !unclear.has(guid) && place.startsWith('/')));
}

/** A snapshot with the form of a name of ours, as `sp_zfs_list` prints it; the owner is "-" where our marks are missing. */
export interface OwnSnapshot {
  readonly run: string;
  readonly owner: string;
  readonly id: string;
}

export function parseOwn(text: string): readonly OwnSnapshot[] {
  return linesOf(text).flatMap((line) => {
    if (line.startsWith('unread ')) return [];
    const [, run, owner, id] = /^object zfs ([0-9a-f]{8}) (-|[0-9a-f]{12}) (\S+)$/.exec(line) ?? [];
    if (run === undefined || owner === undefined || id === undefined) throw odd('snapshot', line);
    return [{ run, owner, id }];
  });
}

const linesOf = (text: string): readonly string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));

const isNumber = (text: string): boolean => /^\d+$/.test(text);

const bytes = (text: string): number => (isNumber(text) ? Number(text) : 0);

const odd = (what: string, line: string): Error =>
  new Error(`a ${what} is described in another form: ${line.slice(0, 200)}`);
