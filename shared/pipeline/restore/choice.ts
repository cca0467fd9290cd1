/**
 * Which entries patterns let through: what fits one of `include`, with everything below it, or all where there is none;
 * and of that, what fits none of `exclude`. A pattern that fits nothing is refused before anything is written: it is
 * mistyped, and what it was to keep out would come.
 */
import { displayName } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import { compileExcludes, type ExcludePatterns } from '../../domain/exclude-patterns.ts';
import type { SkippedItem } from '../../domain/verbs/backup.ts';
import type { LeftByPatterns, PatternChoice } from '../../domain/verbs/restore.ts';
import type { Node } from '../../repository/node.ts';
import { type Choice, type Verdict, type WalkedTrees, type WalkNotes, type WalkStart, walkSelected } from './walk.ts';

interface Pattern {
  readonly text: string;
  readonly compiled: ExcludePatterns;
}

/** Longer lists are counted and no longer named. */
const NAMED = 200;

/** Undefined where there is no pattern. Errors: `usage.invalid`. */
export function choiceOf({ include = [], exclude = [] }: PatternChoice): PatternedChoice | undefined {
  if (include.length + exclude.length === 0) return undefined;
  return new PatternedChoice(include.map(compile), exclude.map(compile));
}

function compile(text: string): Pattern {
  try {
    return { text, compiled: compileExcludes([text]) };
  } catch (cause) {
    throw new StillpointError('usage.invalid', `"${text}" is not a pattern for paths.`, {
      advice: 'Use *, ?, ** and [a-z], close every bracket, and leave out "!"; a folder stands for all that is in it.',
      cause,
    });
  }
}

export class PatternedChoice implements Choice {
  readonly #include: readonly Pattern[];
  readonly #exclude: readonly Pattern[];
  readonly #idle: Set<Pattern>;
  readonly #named: SkippedItem[] = [];
  #excluded = 0;
  #notIncluded = 0;

  constructor(include: readonly Pattern[], exclude: readonly Pattern[]) {
    this.#include = include;
    this.#exclude = exclude;
    this.#idle = new Set([...include, ...exclude]);
  }

  judge(place: Buffer, { type }: Node, isIn: boolean): Verdict {
    const against = this.#exclude.filter(({ compiled }) => compiled.matches(place));
    const inFavour = this.#include.filter(({ compiled }) => compiled.matches(place));
    for (const pattern of [...against, ...inFavour]) this.#idle.delete(pattern);
    if (against.length > 0) {
      this.#excluded += 1;
      const reason = `"${against[0]?.text}"${type === 'dir' ? ', with all that is in it' : ''}`;
      if (this.#named.length < NAMED) this.#named.push({ path: displayName(place), reason });
      return 'out';
    }
    if (isIn || this.#include.length === 0 || inFavour.length > 0) return 'in';
    if (type === 'dir') return 'way';
    this.#notIncluded += 1;
    return 'out';
  }

  /** What it has judged, once for each entry. */
  get left(): LeftByPatterns {
    return { excluded: { count: this.#excluded, named: this.#named }, notIncluded: this.#notIncluded };
  }

  /** After everything was judged. */
  refuseIdle(): void {
    const [first, ...others] = [...this.#idle].map(({ text }) => `"${text}"`);
    if (first === undefined) return;
    const which =
      others.length === 0 ? `The pattern ${first} fits` : `The patterns ${[first, ...others].join(', ')} fit`;
    throw new StillpointError('usage.invalid', `${which} nothing that would be restored otherwise.`, {
      advice:
        'See with "ls" how paths are written; one that begins with "/" is anchored at the top of the restore point.',
      details: { patterns: [...this.#idle].map(({ text }) => text) },
      cause: undefined,
    });
  }
}

const NO_NOTES: WalkNotes = {
  onChildrenOfNoFolder: () => undefined,
  onLostFolder: () => undefined,
  onFarFolder: () => undefined,
};

/**
 * Goes through everything that is wanted, and says what patterns leave of it. Errors: `usage.invalid` where a pattern
 * fits nothing, or all of them together leave nothing.
 */
export async function tryPatterns(
  repository: WalkedTrees,
  start: WalkStart,
  patterns: PatternChoice,
  signal: AbortSignal,
): Promise<LeftByPatterns | undefined> {
  const choice = choiceOf(patterns);
  if (choice === undefined) return undefined;
  let entries = 0;
  const options = { isForKernel: false, signal };
  for await (const _ of walkSelected(repository, { ...start, choice }, NO_NOTES, options)) entries += 1;
  choice.refuseIdle();
  if (entries > 0) return choice.left;
  throw new StillpointError('usage.invalid', 'The patterns leave nothing to restore.', {
    advice: 'What fits --exclude is left out also where it fits --include.',
    cause: undefined,
  });
}
