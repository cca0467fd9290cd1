/** Names in a repository: SHA-256 as 64 lower-case hexadecimal digits. */
import { hash } from 'node:crypto';
import type { Branded } from '../../base/brand.ts';
import { damagedJson } from './go-json.ts';

/** SHA-256 of a blob's plaintext. */
export type BlobId = Branded<string, 'BlobId'>;
/** SHA-256 of a stored pack file. */
export type PackId = Branded<string, 'PackId'>;

export type BlobType = 'data' | 'tree';

const ID = /^[0-9a-f]{64}$/;

export function isId(text: string): boolean {
  return ID.test(text);
}

/** @param what the object that names it, for errors */
export function parseBlobId(text: string, what: string): BlobId {
  if (ID.test(text)) return text as BlobId;
  throw damagedJson(what, `names ${JSON.stringify(text.slice(0, 80))}, which is not the id of a blob`);
}

/** The id of plaintext, as `sha256sum` prints it. */
export function blobIdOf(data: Uint8Array): BlobId {
  return hash('sha256', data, 'hex') as BlobId;
}
