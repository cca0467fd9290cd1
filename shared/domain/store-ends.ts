/** What an end means for a repository, in sentences that several verbs share, computed from what was changed in it. */
import { NO_STORE, type RunFacts, type StoreFacts } from './run-facts.ts';

export const storeOf = ({ stores }: RunFacts, repository: string): StoreFacts => stores[repository] ?? NO_STORE;

/**
 * Of packs and index files, which are written first and removed last.
 *
 * @param next "The next prune": what takes up from there
 */
export function aboutFiles(store: StoreFacts, next: string): string[] {
  const unsure = aboutUnsure(store);
  if (!changesFiles(store)) return unsure.length > 0 ? unsure : ['It changed nothing.'];
  const { packsSaved, packsRemoved, indexesSaved, indexesRemoved, filesUnsure, isCutShort } = store;
  const least = isCutShort === true ? 'at least ' : '';
  const wrote = `${least}${counted(packsSaved, 'pack')} and ${counted(indexesSaved, 'index file')}`;
  const removed = `${least}${counted(packsRemoved, 'pack')} and ${counted(indexesRemoved, 'index file')}`;
  if (packsSaved + packsRemoved + indexesSaved + indexesRemoved + filesUnsure === 0)
    return [`It may have begun to write or remove packs and index files. ${next} continues from there.`, ...unsure];
  const open = filesUnsure === 0 ? '' : `; for ${filesUnsure} more it is unknown`;
  return [`It had written ${wrote}, and removed ${removed}${open}. ${next} continues from there.`, ...unsure];
}

export function changesFiles(store: StoreFacts): boolean {
  const { packsSaved, packsRemoved, indexesSaved, indexesRemoved, filesUnsure, isCutShort } = store;
  return isCutShort === true || packsSaved + packsRemoved + indexesSaved + indexesRemoved + filesUnsure > 0;
}

export function aboutUnsure({ unsure }: StoreFacts): string[] {
  if (unsure.length === 0) return [];
  return [`It is unknown whether ${unsure.slice(0, 5).join(', or whether ')}; list the restore points to see.`];
}

export const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

export const were = (count: number, what: string): string => `${counted(count, what)} ${count === 1 ? 'was' : 'were'}`;

export const listed = (ids: readonly string[]): string => firstOf(ids.map((id) => id.slice(0, 8)));

export function firstOf(names: readonly string[]): string {
  const rest = names.length - 5;
  return rest > 0 ? `${names.slice(0, 5).join(', ')} and ${rest} more` : names.join(', ');
}
