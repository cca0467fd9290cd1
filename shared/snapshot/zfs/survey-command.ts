/** Asking a host what ZFS it has. Nothing is changed. */
import { type RemoteCommand, unreadableOutput } from '../../remote/command.ts';
import { zfsOnHost } from './host-functions.ts';
import {
  DATASET_COLUMNS,
  type DatasetRecord,
  type OwnSnapshot,
  POOL_COLUMNS,
  type PoolRecord,
  parseDatasets,
  parseMountpoints,
  parseOwn,
  parsePool,
} from './records.ts';

export interface PoolFacts extends PoolRecord {
  /** File systems; by name. */
  readonly datasets: ReadonlyMap<string, DatasetRecord>;
  /** By guid: where those belong that have a place. */
  readonly mountpoints: ReadonlyMap<string, string>;
}

/** One that could not be looked at. */
export interface UnseenPool {
  readonly name: string;
  readonly why: 'state' | 'no-answer' | 'unknown-form';
  /** Its state, what was said, or what is odd. */
  readonly said: string;
}

export interface ZfsAnswer {
  /** Whether the host has the programs. */
  readonly hasPrograms: boolean;
  readonly pools: readonly (PoolFacts | UnseenPool)[];
  /** Snapshots with the form of a name of ours. */
  readonly own: readonly OwnSnapshot[];
}

export const NO_ZFS: ZfsAnswer = { hasPrograms: true, pools: [], own: [] };

const script = {
  name: 'list-datasets',
  script: `${zfsOnHost.script}
command -v zfs >/dev/null 2>&1 && command -v zpool >/dev/null 2>&1 || { printf 'no-programs\\0'; exit 0; }
printf 'programs\\0'
# What is said beside an answer is no part of it; where there is none, it is what we want.
ask() { said=$(timeout 100 "$@" 2>/dev/null </dev/null) || { said=$(timeout 100 "$@" 2>&1 >/dev/null </dev/null); return 1; }; }
pool() {
  ask zpool list -Hp -o ${POOL_COLUMNS} "$1" && record=$said &&
    ask zfs list -Hp -r -t filesystem -o ${DATASET_COLUMNS} "$1" && list=$said &&
    ask zfs list -Hp -r -t filesystem -o guid,mountpoint "$1" || { printf 'no-answer\\0%s\\0' "$said"; return 0; }
  printf 'seen\\0%s\\0%s\\0%s\\0' "$record" "$list" "$said"
}
for file in /proc/spl/kstat/zfs/*/state; do
  [ -r "$file" ] || continue
  name=\${file%/state}; name=\${name##*/}
  printf '%s\\0' "$name"
  if sp_zfs_answers "$name"; then pool "$name"; else printf 'state\\0%s\\0' "$sp_state"; fi
done
printf '\\0'
sp_zfs_list; printf '\\0'`,
  args: [],
  needs: 'root' as const,
};

export const listDatasets: RemoteCommand<ZfsAnswer> = {
  ...script,
  budgetMs: 600_000,
  repeatable: true,
  leavesNoProcess: true,
  parse: ({ stdout }) => {
    const text = stdout.toString('latin1');
    const fields = text.split('\0');
    if (fields.pop() !== '') throw unreadableOutput(script, 'its last field is cut', text);
    let at = 0;
    const next = (): string => {
      const field = fields[at];
      if (field === undefined) throw new Error('it ends too early');
      at += 1;
      return field;
    };
    try {
      const word = next();
      if (word === 'no-programs' && fields.length === 1) return { ...NO_ZFS, hasPrograms: false };
      if (word !== 'programs') throw new Error('it begins in another way');
      const pools: (PoolFacts | UnseenPool)[] = [];
      for (let name = next(); name !== ''; name = next()) pools.push(parseOne(name, next));
      const own = parseOwn(next());
      if (at !== fields.length) throw new Error('there is more than was expected');
      return { hasPrograms: true, pools, own };
    } catch (error) {
      throw unreadableOutput(script, (error as Error).message, text.slice(-2000));
    }
  },
};

function parseOne(name: string, next: () => string): PoolFacts | UnseenPool {
  const word = next();
  if (word === 'state' || word === 'no-answer') return { name, why: word, said: next() };
  if (word !== 'seen') throw new Error('a pool is described in another form');
  const [pool, datasets, mountpoints] = [next(), next(), next()];
  try {
    const record = parsePool(pool);
    if (record.name !== name) throw new Error(`the pool "${name}" is called "${record.name}"`);
    return {
      ...record,
      datasets: new Map(parseDatasets(datasets).map((each) => [each.name, each])),
      mountpoints: parseMountpoints(mountpoints),
    };
  } catch (error) {
    // What is odd about one must not stop a backup of the others.
    return { name, why: 'unknown-form', said: (error as Error).message };
  }
}
