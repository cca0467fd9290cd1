/**
 * Check: is everything there that should be, judged by names, sizes and the small files. It reads keys, index, locks,
 * restore points and all trees, and of packs only those whose size does not fit; `verify` reads all.
 *
 * Findings are values; only what makes looking impossible (the place is gone) is an error. Data that nothing names is
 * a warning: an interrupted backup leaves it, and it harms nothing.
 */

import type { OpenedRepository } from '../opened-repository.ts';
import type { CheckResult, VerifyProgress } from '../repository.ts';
import { compareHeaders } from './headers.ts';
import { proveChosen } from './prove-chosen.ts';
import { conclude, inspectStructure } from './structure.ts';

export interface CheckOptions {
  /** Also reads the header of every pack: one small request each. */
  readonly headers?: boolean;
  readonly onProgress?: (progress: VerifyProgress) => void;
}

export async function checkRepository(
  repository: OpenedRepository,
  signal: AbortSignal,
  options: CheckOptions = {},
): Promise<CheckResult> {
  const structure = await inspectStructure(repository, signal);
  const { suspects } = structure.packs;
  if (options.headers === true) await compareHeaders(repository, structure, signal);
  const { bytes } = await proveChosen(repository, structure, { ...options, signal, choose: (id) => suspects.has(id) });
  return { ...(await conclude(repository, structure, signal)), bytesRead: bytes };
}
