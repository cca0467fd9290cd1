/** Names in a repository: SHA-256 as 64 lower-case hexadecimal digits. */
import { hash } from 'node:crypto';
import type { Branded } from '../../base/brand.ts';
import { StillpointError } from '../../base/errors.ts';

/** SHA-256 of a blob's plaintext. */
export type BlobId = Branded<string, 'BlobId'>;
/** SHA-256 of a stored pack file. */
export type PackId = Branded<string, 'PackId'>;

export type BlobType = 'data' | 'tree';

const ID = /^[0-9a-f]{64}$/;

export function isId(text: string): boolean {
  return ID.test(text);
}

function parseId(text: string, what: string): string {
  if (ID.test(text)) return text;
  throw new StillpointError('repository.damaged', `${JSON.stringify(text.slice(0, 80))} is not the id of a ${what}.`, {
    advice: 'The file that names it is damaged. Run "stillpoint check".',
    cause: undefined,
  });
}

export const parseBlobId = (text: string): BlobId => parseId(text, 'blob') as BlobId;

/** The id of plaintext, as `sha256sum` prints it. */
export function blobIdOf(data: Uint8Array): BlobId {
  return hash('sha256', data, 'hex') as BlobId;
}
