/** Restore points that are there and cannot be read: reported beside an answer, so that it never looks complete. */
import type { Finding } from './finding.ts';

export interface UnreadablePoint {
  /** The id: the name of its file. */
  readonly restorePoint: string;
  readonly reason: string;
}

/** What a list of restore points found damaged, each under the name of its file. */
export function unreadablePoints(findings: readonly Finding[]): UnreadablePoint[] {
  return findings.map(({ message, affects }) => ({ restorePoint: affects[0] ?? '', reason: message }));
}
