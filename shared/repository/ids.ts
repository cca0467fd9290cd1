/** Names in a repository: SHA-256 as 64 lower-case hexadecimal digits. */
import { hash } from 'node:crypto';
import type { Branded } from '../base/brand.ts';

/** SHA-256 of a blob's plaintext. */
export type BlobId = Branded<string, 'BlobId'>;
/** SHA-256 of a stored pack file. */
export type PackId = Branded<string, 'PackId'>;

export type BlobType = 'data' | 'tree';

const ID = /^[0-9a-f]{64}$/;

export function isId(text: string): boolean {
  return ID.test(text);
}

/** The id of plaintext, as `sha256sum` prints it. */
export function blobIdOf(data: Uint8Array): BlobId {
  return hash('sha256', data, 'hex') as BlobId;
}
