/** Paths for people, one name after the other, never longer than a person reads. */
import { displayName } from '../../base/bytes.ts';

/** The longest path that Linux takes in one piece. */
const MOST = 4096;
const KEPT = 1024;

export function below(path: string, name: Uint8Array): string {
  const longer = `${path}/${displayName(name.subarray(0, MOST))}`;
  return longer.length <= MOST ? longer : `${longer.slice(0, KEPT)}…${longer.slice(-KEPT)}`;
}
