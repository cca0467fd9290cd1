/**
 * What our snapshots are called and how they are marked. The marks are user properties that the very command sets which
 * makes the snapshots. A property that a snapshot has from its dataset, or that came with a stream of `zfs send`, says
 * nothing: only one that was set on the snapshot itself (its source is "local") is a mark. Old traces depend on this form.
 */
import type { KeptId } from '../../domain/kept-name.ts';
import type { RunId } from '../../domain/names.ts';

export const RUN_PROPERTY = 'stillpoint:run';
export const OWNER_PROPERTY = 'stillpoint:owner';

/** By which we hold our snapshots, so that nothing else destroys them before we let go. */
export const holdTag = (run: RunId): string => `sp_${run}`;

/** By which we hold those that are kept. */
export const keptTag = (set: KeptId): string => `spk_${set}`;

export const snapshotOf = (dataset: string, name: string): string => `${dataset}@${name}`;

/** In records a name is a word. Datasets and pools may have blanks in their names, and never "=". */
export const wordOf = (name: string): string => name.replaceAll(' ', '=');

export const poolOf = (dataset: string): string => dataset.replace(/[/@].*$/s, '');
