/**
 * Snapshots of subvolumes that are kept on purpose. One lies where the short-lived ones lie, in a folder of its own with
 * another beginning, and the words about it are in a file beside it. That folder gets its new name in one step.
 *
 *   .stillpoint/spk_<set>_<volume>.<owner>.<uuid of the origin>/spk_<set>_<volume>, and the file `marks`
 *
 * Old ones depend on this form.
 */
import { keptBy, mintKeptName, setOfName } from '../../domain/kept-name.ts';
import type { RemoteCommand, RemoteScript } from '../../remote/command.ts';
import { unreadableOutput } from '../../remote/command.ts';
import type { KeepOrder, KeepSteps, KeptObject } from '../kept-port.ts';
import { removalOf } from '../kept-port.ts';
import type { DetectedVolume, KeptReading, KeptSnapshots } from '../provider.ts';
import { subvolumeItem } from './item.ts';
import { OURS } from './naming.ts';
import { INNER_EXITS, inNamespace, READ, SOURCES } from './private-namespace.ts';
import type { FileSystemFacts } from './survey-command.ts';

/**
 * sp_kept [UUID SOURCE]…: of each kept one: UUID of the file system, folder, UUID, flags and marks.
 *
 * sp_beside SOURCE NAME OWNER UUID WORD…: writes the marks. sp_rename SOURCE NAME OWNER UUID NEW: gives it its name. What is
 * said to be kept must be there after a power cut, so both wait for the disk.
 *
 * sp_drop SOURCE ID OWNER UUID: removes one that bears this owner's marks, and is this subvolume, and read-only; prints the
 * first word of what `sp_btrfs_remove` would say.
 */
const VERBS = `
sp_inner() { for sp_copy in "$1"/sp_????????_???????? "$1"/spk_????????_????????; do [ ! -e "$sp_copy" ] || return 0; done; return 1; }
sp_kept() {
  while [ "$#" -ge 2 ]; do
    sp_fs=$1 sp_source=$2; shift 2
    sp_open "$sp_source" 2>/dev/null || continue
    if sp_ours; then
      for sp_folder in "$sp_tmp"/ours/spk_????????_????????.*; do
        [ -d "$sp_folder" ] || continue
        printf "%s\\0%s\\0" "$sp_fs" "\${sp_folder##*/}"
        sp_uuid=- sp_flags=-
        ! sp_inner "$sp_folder" || sp_btrfs_read "$(btrfs subvolume show "$sp_copy" 2>/dev/null)"
        printf "%s\\0%s\\0" "$sp_uuid" "$sp_flags"
        head -c 16384 "$sp_folder/marks" 2>/dev/null | tr "\\n\\0" "  "; printf "\\0"
      done
    fi
    sp_close
  done
}
sp_locate() {
  sp_open "$1" && sp_writable || exit ${INNER_EXITS.notMounted}
  sp_ours || exit ${INNER_EXITS.notOurs}
  for sp_folder in "$sp_tmp/ours/$2.$3".*; do break; done
  [ -d "$sp_folder" ] && sp_inner "$sp_folder" && sp_btrfs_read "$(btrfs subvolume show "$sp_copy")" || exit ${INNER_EXITS.noOrigin}
  [ "$sp_uuid $sp_flags" = "$4 readonly" ] || exit ${INNER_EXITS.noOrigin}
}
sp_beside() {
  sp_locate "$@"
  shift 4
  printf "%s\\n" "$@" > "$sp_folder/marks.new" && mv -f "$sp_folder/marks.new" "$sp_folder/marks" || exit ${INNER_EXITS.failed}
  btrfs filesystem sync "$sp_tmp/top" >/dev/null || exit ${INNER_EXITS.failed}
}
sp_rename() {
  sp_locate "$@"
  sp_new="$sp_tmp/ours/$5.$3.\${sp_folder##*.}"
  [ -e "$sp_folder/marks" ] && [ ! -e "$sp_new" ] || exit ${INNER_EXITS.failed}
  mv "$sp_folder" "$sp_new" && mv "$sp_new/$2" "$sp_new/$5" || exit ${INNER_EXITS.failed}
  btrfs filesystem sync "$sp_tmp/top" >/dev/null || exit ${INNER_EXITS.failed}
}
sp_drop() {
  sp_open "$1" 2>/dev/null && sp_writable 2>/dev/null || { echo unread; return 0; }
  sp_ours
  case $? in 0) ;; 1) return 0 ;; *) echo foreign; return 0 ;; esac
  for sp_folder in "$sp_tmp/ours/$2.$3".*; do break; done
  [ -d "$sp_folder" ] || return 0
  grep -qxF "spk.owner=$3" "$sp_folder/marks" 2>/dev/null || { echo foreign; return 0; }
  if sp_inner "$sp_folder"; then
    sp_btrfs_read "$(btrfs subvolume show "$sp_copy" 2>/dev/null)" && [ "$sp_uuid $sp_flags" = "$4 readonly" ] || { echo foreign; return 0; }
    timeout 10 btrfs subvolume delete -C "$sp_copy" >/dev/null 2>&1 || [ ! -e "$sp_copy" ] ||
      btrfs subvolume delete "$sp_copy" >/dev/null 2>&1
    [ ! -e "$sp_copy" ] || { echo busy; return 0; }
  fi
  rm -f "$sp_folder/marks.new" "$sp_folder/marks"
  rmdir "$sp_folder" 2>/dev/null || { echo busy; return 0; }
  sp_leave
  rmdir "$sp_tmp/top/${OURS}" 2>/dev/null
  echo removed
}`;

/** In a part of a script, or a script of its own. */
const KEPT = [READ, inNamespace(VERBS), SOURCES].join('\n');

const LIST: RemoteScript = {
  name: 'list-kept-subvolumes',
  script: `${KEPT}
sp_found=$(sp_btrfs_all /proc/self/mountinfo)
[ -n "$sp_found" ] && command -v btrfs >/dev/null 2>&1 || exit 0
sp_btrfs_in kept $sp_found`,
  args: [],
  needs: 'root',
};

/**
 * @param labelOf what a subvolume of this UUID is called on the host
 * @param seen what a survey saw
 */
export function btrfsKept(
  labelOf: (uuid: string) => string | undefined,
  seen: readonly FileSystemFacts[],
): KeptSnapshots {
  return {
    look: (host, signal) => host.run(listKept(labelOf), signal),
    keep: keepSteps,
    read: (object, volume) => readingOf(object, volume, seen),
    remove: ({ id, proof }, owner) => ({
      line: `btrfs subvolume delete -C ${OURS}/${id.slice(id.indexOf('/') + 1)}.*/*   # at the top level of ${id.slice(0, id.indexOf('/'))}`,
      remove: {
        name: 'remove-kept-subvolume',
        script: `${KEPT}
sp_source=$(sp_btrfs_source "\${1%%/*}" none) || { printf 'unread\\0'; exit 0; }
sp_btrfs_in drop "$sp_source" "\${1##*/}" "$3" "$2" 2>/dev/null | tr -d '\\n'; printf '\\0'`,
        args: [id, proof, owner],
        fields: 1,
        parse: ([word = '']) => removalOf(word),
      },
    }),
  };
}

function readingOf(
  { id, proof, volumeId }: KeptObject,
  volume: DetectedVolume,
  seen: readonly FileSystemFacts[],
): KeptReading {
  const fileSystem = seen.find(({ uuid }) => id.startsWith(`${uuid}/`));
  const found = fileSystem?.subvolumes.find(({ uuid }) => uuid === proof);
  const [, folder, name] = found?.path.toString('latin1').split('/') ?? [];
  if (fileSystem === undefined || found === undefined || folder === undefined || name === undefined) {
    throw new Error(`${id} is not among what the survey saw`);
  }
  const { label, mountpoints } = volume.volume;
  return {
    item: subvolumeItem({
      volume,
      planned: {
        ...{ volume: label, volumeId, snapshot: name, mountpoint: mountpoints[0] ?? '' },
        ...{ sizeBytes: 0, freeBytesAfter: 0 },
      },
      order: {
        ...{ fileSystem: fileSystem.uuid, source: fileSystem.source, device: fileSystem.device, folder, name },
        ...{ number: found.number, path: found.path, root: found.path, origin: found.parentUuid ?? '', known: [] },
      },
    }),
    seen: { uuid: proof, parent: found.parentUuid ?? '' },
    putAway: { name: 'put-away-kept-snapshot', script: ':', args: [], fields: 0, parse: () => undefined },
  };
}

function listKept(labelOf: (uuid: string) => string | undefined): RemoteCommand<readonly KeptObject[]> {
  return {
    ...LIST,
    budgetMs: 120_000,
    repeatable: true,
    parse: ({ stdout }) => {
      const fields = stdout.toString('latin1').split('\0');
      if (fields.pop() !== '' || fields.length % 5 !== 0) {
        throw unreadableOutput(LIST, 'its last field is cut', stdout.toString('latin1'));
      }
      return Array.from({ length: fields.length / 5 }, (_, index) => fields.slice(5 * index, 5 * index + 5)).flatMap(
        ([fileSystem = '', folder = '', uuid = '', flags = '', marks = '']) => {
          const [name = '', , origin = ''] = folder.split('.');
          const set = setOfName(name);
          if (set === undefined) return [];
          const state = uuid === '-' ? 'gone' : flags === 'readonly' ? 'whole' : 'foreign';
          return [
            {
              ...({ kind: 'btrfs', id: `${fileSystem}/${name}`, set, proof: uuid, state } as const),
              volumeId: `btrfs:${origin}`,
              volume: labelOf(origin) ?? 'a subvolume that is gone',
              words: marks.split(' ').filter((word) => word !== ''),
              room: { usedBytes: undefined, totalBytes: undefined },
            },
          ];
        },
      );
    },
  };
}

function keepSteps({ run, owner, id, planned, standing }: KeepOrder, words: readonly string[]): KeepSteps {
  const [fileSystem = ''] = id.split('/');
  const name = mintKeptName(keptBy(run), planned.volumeId);
  const common = [id, owner, standing.seen['uuid'] ?? ''];
  const source = `${KEPT}
sp_source=$(sp_btrfs_source "\${1%%/*}" none) || exit ${INNER_EXITS.notMounted}`;
  return {
    id: `${fileSystem}/${name}`,
    proof: standing.seen['uuid'] ?? '',
    lines: [`mv ${OURS}/${planned.snapshot}.* ${OURS}/${name}.*   # at the top level of ${fileSystem}`],
    mark: {
      name: 'mark-kept-subvolume',
      script: `${source}
sp_id=$1 sp_owner=$2 sp_made=$3
shift 3
sp_btrfs_in beside "$sp_source" "\${sp_id##*/}" "$sp_owner" "$sp_made" "$@"`,
      args: [...common, ...words],
      fields: 0,
      parse: () => undefined,
    },
    rename: {
      name: 'rename-kept-subvolume',
      script: `${source}
sp_btrfs_in rename "$sp_source" "\${1##*/}" "$2" "$3" "$4"`,
      args: [...common, name],
      fields: 0,
      parse: () => undefined,
    },
  };
}
