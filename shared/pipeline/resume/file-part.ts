/** What is noted of a large file while it comes, and what another process makes of it. */
import type { BlobId } from '../../repository/ids.ts';
import type { SparseMap } from '../../tar/entry.ts';
import type { NodeRest } from '../backup/node.ts';

/** Pieces that follow each other, and where in the content of the file the last of them ends. */
export interface FilePart {
  readonly ids: readonly BlobId[];
  readonly endsAt: number;
}

export interface BegunFile {
  readonly rest: NodeRest;
  readonly sparse: SparseMap | undefined;
  readonly parts: readonly FilePart[];
}
