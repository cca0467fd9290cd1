/** A promise with its resolver outside: something that will happen once. */
export interface Once {
  readonly promise: Promise<void>;
  resolve(): void;
}

export function once(): Once {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { promise, resolve };
}
