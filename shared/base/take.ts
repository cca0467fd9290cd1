/**
 * Where results go, one after the other. The producer awaits what is returned: a slow consumer, as a pipe
 * that is not read, slows the producer down instead of having everything pile up in memory.
 */
export type Take<T> = (item: T) => void | Promise<void>;
