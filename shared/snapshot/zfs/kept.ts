/**
 * Snapshots of datasets that are kept on purpose: the words about one are a property that was set on it itself, `zfs rename`
 * makes it a kept one, and a hold of its own keeps other tools from destroying it.
 */
import { keptBy, mintKeptName, setOfName } from '../../domain/kept-name.ts';
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';
import type { KeepOrder, KeepSteps, KeptObject } from '../kept-port.ts';
import { removalOf } from '../kept-port.ts';
import type { DetectedVolume, KeptReading, KeptSnapshots, RunIdentity } from '../provider.ts';
import { fullName, typed } from './create.ts';
import { zfsOnHost } from './host-functions.ts';
import { datasetItem } from './item.ts';
import { holdTag, keptTag, poolOf, RUN_PROPERTY, snapshotOf, wordOf } from './naming.ts';

const MARKS_PROPERTY = 'stillpoint:kept';

/** Exit codes of the steps: it is not the snapshot that was made; ZFS failed, and said why. */
const KEEP_EXITS = { otherOne: 79, failed: 81 } as const;

const LIST: RemoteScript = {
  name: 'list-kept-datasets',
  script: `${zfsOnHost.script}
command -v zfs >/dev/null 2>&1 || exit 0
for sp_file in /proc/spl/kstat/zfs/*/state; do
  [ -r "$sp_file" ] || continue
  sp_pool=\${sp_file%/state}; sp_pool=\${sp_pool##*/}
  sp_zfs_answers "$sp_pool" || continue
  timeout 120 zfs get -Hp -r -t snapshot -o name,property,value,source guid,createtxg,used,${MARKS_PROPERTY} "$sp_pool" </dev/null | grep '@spk_'
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
        script: `sp_kept_said=$(sp_zfs_take_away '' "$3" "$1" "$4" "\${2%,*}" "\${2#*,}")
printf '%s\\0' "\${sp_kept_said%% *}"`,
        args: [id, proof, owner, keptTag(set)],
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

/** Lines of name, property, value and source; what is in a value of somebody else may hold tabs. */
export function parseKept(text: string, idOf: (dataset: string) => string | undefined): readonly KeptObject[] {
  const lines = text.split('\n').filter((line) => line !== '');
  const rows = lines.map((line) => {
    const [, name, property, value, source] = /^([^\t]+)\t([^\t]+)\t(.*)\t([^\t]*)$/.exec(line) ?? [];
    if (name === undefined || property === undefined || value === undefined) {
      throw unreadableOutput(LIST, 'a snapshot is described in another form', line);
    }
    return { name, property, value, source };
  });
  return [...Map.groupBy(rows, ({ name }) => name)].flatMap(([name, own]) => {
    const [dataset = '', snapshot = ''] = name.split('@');
    const set = setOfName(snapshot);
    if (set === undefined) return [];
    const valueOf = (property: string): string => own.find((row) => row.property === property)?.value ?? '';
    const [guid, txg, used] = [valueOf('guid'), valueOf('createtxg'), valueOf('used')];
    if (![guid, txg, used].every((number) => /^\d+$/.test(number))) {
      throw unreadableOutput(LIST, 'a number is missing', name);
    }
    const marks = own.find(({ property, source }) => property === MARKS_PROPERTY && source === 'local');
    return [
      {
        ...({ kind: 'zfs', id: wordOf(name), set, proof: `${guid},${txg}`, state: 'whole' } as const),
        ...{ volumeId: idOf(dataset) ?? '', volume: dataset },
        words: marks?.value.split(' ') ?? [],
        room: { usedBytes: Number(used), totalBytes: undefined },
      },
    ];
  });
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
    ],
    mark: {
      name: 'mark-kept-dataset-snapshot',
      script: `${isThatOne}
zfs set "$3" "$1" </dev/null && zfs hold "$4" "$1" </dev/null || exit ${KEEP_EXITS.failed}`,
      args: [...common, marks, keptTag(set)],
      fields: 0,
      parse: () => undefined,
    },
    rename: {
      name: 'rename-kept-dataset-snapshot',
      script: `${isThatOne}
zfs rename "$1" "$3" </dev/null || exit ${KEEP_EXITS.failed}
# It stays already. These would say of which run it was.
zfs inherit ${RUN_PROPERTY} "$3" </dev/null || exit ${KEEP_EXITS.failed}
zfs release "$4" "$3" </dev/null 2>/dev/null
exit 0`,
      args: [...common, after, holdTag(run)],
      fields: 0,
      parse: () => undefined,
    },
  };
}
