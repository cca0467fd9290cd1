/** Who may open a repository, and who was at work on it. */

import type { RepositoryName } from '../../shared/domain/names.ts';
import type { JudgedLock, KeyListing, RepositoryKey, UnlockReport } from '../../shared/domain/repository-access.ts';
import { type Column, renderTable } from './table.ts';
import { counted, formatTime, type Paint, shown } from './text.ts';

const KEYS: readonly Column<RepositoryKey>[] = [
  { title: 'ID', cell: (key) => key.id.slice(0, 8) },
  { title: 'IN USE', cell: (key) => (key.inUse ? 'yes' : '-') },
  { title: 'USER', cell: (key) => key.username || '-' },
  { title: 'HOST', cell: (key) => key.hostname || '-' },
  { title: 'CREATED', cell: (key) => formatTime(key.created) },
];

export function renderKeys({ keys, unreadable }: KeyListing, paint: Paint): string {
  const damaged = unreadable.map(
    ({ id, reason }) => `${paint('red', `${shown(id.slice(0, 8))} opens nothing`)}: ${shown(reason)}\n`,
  );
  const next =
    damaged.length === 0
      ? ''
      : 'Bring such a file back from a copy of the files of the repository, or add its password anew.\n';
  return renderTable(KEYS, keys, paint) + damaged.join('') + next;
}

interface UnlockAct {
  readonly repository: RepositoryName;
  readonly which: 'stale' | 'all';
}

export function renderUnlock({ removed, kept }: UnlockReport, act: UnlockAct, paint: Paint): string {
  const head =
    removed.length === 0
      ? paint('green', kept.length === 0 ? 'There are no locks' : 'No lock was abandoned')
      : paint('green', `${counted(removed.length, 'lock')} removed`);
  const left = kept.length === 0 ? '' : `${paint('yellow', `${counted(kept.length, 'lock')} left`)}\n${lines(kept)}`;
  return `${head}\n${lines(removed)}${left}${kept.length === 0 ? '' : nextStep(act)}`;
}

function nextStep({ repository, which }: UnlockAct): string {
  return which === 'all'
    ? 'See why the store refuses, then do the same again.\n'
    : `What is at work removes its lock itself. When nothing works on the repository any more: stillpoint unlock ${shown(repository)} --remove-all\n`;
}

function lines(locks: readonly JudgedLock[]): string {
  return locks.map((lock) => `  ${describe(lock)}: ${shown(lock.reason)}\n`).join('');
}

function describe({ id, owner }: JudgedLock): string {
  const short = shown(id.slice(0, 8));
  if (owner === undefined) return short;
  const kind = owner.exclusive ? 'exclusive' : 'shared';
  const user = owner.username === '' ? 'an unknown user' : shown(owner.username);
  return `${short}, ${kind}, of process ${owner.pid} of ${user} on "${shown(owner.hostname)}", ${formatTime(owner.time)}`;
}
