/**
 * Where results go, one after the other. Whoever gives them waits for what is returned: a taker that is slow, as a pipe
 * that nobody reads, slows the giver down instead of having everything pile up in memory.
 */
export type Take<T> = (item: T) => void | Promise<void>;
