/** Texts in stored files that have to be an id or a time. `what` is the object that holds them, for errors. */
import { type BlobId, isId } from '../ids.ts';
import { isTimestamp, type Timestamp } from '../timestamp.ts';
import { damagedJson } from './go-json.ts';

export function parseBlobId(text: string, what: string): BlobId {
  if (isId(text)) return text as BlobId;
  throw damagedJson(what, `names ${JSON.stringify(text.slice(0, 80))}, which is not the id of a blob`);
}

export function parseTimestamp(text: string, what = 'a time'): Timestamp {
  if (isTimestamp(text)) return text;
  throw damagedJson(what, `holds ${JSON.stringify(text.slice(0, 80))}, which is not a time`);
}
