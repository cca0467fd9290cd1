/**
 * The store that a run writes to, where it lies within what is read, as of a host that is its own server: each backup would
 * save what the last one stored, and grow by it. It is known by its file "config", which no other store has.
 */
import { type RemoteCommand, type RemoteScript, unreadableOutput } from '../../remote/command.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import type { ConfigMark } from '../../repository/repository.ts';
import { type ReadingPlace, scriptAt } from './reading-place.ts';
import { joined } from './select.ts';
import type { Selection } from './spool.ts';

export interface OwnStores {
  /** Sees each entry on its way. */
  readonly select: () => Selection;
  /** Asks the host which of what was seen it is. Resolves to folders below the tree's root, as Latin-1 text. */
  find(host: RemoteHost, place: ReadingPlace, signal: AbortSignal): Promise<readonly string[]>;
}

const CONFIG = 'config';

/** @param root of the tree, as it is found where it is read */
export function ownStoresIn(root: Buffer, mark: ConfigMark | undefined, select: () => Selection): OwnStores {
  const met = new Set<string>();
  return {
    select: () => {
      const selected = select();
      return (entry) => {
        const isWanted = selected(entry);
        if (isWanted && entry.type === 'file' && entry.size === mark?.bytes) {
          const text = entry.path.toString('latin1');
          // A source that is the store itself was named by a person.
          if (text.endsWith(`/${CONFIG}`)) met.add(text);
        }
        return isWanted;
      };
    },
    async find(host, place, signal) {
      const paths = [...met];
      if (paths.length === 0) return [];
      const sums = await host.run(
        sumConfigs(
          place,
          paths.map((path) => joined(root, Buffer.from(path, 'latin1'))),
        ),
        signal,
      );
      return paths.filter((_, at) => sums[at] === mark?.sha256).map((path) => path.slice(0, -`/${CONFIG}`.length));
    },
  };
}

/** SHA-256 of each, in hex digits; nothing of one that cannot be read. */
export function sumConfigs(place: ReadingPlace, paths: readonly Buffer[]): RemoteCommand<readonly string[]> {
  const script: RemoteScript = scriptAt(place, {
    name: 'sum-configs',
    script: `
for f do
  sum=$(sha256sum < "$f" 2>/dev/null) || sum=
  printf "%s\\0" "\${sum%% *}"
done`,
    args: paths,
  });
  return {
    ...script,
    budgetMs: 120_000,
    repeatable: true,
    parse: ({ stdout }) => {
      const sums = stdout.toString('latin1').split('\0');
      if (sums.pop() !== '' || sums.length !== paths.length || !sums.every((sum) => /^([0-9a-f]{64})?$/.test(sum)))
        throw unreadableOutput(script, 'sums are missing', stdout.toString('latin1'));
      return sums;
    },
  };
}
