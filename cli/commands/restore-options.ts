/** What `stillpoint restore` is asked with. */
import type { DetachOption } from './detach.ts';
import type { FilterOptions } from './filter.ts';
import type { NoLockOption } from './no-lock.ts';

export interface RestoreOptions extends DetachOption, FilterOptions, NoLockOption {
  readonly to: string;
  readonly repository?: string;
  readonly rename?: boolean;
}
