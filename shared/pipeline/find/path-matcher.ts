/**
 * Patterns over whole paths, taken one name at a time on the way down a tree. The state of a walk is a set of places in
 * the patterns; two folders with one id and one such set hold the same matches, so each is looked at once.
 *
 * As in restic's find, a pattern may begin at any folder unless it begins with "/", and whatever lies below a match
 * matches too.
 */
import { posix } from 'node:path';
import { StillpointError } from '../../base/errors.ts';
import { textOf, translateGlob } from '../../domain/glob.ts';

const ANY_FOLDERS = '**';

interface Pattern {
  readonly parts: readonly (RegExp | typeof ANY_FOLDERS)[];
  readonly isAnchored: boolean;
}

/** How far a walk has come. */
export interface MatchState {
  /** The path itself, or a folder above it, fits a pattern. */
  readonly isMatch: boolean;
  /** The same for the same places; everything below follows from it. */
  readonly key: string;
  readonly places: readonly (readonly [pattern: number, part: number])[];
}

/** Errors: `usage.invalid` */
export const compilePatterns = (patterns: readonly string[]): readonly Pattern[] => patterns.map(compile);

export class PathMatcher {
  readonly #patterns: readonly Pattern[];
  readonly #ignoreCase: boolean;
  readonly start: MatchState;

  constructor(patterns: readonly string[], ignoreCase: boolean) {
    this.#ignoreCase = ignoreCase;
    this.#patterns = compilePatterns(ignoreCase ? patterns.map((pattern) => pattern.toLowerCase()) : patterns);
    this.start = this.#stateOf(this.#patterns.map((_, pattern) => [pattern, 0]));
  }

  step(state: MatchState, name: Buffer): MatchState {
    if (state.isMatch) return state;
    const text = this.#ignoreCase ? textOf(name).toLowerCase() : textOf(name);
    const next: [number, number][] = [];
    for (const [pattern, part] of state.places) {
      const wanted = this.#patterns[pattern]?.parts[part];
      if (wanted === ANY_FOLDERS) next.push([pattern, part]);
      else if (wanted?.test(text) === true) next.push([pattern, part + 1]);
    }
    for (const [pattern, { isAnchored }] of this.#patterns.entries()) if (!isAnchored) next.push([pattern, 0]);
    return this.#stateOf(next);
  }

  /** Adds what `**` reaches by standing for no folder, and puts the places in order. */
  #stateOf(places: readonly (readonly [number, number])[]): MatchState {
    const reached = new Map<string, readonly [number, number]>();
    const waiting = [...places];
    let isMatch = false;
    for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
      const [pattern, part] = place;
      const { parts } = this.#patterns[pattern] as Pattern;
      if (part === parts.length) isMatch = true;
      if (parts[part] === ANY_FOLDERS) waiting.push([pattern, part + 1]);
      reached.set(place.join('.'), place);
    }
    if (isMatch) return { isMatch, key: 'match', places: [] };
    const keys = [...reached.keys()].toSorted();
    return { isMatch, key: keys.join(' '), places: keys.flatMap((key) => [reached.get(key) as [number, number]]) };
  }
}

function compile(pattern: string): Pattern {
  const clean = posix.normalize(pattern);
  const parts = clean.split('/').filter((part) => part !== '');
  if (parts.length === 0 || parts[0] === '.' || parts[0] === '..' || pattern.includes('\0')) throw invalid(pattern);
  return {
    isAnchored: clean.startsWith('/'),
    parts: parts.map((part) => {
      if (part === ANY_FOLDERS) return ANY_FOLDERS;
      const source = translateGlob(part);
      if (source === undefined) throw invalid(pattern);
      return new RegExp(`^${source}$`, 'su');
    }),
  };
}

function invalid(pattern: string): StillpointError {
  return new StillpointError('usage.invalid', `"${pattern}" is not a pattern for names or paths.`, {
    advice: 'Use *, ?, ** and [a-z]; close every bracket; put \\ before a character that is meant literally.',
    cause: undefined,
  });
}
