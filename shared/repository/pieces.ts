/** How long a piece of a file may be, as restic cuts them. Only the last one of a file may be shorter; pieces of zeros are never longer. */
export const LEAST_PIECE_BYTES = 512 * 1024;
export const MOST_PIECE_BYTES = 8 * 1024 * 1024;
