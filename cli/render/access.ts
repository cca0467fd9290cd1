/** Who may open a repository, and who was at work on it. */
import type { JudgedLock, RepositoryKey, UnlockReport } from '../../shared/domain/repository-access.ts';
import { type Column, renderTable } from './table.ts';
import { counted, formatTime, type Paint, shown } from './text.ts';

const KEYS: readonly Column<RepositoryKey>[] = [
  { title: 'ID', cell: (key) => key.id.slice(0, 8) },
  { title: 'IN USE', cell: (key) => (key.inUse ? 'yes' : '-') },
  { title: 'USER', cell: (key) => key.username || '-' },
  { title: 'HOST', cell: (key) => key.hostname || '-' },
  { title: 'CREATED', cell: (key) => formatTime(key.created) },
];

export function renderKeys(keys: readonly RepositoryKey[], paint: Paint): string {
  return renderTable(KEYS, keys, paint);
}

export function renderUnlock({ removed, kept }: UnlockReport, paint: Paint): string {
  const head =
    removed.length === 0
      ? paint('green', kept.length === 0 ? 'There are no locks' : 'No lock was abandoned')
      : paint('green', `${counted(removed.length, 'lock')} removed`);
  const left = kept.length === 0 ? '' : `${paint('yellow', `${counted(kept.length, 'lock')} left`)}\n${lines(kept)}`;
  return `${head}\n${lines(removed)}${left}`;
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
