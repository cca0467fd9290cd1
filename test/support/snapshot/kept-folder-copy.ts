/** Copies of folders that are kept on purpose: the words about one lie beside its content, and it is renamed. */
import { keptBy, mintKeptName, setOfName } from '../../../shared/domain/kept-name.ts';
import type { RemoteCommand } from '../../../shared/remote/command.ts';
import { type KeptObject, type KeptSnapshots, removalOf } from '../../../shared/snapshot/kept-port.ts';

/** @param copies the folder that has a folder for each copy */
export function keptFolderCopies(copies: string): KeptSnapshots {
  const list: RemoteCommand<readonly KeptObject[]> = {
    name: 'list-kept-copies',
    script: `for copy in ${copies}/spk_????????_????????; do [ ! -d "$copy" ] || { stat -c '%i' "$copy"; echo "$copy"; cat "$copy/words" 2>/dev/null; printf '\\0'; }; done`,
    args: [],
    needs: 'root',
    budgetMs: 30_000,
    repeatable: true,
    parse: ({ stdout }) =>
      stdout
        .toString()
        .split('\0')
        .flatMap((record): KeptObject[] => {
          const [proof = '', id = '', ...words] = record.split('\n').filter((line) => line !== '');
          const set = setOfName(id.slice(id.lastIndexOf('/') + 1));
          if (set === undefined) return [];
          const room = { usedBytes: undefined, totalBytes: undefined };
          return [
            { ...{ kind: 'folder-copy', id, set, proof, words, room }, volumeId: '', volume: '', state: 'whole' },
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
        lines: [`mv ${id} ${kept}`],
        mark: {
          name: 'mark-kept-copy',
          script: `${isSame}\nto=$1; shift 2; printf '%s\\n' "$@" > "$to/words"`,
          ...{ args: [...common, ...words], fields: 0, parse },
        },
        rename: {
          name: 'rename-kept-copy',
          script: `${isSame}\n[ ! -e "$3" ] && mv "$1" "$3"`,
          ...{ args: [...common, kept], fields: 0, parse },
        },
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
