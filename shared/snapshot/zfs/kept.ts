/**
 * Snapshots of datasets that are kept on purpose: the words about one are a property that was set on it itself, `zfs rename`
 * makes it a kept one, and a hold of its own keeps other tools from destroying it. The hold of the run goes along with a
 * rename, so one that has no kept name yet is held by that alone and goes with its run, and one whose making was cut after the
 * rename may bear the marks and the hold of its run still.
 */
import { type KeptId, keptBy, mintKeptName, setOfName } from '../../domain/kept-name.ts';
import { type RunId, runId } from '../../domain/names.ts';
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';
import type { KeepOrder, KeepSteps, KeptObject } from '../kept-port.ts';
import { removalOf } from '../kept-port.ts';
import type { DetectedVolume, KeptReading, KeptSnapshots, RunIdentity } from '../provider.ts';
import { fullName, typed } from './create.ts';
import { zfsOnHost } from './host-functions.ts';
import { datasetItem } from './item.ts';
import { holdTag, keptTag, poolOf, RUN_PROPERTY, snapshotOf, wordOf } from './naming.ts';

const MARKS_PROPERTY = 'stillpoint:kept';

/** The run that made it has its number. */
const madeBy = (set: KeptId): RunId => runId(set);

/** Exit codes of the steps: it is not the snapshot that was made; ZFS failed, and said why. */
const KEEP_EXITS = { otherOne: 79, failed: 81 } as const;

/**
 * Name, and what ZFS says of it, one after the other: what is in a value of somebody else may hold lines, but no NUL. The names
 * alone cost no look at each of the thousands of snapshots that others may have.
 */
const LIST: RemoteScript = {
  name: 'list-kept-datasets',
  script: `${zfsOnHost.script}
command -v zfs >/dev/null 2>&1 || exit 0
for sp_file in /proc/spl/kstat/zfs/*/state; do
  [ -r "$sp_file" ] || continue
  sp_pool=\${sp_file%/state}; sp_pool=\${sp_pool##*/}
  sp_zfs_answers "$sp_pool" || continue
  # In a container there are pools that cannot be asked.
  sp_names=$(timeout 120 zfs list -H -r -t snapshot -o name -s name "$sp_pool" 2>/dev/null </dev/null) || continue
  printf '%s\\n' "$sp_names" | grep '@spk_[0-9a-f]\\{8\\}_[0-9a-f]\\{8\\}$' | while read -r sp_name; do
    printf '%s\\0' "$sp_name"
    timeout 60 zfs get -Hp -o property,value,source guid,createtxg,used,${MARKS_PROPERTY} "$sp_name" 2>/dev/null </dev/null
    printf '\\0'
  done
done
exit 0`,
  args: [],
  needs: 'root',
};

/** @param idOf the id of a dataset of this name */
export function zfsKept(idOf: (dataset: string) => string | undefined): KeptSnapshots {
  return {
    look: (host, signal) => host.run(listKept(idOf), signal),
    keep: keepSteps,
    read: readingOf,
    remove: ({ id, set, proof }, owner) => ({
      line: `zfs release ${keptTag(set)} ${typed(id.replaceAll('=', ' '))} && zfs destroy ${typed(id.replaceAll('=', ' '))}`,
      remove: {
        name: 'remove-kept-dataset-snapshot',
        script: `sp_zfs_look "$(sp_zfs_name "$1")"
[ "$sp_of_run" = "$4" ] || sp_of_run=''
sp_kept_said=$(sp_zfs_take_away "$sp_of_run" "$3" "$1" "$5" "\${2%,*}" "\${2#*,}")
printf '%s\\0' "\${sp_kept_said%% *}"`,
        args: [id, proof, owner, set, `${holdTag(madeBy(set))} ${keptTag(set)}`],
        fields: 1,
        parse: ([word = '']) => removalOf(word),
      },
    }),
  };
}

function readingOf({ id, proof, volumeId }: KeptObject, volume: DetectedVolume, identity: RunIdentity): KeptReading {
  const [dataset = '', name = ''] = id.replaceAll('=', ' ').split('@');
  const [guid = '', txg = ''] = proof.split(',');
  const { label, mountpoints } = volume.volume;
  return {
    item: datasetItem({
      ...{ identity, volume },
      planned: {
        ...{ volume: label, volumeId, snapshot: name, mountpoint: mountpoints[0] ?? '' },
        ...{ sizeBytes: 0, freeBytesAfter: 0 },
      },
      order: {
        ...{ pool: poolOf(dataset), poolGuid: '', dataset, guid: '', name, all: [], places: [], knownMounts: [] },
        room: { dataset, by: 'available', leastBytes: 0 },
      },
    }),
    seen: { guid, txg },
    putAway: { name: 'put-away-kept-snapshot', script: ':', args: [], fields: 0, parse: () => undefined },
  };
}

function listKept(idOf: (dataset: string) => string | undefined): RemoteCommand<readonly KeptObject[]> {
  return {
    ...LIST,
    budgetMs: 240_000,
    repeatable: true,
    parse: ({ stdout }) => parseKept(stdout.toString('latin1'), idOf),
  };
}

/** One that was gone when it was asked about has no lines. */
export function parseKept(text: string, idOf: (dataset: string) => string | undefined): readonly KeptObject[] {
  const fields = text.split('\0');
  if (fields.pop() !== '' || fields.length % 2 !== 0) throw unreadableOutput(LIST, 'its last field is cut', text);
  return Array.from({ length: fields.length / 2 }, (_, at) => fields.slice(2 * at, 2 * at + 2)).flatMap(
    ([name = '', said = '']) => {
      const [dataset = '', snapshot = ''] = name.split('@');
      const set = setOfName(snapshot);
      if (set === undefined) throw unreadableOutput(LIST, 'a snapshot has another name', name);
      if (said === '') return [];
      const rows = said.split('\n').map((line) => line.split('\t'));
      const valueOf = (property: string): string => rows.find(([first]) => first === property)?.[1] ?? '';
      const [guid, txg, used] = [valueOf('guid'), valueOf('createtxg'), valueOf('used')];
      if (![guid, txg, used].every((number) => /^\d+$/.test(number))) {
        throw unreadableOutput(LIST, 'a number is missing', name);
      }
      const [, marks = '', source, ...more] = rows.find(([first]) => first === MARKS_PROPERTY) ?? [];
      return [
        {
          ...({ kind: 'zfs', id: wordOf(name), set, proof: `${guid},${txg}`, state: 'whole' } as const),
          ...{ volumeId: idOf(dataset) ?? '', volume: dataset },
          words: source === 'local' && more.length === 0 ? marks.split(' ') : [],
          room: { usedBytes: Number(used), totalBytes: undefined },
        },
      ];
    },
  );
}

function keepSteps({ run, owner, id, planned, standing }: KeepOrder, words: readonly string[]): KeepSteps {
  const set = keptBy(run);
  const name = mintKeptName(set, planned.volumeId);
  const before = id.replaceAll('=', ' ');
  const dataset = before.slice(0, before.indexOf('@'));
  const after = snapshotOf(dataset, name);
  const { guid = '', txg = '' } = standing.seen;
  const marks = `${MARKS_PROPERTY}=${words.join(' ')}`;
  const isThatOne = `
sp_zfs_look "$1" && [ "$sp_of_run:$sp_of_owner:$sp_guid:$sp_txg" = "$2" ] || exit ${KEEP_EXITS.otherOne}`;
  const common = [before, `${run}:${owner}:${guid}:${txg}`];
  return {
    id: wordOf(after),
    proof: `${guid},${txg}`,
    lines: [
      `zfs set '${marks}' ${typed(before)}`,
      `zfs rename ${typed(fullName({ dataset, name: planned.snapshot }))} ${typed(after)}`,
      `zfs hold ${keptTag(set)} ${typed(after)} && zfs release ${holdTag(run)} ${typed(after)}`,
    ],
    mark: {
      name: 'mark-kept-dataset-snapshot',
      script: `${isThatOne}
zfs set "$3" "$1" </dev/null || exit ${KEEP_EXITS.failed}`,
      args: [...common, marks],
      fields: 0,
      parse: () => undefined,
    },
    rename: {
      name: 'rename-kept-dataset-snapshot',
      script: `${isThatOne}
zfs rename "$1" "$3" </dev/null || exit ${KEEP_EXITS.failed}
# It stays already. These would say of which run it was.
zfs hold "$5" "$3" </dev/null && zfs inherit ${RUN_PROPERTY} "$3" </dev/null || exit ${KEEP_EXITS.failed}
zfs release "$4" "$3" </dev/null 2>/dev/null
exit 0`,
      args: [...common, after, holdTag(run), keptTag(set)],
      fields: 0,
      parse: () => undefined,
    },
  };
}
