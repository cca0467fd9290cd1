/** Snapshots that are kept on a host, as an answer: a line for each set, because every field is in the list of tools. */
import { z } from 'zod';
import { formatBytes } from '../../shared/base/bytes.ts';
import { isWhole, type KeptListing, type KeptSet, type KeptSnapshot } from '../../shared/domain/kept.ts';
import { CutLists, omittedShape } from '../cut-lists.ts';
import { foreign, foreignText } from '../foreign-text.ts';
import { ANSWER_BYTES } from '../limits.ts';

const setShape = z.strictObject({
  id: z.string().describe('Id.'),
  isWhole: z.boolean().describe('False: overflowed, a part is missing, or not ours.'),
  isExpired: z.boolean().describe('Nothing removes it by itself.'),
  about: foreignText('Who made it, when, why, until when.'),
  snapshots: z.array(foreignText('Volume, state and room.')),
});

export const keptListShape = z.strictObject({ sets: z.array(setShape), omitted: omittedShape });

export function keptListOf({ sets }: KeptListing): z.input<typeof keptListShape> {
  const lists = new CutLists();
  const answers = sets.map((set) => setOf(set, lists));
  return { sets: lists.cut('sets', answers, { bytes: ANSWER_BYTES }), omitted: lists.omitted };
}

function setOf(set: KeptSet, lists: CutLists): z.input<typeof setShape> {
  const { id, about, isOwn, isExpired, snapshots } = set;
  const whose = isOwn ? '' : ', with another installation of Stillpoint';
  return {
    ...{ id, isExpired, isWhole: isWhole(set) },
    about:
      about === undefined
        ? 'It bears no marks of ours.'
        : foreign(
            `${about.by}${whose}, ${instant(about.taken)}, until ${instant(about.expires)}: ${about.reason || 'no reason given'}`,
          ),
    snapshots: lists.cut('snapshots', snapshots).map(lineOf),
  };
}

function lineOf({ volume, state, room: { usedBytes, totalBytes } }: KeptSnapshot): string {
  const size = (bytes: number | undefined): string => (bytes === undefined ? 'unknown' : formatBytes(bytes));
  return foreign(
    `${volume}: ${state}, ${size(usedBytes)} used of ${totalBytes === undefined ? 'shared room' : size(totalBytes)}`,
  );
}

const instant = (seconds: number | undefined): string =>
  seconds === undefined ? 'somebody removes it' : new Date(seconds * 1000).toISOString();
