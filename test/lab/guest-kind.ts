/** The kinds of guests: which kernel one boots, and what is on its root disk beside what all have. */
import { chooseKernel } from './kernel/choose-kernel.ts';
import type { PreparedKernel } from './kernel/guest-kernel.ts';
import type { Progress } from './progress.ts';
import type { RootDiskExtras } from './recipe.ts';

export interface GuestKind {
  chooseKernel(context: { readonly progress: Progress; readonly signal: AbortSignal }): Promise<PreparedKernel>;
  readonly extras?: () => RootDiskExtras;
}

export const plainGuest: GuestKind = { chooseKernel };
