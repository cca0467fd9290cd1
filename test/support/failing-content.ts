/** A content of which nothing can be stored, as of a writer whose disk is full. */
import type { PendingPieces } from '../../shared/repository/pieces.ts';
import type { ContentInput } from '../../shared/repository/repository.ts';

const PIECE_BYTES = 8 * 1024 * 1024;

export function failingContent(failure: Error, onPieces?: (pieces: PendingPieces) => void): ContentInput {
  const { promise: failed, reject } = Promise.withResolvers<never>();
  failed.catch(() => undefined);
  reject(failure);
  const add = async (): Promise<void> => onPieces?.({ bytes: PIECE_BYTES, count: 1, id: failed });
  return { add, give: add, addZeros: add, end: async () => ({ ids: failed }), [Symbol.dispose]: () => undefined };
}
