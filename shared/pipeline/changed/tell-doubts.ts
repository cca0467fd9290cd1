/** Says which large files are read whole, and why: each reason once, because what is so of one file of a host is so of many. */
import { displayName } from '../../base/bytes.ts';
import type { EmitEvent } from '../../domain/events.ts';

export function tellDoubts(emit: EmitEvent): (path: Buffer, reason: string) => void {
  const told = new Set<string>();
  return (path, reason) => {
    if (told.has(reason)) return;
    told.add(reason);
    emit({
      type: 'warning',
      code: 'read.whole',
      message: `All of "${displayName(path)}" is read, and not only what changed: ${reason}.`,
      advice:
        'Nothing is missing in the restore point; it takes longer. This is said once for all files of which it is so.',
    });
  };
}
