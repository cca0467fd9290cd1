/** What this version can do, as a value: a provider or a hook is added by one line. */

import { commands } from '../quiesce/commands/hook.ts';
import type { Hook } from '../quiesce/hook.ts';
import { mariadb } from '../quiesce/mariadb/hook.ts';
import { pauses } from '../quiesce/pause/hook.ts';
import { postgresql } from '../quiesce/postgresql/hook.ts';
import { redis } from '../quiesce/redis/hook.ts';
import { services } from '../quiesce/service/hook.ts';
import { sqlite } from '../quiesce/sqlite/hook.ts';
import { btrfs } from './btrfs/provider.ts';
import { type HostScripts, hostScripts } from './host/scripts.ts';
import { lvmThick, lvmThin } from './lvm/provider.ts';
import type { SnapshotProvider } from './provider.ts';
import { zfs } from './zfs/provider.ts';

export interface Registry {
  /** In the order in which they are asked whose a volume is. */
  readonly providers: readonly SnapshotProvider[];
  readonly hooks: readonly Hook[];
  /** Composed of what all of them have on a host. */
  readonly scripts: HostScripts;
}

export function createRegistry(providers: readonly SnapshotProvider[], hooks: readonly Hook[]): Registry {
  const storages = [...new Map(providers.map(({ onHost }) => [onHost.kind, onHost])).values()];
  const holds = [...new Map(hooks.map(({ onHost }) => [onHost.kind, onHost])).values()];
  return { providers, hooks, scripts: hostScripts({ storages, holds }) };
}

export const REGISTRY: Registry = createRegistry(
  [lvmThick, lvmThin, btrfs, zfs],
  [services, mariadb, postgresql, redis, sqlite, pauses, commands],
);
