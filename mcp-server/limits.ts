/** How much one answer may hold. An answer that is too large is refused by clients or crowds out the conversation. */

/** Bytes of JSON in one structured answer; below what clients refuse, with room for the envelope. */
export const ANSWER_BYTES = 30_000;

/** One text from a host or a record. Longer ones are cut and end in "…". */
export const TEXT_CHARACTERS = 600;

/** Entries of a list in one answer. */
export const PAGE_DEFAULT = 50;
export const PAGE_MOST = 200;

/** Lists inside a record, such as skipped files: the items up to here, and how many were left out. */
export const INNER_LIST = 20;

/** Under the 60 s after which clients give up on a request. */
export const WAIT_SECONDS_MOST = 50;

/** Calls that work at once; each may hold a connection to a host or a store. */
export const CALLS_AT_ONCE = 8;

/** Calls that wait for one of those to end; more are refused. */
export const CALLS_WAITING = 32;

/** Events in one answer of get_job. */
export const EVENTS_MOST = 50;

/** Reading events that are stored already takes no longer than this, even if the log is shorter than its record says. */
export const STORED_EVENTS_MS = 2_000;

/** Progress notifications are no more frequent than this. */
export const PROGRESS_MS = 1_000;
