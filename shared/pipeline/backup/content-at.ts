/** How content is asked for where a tree is read: of a snapshot again and again, of a live tree once. */
import type { SaidId } from '../../snapshot/host/run-folder.ts';
import { takeUpReading } from '../../snapshot/host/take-up.ts';
import { fileParts, headOfFile } from '../changed/host-commands.ts';
import type { ContentOrder } from './content-stream.ts';
import { packFiles, readRanges } from './pack-files.ts';
import type { Patience } from './patience.ts';
import type { ReadingPlace } from './reading-place.ts';

interface ContentPorts {
  readonly patience: Patience | undefined;
  /** Called before each stream begins. */
  readonly onStream: (said: SaidId) => void;
}

/** @param base the folder from which files are named */
export function contentAt(place: ReadingPlace, base: Buffer, { patience, onStream }: ContentPorts): ContentOrder {
  const pack: ContentOrder['pack'] = (said) => {
    onStream(said);
    return packFiles(place, base, said);
  };
  if (place.kind === 'live') return { pack };
  const changed = {
    head: (name: Buffer) => headOfFile(place, base, name),
    parts: (name: Buffer, as: 'hashes' | 'bytes') => fileParts(place, base, name, as),
  };
  if (patience === undefined) return { pack, changed };
  return {
    pack,
    changed,
    takeUp: {
      again: (lost, came, said, signal) => patience.after(lost, came, takeUpReading(place.run, said), signal),
      rest: (name, ranges) => readRanges(place, base, name, ranges),
    },
  };
}
