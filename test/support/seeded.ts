/** Chance that a seed repeats, for tests that must be able to say what they did. */
export interface Chance {
  /** A whole number from 0 to below `limit`. */
  below(limit: number): number;
  pick<T>(items: readonly T[]): T;
  bytes(length: number): Buffer;
}

/** Marsaglia's xorshift, 32 bits: good enough to choose moments and contents by. */
export function chanceFrom(seed: number): Chance {
  let state = (seed ^ 0x9e37_79b9) >>> 0 || 1;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
  for (let warm = 0; warm < 8; warm += 1) next();
  return {
    below: (limit) => Math.floor((next() / 2 ** 32) * limit),
    pick: (items) => items[Math.floor((next() / 2 ** 32) * items.length)] as (typeof items)[number],
    bytes: (length) => {
      const bytes = Buffer.alloc(length);
      for (let at = 0; at + 4 <= length; at += 4) bytes.writeUInt32LE(next(), at);
      return bytes;
    },
  };
}
