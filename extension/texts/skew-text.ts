import type { RestorePointSummary } from '../../shared/domain/restore-point.ts';
import { formatDuration, type Translate } from './wording.ts';

/** How far apart the parts of it are, where they are. */
export function skewText({ skewMs = 0 }: RestorePointSummary, t: Translate): readonly string[] {
  return skewMs === 0 ? [] : [t('From its first instant to its last it is at most {0}.', formatDuration(skewMs))];
}
