/** How much one answer may hold. An answer that is too large is refused by clients or crowds out the conversation. */

/** Bytes of JSON in one structured answer; below what clients refuse, with room for the envelope. */
export const ANSWER_BYTES = 30_000;

/** One text from a host or a record. Longer ones are cut and end in "…". */
export const TEXT_CHARACTERS = 600;

/** Entries of a list in one answer. */
export const PAGE_DEFAULT = 50;
export const PAGE_MOST = 200;

/** Lists inside a record, such as skipped files: the count is always given, the items up to here. */
export const INNER_LIST = 20;

/** Under the 60 s after which clients give up on a request. */
export const WAIT_SECONDS_MOST = 25;

/** Events in one answer of get_job. */
export const EVENTS_MOST = 50;

/** Reading events that are stored already takes no longer than this, even if the log is shorter than its record says. */
export const STORED_EVENTS_MS = 2_000;

/** Progress notifications are no more frequent than this. */
export const PROGRESS_MS = 1_000;
