/** Copies of folders that are kept on purpose: the words about one lie beside its content, and it is renamed. */
import { keptBy, mintKeptName, setOfName } from '../../../shared/domain/kept-name.ts';
import type { RemoteCommand } from '../../../shared/remote/command.ts';
import { type KeptObject, removalOf } from '../../../shared/snapshot/kept-port.ts';
import type { DetectedVolume, KeptSnapshots, PlannedItem, RunIdentity } from '../../../shared/snapshot/provider.ts';

/**
 * @param copies the folder that has a folder for each copy
 * @param itemOf a short-lived copy, as it would be planned
 */
export function keptFolderCopies(
  copies: string,
  itemOf: (volume: DetectedVolume, reader: RunIdentity) => PlannedItem,
): KeptSnapshots {
  const list: RemoteCommand<readonly KeptObject[]> = {
    name: 'list-kept-copies',
    script: `for copy in ${copies}/spk_????????_????????; do [ ! -d "$copy" ] || { stat -c '%i' "$copy"; echo "$copy"; cat "$copy/of" 2>/dev/null || echo; cat "$copy/words" 2>/dev/null; printf '\\0'; }; done`,
    args: [],
    needs: 'root',
    budgetMs: 30_000,
    repeatable: true,
    parse: ({ stdout }) =>
      stdout
        .toString()
        .split('\0')
        .flatMap((record): KeptObject[] => {
          const [proof = '', id = '', volumeId = '', ...words] = record.split('\n').slice(0, -1);
          const set = setOfName(id.slice(id.lastIndexOf('/') + 1));
          if (set === undefined) return [];
          const room = { usedBytes: undefined, totalBytes: undefined };
          return [
            { ...{ kind: 'folder-copy', id, set, proof, words, room }, volumeId, volume: volumeId, state: 'whole' },
          ];
        }),
  };
  return {
    look: (host, signal) => host.run(list, signal),
    keep: ({ id, run, planned, standing }, words) => {
      const kept = `${copies}/${mintKeptName(keptBy(run), planned.volumeId)}`;
      const isSame = `[ "$(stat -c %i "$1")" = "$2" ] || exit 79`;
      const common = [id, standing.seen['inode'] ?? ''];
      const parse = (): void => undefined;
      return {
        id: kept,
        proof: standing.seen['inode'] ?? '',
        lines: [`mv ${id} ${kept}`],
        mark: {
          name: 'mark-kept-copy',
          script: `${isSame}\nto=$1; echo "$3" > "$1/of"; shift 3; printf '%s\\n' "$@" > "$to/words"`,
          ...{ args: [...common, planned.volumeId, ...words], fields: 0, parse },
        },
        rename: {
          name: 'rename-kept-copy',
          script: `${isSame}\n[ ! -e "$3" ] && mv "$1" "$3"`,
          ...{ args: [...common, kept], fields: 0, parse },
        },
      };
    },
    read: ({ id, proof }, volume, reader) => {
      const item = itemOf(volume, reader);
      return {
        item: {
          ...item,
          mount: (path) => ({ ...item.mount(path), args: [id, path] }),
          observe: { ...item.observe, args: [id] },
        },
        seen: { inode: proof },
        putAway: { name: 'put-away-copy', script: ':', args: [], fields: 0, parse: () => undefined },
      };
    },
    remove: ({ id, proof }, owner) => ({
      line: `rm -rf ${id}`,
      remove: {
        name: 'remove-kept-copy',
        script: `said=removed
if [ ! -d "$1" ]; then said=
elif ! grep -qxF "spk.owner=$3" "$1/words" 2>/dev/null || [ "$(stat -c %i "$1")" != "$2" ]; then said=foreign
else rm -rf "$1" || said=busy; fi
printf '%s\\0' "$said"`,
        args: [id, proof, owner],
        fields: 1,
        parse: ([word = '']) => removalOf(word),
      },
    }),
  };
}
