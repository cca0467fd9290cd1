/**
 * A storage that is no storage: its snapshot of a folder is a copy of it. It exists to prove that the ports of
 * `shared/snapshot/` are not made for one storage only, and is as trivial as a provider can be. It claims every tmpfs
 * that was mounted under the name "folder-copy", and every marked folder in one.
 */
import { StillpointError } from '../../../shared/base/errors.ts';
import type { Mount } from '../../../shared/domain/host.ts';
import { mintSnapshotName } from '../../../shared/domain/snapshot-name.ts';
import { turnOf } from '../../../shared/domain/turn.ts';
import type { RemoteCommand } from '../../../shared/remote/command.ts';
import type { StorageFunctions } from '../../../shared/snapshot/host/functions.ts';
import { identityChanged } from '../../../shared/snapshot/identity-changed.ts';
import { isWithin } from '../../../shared/snapshot/mountinfo.ts';
import {
  type Claim,
  type OriginVolume,
  type PlannedItem,
  placeOfMount,
  type RunIdentity,
  type SnapshotProvider,
  type Storage,
  type VolumePlace,
} from '../../../shared/snapshot/provider.ts';
import { keptFolderCopies } from './kept-folder-copy.ts';

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
  foresee: `
sp_folder_copy_foresee() {
  sp_said=
  for sp_copy in "$3" "${COPIES}/.new-\${3##*/}" "${COPIES}/.gone-\${3##*/}"; do
    [ -d "$sp_copy" ] || continue
    sp_marks=; [ ! -r "$sp_copy/mark" ] || read -r sp_marks < "$sp_copy/mark"
    [ -n "$sp_marks" ] || [ "$sp_copy" = "$3" ] || continue
    sp_said="foreign $3"
    [ "$sp_marks" = "$1 $2" ] || continue
    [ -n "\${4:-}" ] && [ "$(stat -c %i "$sp_copy" 2>/dev/null)" != "$4" ] || sp_said="removed $3"
  done
  [ -z "$sp_said" ] || echo "$sp_said"
}`,
};

export const folderCopy: SnapshotProvider = {
  kind: 'folder-copy',
  programs: { coreutils: 'cp mv mkdir stat' },
  onHost,
  remedy: () => 'Mount a tmpfs under the name "folder-copy".',
  async survey(host, mounting, signal) {
    const mounts = (await mounting).filter((mount) => mount.source.toString() === SOURCE);
    return storageOf(await host.run(listMarked(mounts), signal));
  },
};

interface Marked {
  readonly folder: Buffer;
  readonly mount: Mount;
}

/** A folder with this file in it is a volume of its own, mounted nowhere, as a subvolume in a subvolume is. */
export const MARK = '.volume';

function listMarked(mounts: readonly Mount[]): RemoteCommand<readonly Marked[]> {
  return {
    name: 'list-marked-folders',
    script: `for m do find "$m" -xdev -name ${MARK} -printf '%h\\0'; printf '\\0'; done`,
    args: mounts.map(({ target }) => target),
    needs: 'root',
    budgetMs: 30_000,
    repeatable: true,
    parse: ({ stdout }) => {
      const fields = stdout.toString('latin1').split('\0').slice(0, -1);
      if (fields.filter((field) => field === '').length !== mounts.length) throw new Error('a list is missing');
      let index = 0;
      return fields.flatMap((field) => {
        const mount = mounts[index];
        if (field === '') index += 1;
        return field === '' || mount === undefined ? [] : [{ folder: Buffer.from(field, 'latin1'), mount }];
      });
    },
  };
}

function storageOf(marked: readonly Marked[]): Storage {
  const claimOf = (place: VolumePlace): Claim => ({
    id: `folder-copy:${place.target.toString()}`,
    kind: { name: 'folder-copy', words: 'folder that is copied' },
    label: place.target.toString(),
    sizeBytes: undefined,
    usedBytes: 0,
    snapshot: { possible: true, provider: 'folder-copy' },
    places: [place],
  });
  const storage: Storage = {
    provider: folderCopy,
    pools: [],
    claim: ({ mounts }) =>
      mounts
        .filter((mount) => mount.source.toString() === SOURCE)
        .flatMap((mount) => [
          claimOf(placeOfMount(mount)),
          ...marked
            .filter((each) => each.mount === mount)
            .map(({ folder }) => claimOf({ target: folder, root: Buffer.from('/'), mount })),
        ]),
    refuse: () => undefined,
    afterSweep: () => ({ storage, removes: [] }),
    kept: keptFolderCopies(COPIES, (volume, reader) => itemOf(volume, [], reader)),
    plan: (volumes, identity) => ({
      items: volumes.map((volume) =>
        itemOf(
          volume,
          marked.map(({ folder }) => folder),
          identity,
        ),
      ),
      risks: [],
    }),
  };
  return storage;
}

function itemOf(volume: OriginVolume, marked: readonly Buffer[], { run, owner }: RunIdentity): PlannedItem {
  const name = mintSnapshotName(run, volume.volume.id);
  const [place] = volume.places;
  // Only who claims devices is asked for volumes without a place.
  if (place === undefined) throw new Error('a folder has a place');
  const origin = place.target;
  const copy = `${COPIES}/${name}`;
  const nested = marked.filter((folder) => !folder.equals(origin) && isWithin(folder, origin));
  return {
    provider: 'folder-copy',
    volume,
    turns: [turnOf('folder-copy', origin.toString(), `the folder ${origin.toString()}`)],
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
shift 3
sp_plan folder-copy "$copy"
new="${COPIES}/.new-\${copy##*/}"
mkdir -p "$new/data" && echo "$marks" > "$new/mark" && mv "$new" "$copy" || exit 81
sp_instant cp -ax "$origin/." "$copy/data" || exit 82
# As in a snapshot, a volume within is an empty folder.
for inner do find "$copy/data/$inner" -mindepth 1 -delete; done
inode=$(stat -c %i "$copy")
sp_made "$inode"
printf '%s\\0' "$inode"`,
      args: [copy, origin, `${run} ${owner}`, ...nested.map((folder) => folder.subarray(origin.length + 1))],
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
