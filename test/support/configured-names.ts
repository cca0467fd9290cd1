/** A configuration that says nothing: only what restore points bear is known. */
import type { ConfiguredNames } from '../../shared/domain/known-names.ts';

export const NOTHING_CONFIGURED: ConfiguredNames = { sources: [], hostnames: [], paths: [] };
