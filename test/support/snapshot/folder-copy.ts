/**
 * A storage that is no storage: its snapshot of a folder is a copy of it. It exists to prove that the ports of
 * `shared/snapshot/` are not made for one storage only, and is as trivial as a provider can be. It claims every tmpfs
 * that was mounted under the name "folder-copy".
 */
import { StillpointError } from '../../../shared/base/errors.ts';
import { mintSnapshotName } from '../../../shared/domain/snapshot-name.ts';
import type { StorageFunctions } from '../../../shared/snapshot/host/functions.ts';
import { identityChanged } from '../../../shared/snapshot/identity-changed.ts';
import type {
  DetectedVolume,
  PlannedItem,
  RunIdentity,
  SnapshotProvider,
  Storage,
} from '../../../shared/snapshot/provider.ts';

export const SOURCE = 'folder-copy';
/** In it a folder for each copy: its content in `data`, our marks in `mark`. */
export const COPIES = '/var/tmp/folder-copies';

const onHost: StorageFunctions = {
  kind: 'folder-copy',
  script: `
sp_folder_copy_list() {
  for sp_copy in ${COPIES}/sp_????????_???????? ${COPIES}/.new-sp_????????_???????? ${COPIES}/.gone-sp_????????_????????; do
    [ -d "$sp_copy" ] || continue
    sp_marks=- sp_run=\${sp_copy##*/}
    sp_run=\${sp_run#.new-}; sp_run=\${sp_run#.gone-}; sp_run=\${sp_run#sp_}
    [ ! -r "$sp_copy/mark" ] || read -r sp_marked sp_marks < "$sp_copy/mark"
    echo "object folder-copy \${sp_run%_*} $sp_marks ${COPIES}/sp_$sp_run"
  done
}
# Under its name, or under one of those that it has on the way there and from there.
sp_folder_copy_remove() {
  sp_name=\${3##*/} sp_kept=0 sp_said=
  for sp_copy in "$3" "${COPIES}/.new-$sp_name" "${COPIES}/.gone-$sp_name"; do
    [ -d "$sp_copy" ] || continue
    sp_marks=; [ ! -r "$sp_copy/mark" ] || read -r sp_marks < "$sp_copy/mark"
    # Between its making and its marks; it is empty then.
    if [ -z "$sp_marks" ] && [ "$sp_copy" != "$3" ]; then rm -rf "$sp_copy/data" "$sp_copy/mark"; rmdir "$sp_copy" 2>/dev/null; continue; fi
    [ "$sp_marks" = "$1 $2" ] || { sp_said="foreign $3"; continue; }
    if [ -n "\${4:-}" ] && [ "$(stat -c %i "$sp_copy" 2>/dev/null)" != "$4" ]; then sp_said="foreign $3"; continue; fi
    [ "$sp_copy" != "$3" ] || { mv "$3" "${COPIES}/.gone-$sp_name" 2>/dev/null && sp_copy=${COPIES}/.gone-$sp_name || continue; }
    # The marks go last, so that what is left half-removed is still ours.
    rm -rf "$sp_copy/data" && rm -rf "$sp_copy" && sp_said="removed $3" || sp_kept=1
  done
  [ -z "$sp_said" ] || echo "$sp_said"
  [ "$sp_kept" = 0 ] || { echo "busy $3"; return 1; }
}
sp_folder_copy_guard() {
  if [ "$(stat -c %i "$1" 2>/dev/null)" = "$2" ]; then echo fine; else echo gone; fi
}`,
};

export const folderCopy: SnapshotProvider = {
  kind: 'folder-copy',
  programs: { coreutils: 'cp mv mkdir stat' },
  onHost,
  remedy: () => 'Mount a tmpfs under the name "folder-copy".',
  survey: () => Promise.resolve(storage),
};

const storage: Storage = {
  provider: folderCopy,
  pools: [],
  claim: ({ mounts: [mount] }) =>
    mount.source.toString() !== SOURCE
      ? undefined
      : {
          id: `folder-copy:${mount.target.toString()}`,
          kind: { name: 'folder-copy', words: 'folder that is copied' },
          label: mount.target.toString(),
          sizeBytes: undefined,
          usedBytes: 0,
          snapshot: { possible: true, provider: 'folder-copy' },
        },
  refuse: () => undefined,
  afterSweep: () => ({ storage, removes: [] }),
  plan: (volumes, identity) => ({ items: volumes.map((volume) => itemOf(volume, identity)), risks: [] }),
};

function itemOf(volume: DetectedVolume, { run, owner }: RunIdentity): PlannedItem {
  const name = mintSnapshotName(run, volume.volume.id);
  const [copy, origin] = [`${COPIES}/${name}`, volume.mounts[0]?.target ?? Buffer.from('/nowhere')];
  return {
    provider: 'folder-copy',
    volume,
    planned: {
      ...{ volume: volume.volume.label, volumeId: volume.volume.id, snapshot: name },
      ...{ sizeBytes: 0, freeBytesAfter: 0, mountpoint: volume.volume.mountpoints[0] ?? '' },
    },
    lines: {
      create: `cp -ax ${origin.toString()}/. ${copy}/data`,
      mount: (path) => `mount --bind ${copy}/data ${path}`,
      remove: `rm -rf ${copy}`,
    },
    create: {
      name: 'copy-folder',
      script: `
copy=$1 origin=$2 marks=$3
sp_plan folder-copy "$copy"
new="${COPIES}/.new-\${copy##*/}"
mkdir -p "$new/data" && echo "$marks" > "$new/mark" && mv "$new" "$copy" || exit 81
sp_instant cp -ax "$origin/." "$copy/data" || exit 82
inode=$(stat -c %i "$copy")
sp_made "$inode"
printf '%s\\0' "$inode"`,
      args: [copy, origin, `${run} ${owner}`],
      fields: 1,
      parse: ([inode = '']) => ({ sizeBytes: 0, seen: { inode } }),
    },
    mount: (path) => ({
      name: 'bind-copy',
      script: `
sp_enter "$run" mount --bind "$1/data" "$2" || exit 77
sp_enter "$run" mount -o remount,ro,bind "$2" || exit 77
stat -c %i "$1" | tr '\\n' '\\0'`,
      args: [copy, path],
      fields: 1,
      parse: ([inode = '']) => ({ inode }),
    }),
    observe: {
      name: 'observe-copy',
      script: `stat -c %i "$1" 2>/dev/null | tr -d '\\n'; printf '\\0'`,
      args: [copy],
      fields: 1,
      parse: ([inode = '']) => ({ inode }),
    },
    judge: (standing, mounted, observed, host) => {
      if (new Set([standing.seen['inode'], mounted['inode'], observed['inode']]).size === 1) return;
      throw identityChanged(copy, host, { standing, mounted, observed });
    },
    explain: (step, failed, host) =>
      new StillpointError(
        step === 'create' ? 'snapshot.create-failed' : 'snapshot.mount-failed',
        `The copy of "${volume.volume.label}" on "${host}" failed.`,
        { advice: 'See what cp said.', details: { ...failed }, cause: undefined },
      ),
  };
}
