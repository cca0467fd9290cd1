/** One way of counting: takes restore points one after the other, then says what it has. */
import type { Stats } from '../../domain/stats.ts';
import type { RestorePoint } from '../../repository/restore-point.ts';

export interface Counter {
  add(point: RestorePoint, signal: AbortSignal): Promise<void>;
  result(): Stats;
}
