/** The numbers of this room. Milliseconds and bytes; each says why it is what it is. */
import type { RetryTimes } from '../base/retry.ts';

/** From the start of a command line to our nonce: a login shell with a slow rc file answers in a few seconds. */
export const NONCE_BUDGET_MS = 20_000;

/** What login shells may print before our nonce. A motd is a few KiB; more than this is a program that took over. */
export const NOISE_LIMIT = 256 * 1024;

/** The part of standard error that is kept, its end. */
export const STDERR_TAIL = 8 * 1024;

/** The longest answer of a command that is not a stream. */
export const ANSWER_LIMIT = 64 * 1024 * 1024;

/** So long a shell in which nothing is left waits for the next script: those of one step follow each other at once. */
export const KEPT_SHELL_MS = 5_000;

/** After the trailer: how long the process may take to go away before its channel is closed. */
export const EXIT_GRACE_MS = 2_000;

/** When a command is tried again on a new connection: after 1 s, and after 5 s more. One client needs no chance. */
export const LOST_CONNECTION: RetryTimes = { tries: 3, firstWaitMs: 1_000, growth: 5, chance: 0 };

/**
 * The same for SFTP on a connection that works already: on a slow line the greeting waits behind what other channels
 * send, which is 2 MiB for each of them.
 */
export const LATER_GREETING_BUDGET_MS = 5 * 60_000;

/** A request of a file transfer: a disk that wakes up, or flushes 16 MiB under load, takes no minute. */
export const REQUEST_SILENCE_MS = 5 * 60_000;

/** Channels on one connection. OpenSSH's server allows 10 by default; two stay free for others. */
export const MAX_CHANNELS = 8;

/** A server counts a channel until it reaped its process: after waits of 20, 100, 500 and 2000 ms it is believed. */
export const CHANNEL_REFUSED: RetryTimes = {
  tries: 5,
  firstWaitMs: 20,
  longestWaitMs: 2_000,
  growth: 5,
  chance: 0,
};

/** Reading OpenSSH's configuration: commands behind `Match exec` may ask a network. */
export const CONFIG_BUDGET_MS = 120_000;

/** TCP, key exchange and each step of logging in, without the time that a person takes to answer. */
export const CONNECT_BUDGET_MS = 15_000;

/** Opening a channel on a living connection takes one round trip; silence means that the connection is dead. */
export const CHANNEL_BUDGET_MS = 15_000;

/** Keep-alive: a dead connection is noticed after a minute. */
export const KEEP_ALIVE_INTERVAL_MS = 15_000;
export const KEEP_ALIVE_COUNT = 4;

/** How many hosts one may jump through. */
export const MAX_JUMPS = 8;
