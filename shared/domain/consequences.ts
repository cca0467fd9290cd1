/**
 * What the end of a job means, computed from what it did: one place for all verbs, all ends and all shells. Sentences for
 * people, in the order of what matters most: the data, then the host.
 *
 * Nothing is said that the facts do not hold; where an answer is missing, that is said. So no error has to guess what
 * it means for the whole, and what to do next is all that its advice says.
 */

import { formatBytes } from '../base/bytes.ts';
import { type ErrorRecord, StillpointError, toStillpointError } from '../base/errors.ts';
import type { JobRequest } from './job.ts';
import { type HostFacts, NO_STORE, type RunFacts, type StoreFacts, type TargetFacts } from './run-facts.ts';

/** For a job whose process never came to its work. */
export const NOT_BEGUN = 'The job had not begun.';

/** For a job that did not come to its end. */
export function consequencesOf(request: JobRequest, facts: RunFacts): string[] {
  return [...aboutData(request, facts), ...aboutHost(facts.host)];
}

/** An error at the end of a job: what happened, what it means, what to do next. */
export function withConsequences(error: ErrorRecord, consequences: readonly string[]): ErrorRecord {
  return { ...error, advice: [...consequences, error.advice].filter((text) => text !== '').join(' ') };
}

/** The same for an error on its way to the caller. */
export function errorWithConsequences(error: unknown, consequences: readonly string[]): StillpointError {
  const { code, message, advice, details, retry } = toStillpointError(error);
  const means = withConsequences({ code, message, advice, details }, consequences);
  return new StillpointError(code, message, { advice: means.advice, details, retry, cause: error });
}

function aboutData(request: JobRequest, { stores, target }: RunFacts): string[] {
  const store = (name: string): StoreFacts => stores[name] ?? NO_STORE;
  switch (request.kind) {
    case 'backup':
      return aboutBackup(Object.values(stores)[0] ?? NO_STORE);
    case 'copy':
      return aboutCopy(store(request.to), request.to);
    case 'forget':
      return aboutForget(store(request.repository));
    case 'prune':
      return aboutFiles(store(request.repository), 'prune');
    case 'repair':
      return aboutRepair(store(request.repository));
    case 'restore':
      return [target === undefined ? 'Nothing was written.' : aboutTarget(target)];
    case 'check':
    case 'verify':
      return ['It changed nothing.'];
    case 'sweep':
      return [];
  }
}

function aboutBackup(store: StoreFacts): string[] {
  const { pointsSaved, packsSaved, unsure } = store;
  if (pointsSaved.length > 0) return [`The restore point ${listed(pointsSaved)} is saved.`];
  if (unsure.length > 0) return aboutUnsure(store);
  const kept =
    packsSaved === 0
      ? []
      : [`What it had stored (${counted(packsSaved, 'pack')}) stays in the repository until a prune.`];
  return ['No restore point was saved.', ...kept];
}

function aboutCopy(store: StoreFacts, to: string): string[] {
  const { pointsSaved, packsSaved } = store;
  const unsure = aboutUnsure(store);
  if (pointsSaved.length > 0) {
    return [
      `${were(pointsSaved.length, 'restore point')} copied to "${to}" before that; copying again continues from there.`,
      ...unsure,
    ];
  }
  if (unsure.length > 0) return unsure;
  const kept =
    packsSaved === 0 ? [] : [`What it had stored (${counted(packsSaved, 'pack')}) stays there until a prune.`];
  return [`No restore point was copied to "${to}".`, ...kept];
}

function aboutForget(store: StoreFacts): string[] {
  const { pointsRemoved } = store;
  const pruned = changesFiles(store) ? aboutFiles(store, 'prune') : aboutUnsure(store);
  if (pointsRemoved.length > 0) {
    return [
      `${were(pointsRemoved.length, 'restore point')} forgotten before that: ${listed(pointsRemoved)}.`,
      ...pruned,
    ];
  }
  return pruned.length > 0 ? pruned : ['No restore point was forgotten.'];
}

function aboutRepair(store: StoreFacts): string[] {
  const { pointsSaved, pointsRemoved } = store;
  const points = [
    ...(pointsSaved.length === 0 ? [] : [`It had saved the restore points ${listed(pointsSaved)}.`]),
    ...(pointsRemoved.length === 0 ? [] : [`It had removed the restore points ${listed(pointsRemoved)}.`]),
  ];
  return points.length > 0 && !changesFiles(store)
    ? [...points, ...aboutUnsure(store)]
    : [...points, ...aboutFiles(store, 'repair')];
}

/** Of packs and index files, which are written first and removed last. */
function aboutFiles(store: StoreFacts, verb: 'prune' | 'repair'): string[] {
  const unsure = aboutUnsure(store);
  if (!changesFiles(store)) return unsure.length > 0 ? unsure : ['It changed nothing.'];
  const { packsSaved, packsRemoved, indexesSaved, indexesRemoved, filesUnsure, isCutShort } = store;
  const least = isCutShort === true ? 'at least ' : '';
  const wrote = `${least}${counted(packsSaved, 'pack')} and ${counted(indexesSaved, 'index file')}`;
  const removed = `${least}${counted(packsRemoved, 'pack')} and ${counted(indexesRemoved, 'index file')}`;
  const next = verb === 'prune' ? 'The next prune' : 'The same repair';
  if (packsSaved + packsRemoved + indexesSaved + indexesRemoved + filesUnsure === 0)
    return [`It may have begun to write or remove packs and index files. ${next} continues from there.`, ...unsure];
  const open = filesUnsure === 0 ? '' : `; for ${filesUnsure} more it is unknown`;
  return [`It had written ${wrote}, and removed ${removed}${open}. ${next} continues from there.`, ...unsure];
}

function changesFiles(store: StoreFacts): boolean {
  const { packsSaved, packsRemoved, indexesSaved, indexesRemoved, filesUnsure, isCutShort } = store;
  return isCutShort === true || packsSaved + packsRemoved + indexesSaved + indexesRemoved + filesUnsure > 0;
}

function aboutUnsure({ unsure }: StoreFacts): string[] {
  if (unsure.length === 0) return [];
  return [`It is unknown whether ${unsure.slice(0, 5).join(', or whether ')}; list the restore points to see.`];
}

function aboutTarget({ path, work, state, files, bytes }: TargetFacts): string {
  switch (state) {
    case 'filling':
      return `What came before that (${counted(files, 'file')}, ${formatBytes(bytes)}) lies in "${work}" and nothing is at its place; remove that folder before you restore there again.`;
    case 'moving':
      return `Of what came, some may be at its place in "${path}", and the rest in "${work}".`;
    case 'filled':
      return `All that came is at its place in "${path}".`;
  }
}

function aboutHost(host: HostFacts | undefined): string[] {
  return host === undefined ? [] : [...aboutRun(host), ...aboutSweep(host)];
}

function aboutRun({ host, run, state, snapshotsMade, sweep, swept }: HostFacts): string[] {
  switch (state) {
    case 'untouched':
      return sweep === 'done' && swept.length === 0 ? [`Nothing was changed on "${host}".`] : [];
    case 'released':
      return [
        snapshotsMade === 0
          ? `Nothing of the run is left on "${host}".`
          : `${snapshotsMade === 1 ? 'Its snapshot' : 'Its snapshots'} on "${host}" ${snapshotsMade === 1 ? 'was' : 'were'} removed.`,
      ];
    case 'left':
      return [
        `Something of the run ${run} may be left on "${host}"; its watchman there, and the next job, try to remove it.`,
      ];
    case 'held':
      return [`What the run ${run} made on "${host}" is removed by the next job there, or when its lease ends.`];
  }
}

function aboutSweep({ host, sweep, swept }: HostFacts): string[] {
  if (sweep === 'unknown')
    return [`It is unknown what of earlier runs was removed from "${host}"; the next job there looks.`];
  return swept.length === 0 ? [] : [`It had removed what earlier runs left on "${host}": ${firstOf(swept)}.`];
}

export const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

const were = (count: number, what: string): string => `${counted(count, what)} ${count === 1 ? 'was' : 'were'}`;

export const listed = (ids: readonly string[]): string => firstOf(ids.map((id) => id.slice(0, 8)));

function firstOf(names: readonly string[]): string {
  const rest = names.length - 5;
  return rest > 0 ? `${names.slice(0, 5).join(', ')} and ${rest} more` : names.join(', ');
}
