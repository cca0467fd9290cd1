/** A content of which nothing can be stored, as of a writer whose disk is full. */
import type { ContentInput, PendingPiece } from '../../shared/repository/repository.ts';

const PIECE_BYTES = 8 * 1024 * 1024;

export function failingContent(failure: Error, onPieces?: (pieces: readonly PendingPiece[]) => void): ContentInput {
  const { promise: failed, reject } = Promise.withResolvers<never>();
  failed.catch(() => undefined);
  reject(failure);
  const add = async (): Promise<void> => onPieces?.([{ bytes: PIECE_BYTES, id: failed }]);
  return { add, addZeros: add, end: async () => ({ ids: failed }), [Symbol.dispose]: () => undefined };
}
