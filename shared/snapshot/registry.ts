/** The providers of this version, in the order in which they are asked whose a volume is. */
import { lvmThick } from './lvm/provider.ts';
import type { SnapshotProvider } from './provider.ts';

export const PROVIDERS: readonly SnapshotProvider[] = [lvmThick];
