import type { Hook } from '../../../shared/quiesce/hook.ts';
import { flagFile } from './flag-file.ts';

/** A hook that has nothing to hold, and says of an application where it has its files. */
export const keeperOf = (path: string): Hook => ({
  ...flagFile(),
  look: () => ({
    ...{ name: 'look-at-keeper', script: ':', args: [], needs: 'either', budgetMs: 10_000, repeatable: true },
    parse: () => ({ lacks: [], places: [{ what: 'the data of it', path: Buffer.from(path) }], facts: {} }),
  }),
});
