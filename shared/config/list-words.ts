/** Lists of the configuration whose entries are a word or an object: what is said of an entry that is neither. */

export interface WordsOfList {
  /** Those that say enough. */
  readonly alone: readonly string[];
  /** Those that need an object. */
  readonly objects: readonly string[];
  /** Of such an object. */
  readonly example: string;
}

export function wrongWord({ objects }: WordsOfList, input: unknown): string {
  if (typeof input === 'string' && objects.includes(input)) return `The word "${input}" alone does not say enough.`;
  return `The value ${JSON.stringify(input)} is not one that is known here.`;
}

export function rightWords({ alone, objects, example }: WordsOfList): string {
  const words = alone.map((word) => `"${word}"`).join(', ');
  const [last = '', ...before] = objects.map((word) => `"${word}"`).toReversed();
  const others = [before.toReversed().join(', '), last].filter((part) => part !== '').join(' and ');
  return `Write one of ${words}, or an object such as ${example}; ${others} need one.`;
}
