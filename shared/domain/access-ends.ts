/**
 * What the end of an act on the keys and locks of a repository means where it did not come to its end, computed from
 * what was changed. These acts are not jobs; they are asked for by a person, who sees the error at once.
 */
import { counted, listed } from './store-ends.ts';

export type AccessAct = 'init' | 'add-key' | 'change-key' | 'remove-key' | 'unlock';

export interface AccessFacts {
  /** Whether the file is stored that makes a place a repository. */
  readonly isMade: boolean;
  /** Ids. */
  readonly keysSaved: readonly string[];
  readonly keysRemoved: readonly string[];
  readonly locksRemoved: number;
  /** "key 0a1b2c3d was saved": what was begun and may or may not have happened. */
  readonly unsure: readonly string[];
}

export const NO_ACCESS_FACTS: AccessFacts = {
  ...{ isMade: false, keysSaved: [], keysRemoved: [], locksRemoved: 0, unsure: [] },
};

export function accessConsequences(act: AccessAct, facts: AccessFacts): string[] {
  switch (act) {
    case 'init':
      return aboutInit(facts);
    case 'add-key':
      return facts.keysSaved.length > 0 ? [`Key ${listed(facts.keysSaved)} is saved.`] : unsureOr(facts, 'saved');
    case 'change-key':
      return aboutChange(facts);
    case 'remove-key':
      return facts.keysRemoved.length > 0
        ? [`Key ${listed(facts.keysRemoved)} was removed.`]
        : unsureOr(facts, 'removed');
    case 'unlock': {
      const { locksRemoved } = facts;
      if (locksRemoved === 0) return ['No lock was removed.'];
      return [`${counted(locksRemoved, 'lock')} ${locksRemoved === 1 ? 'was' : 'were'} removed before that.`];
    }
  }
}

/** A key without the file "config" opens nothing, and another try takes it for what is left of a repository. */
function aboutInit({ isMade, keysSaved, unsure }: AccessFacts): string[] {
  if (isMade) return ['The repository was made.'];
  const left = keysSaved.length > 0 ? [`Key ${listed(keysSaved)} is in its folder "keys" and opens nothing.`] : [];
  if (unsure.length > 0) return [...left, `It is unknown whether ${unsure.join(', or whether ')}.`];
  return ['No repository was made.', ...left];
}

function aboutChange(facts: AccessFacts): string[] {
  const { keysSaved, keysRemoved, unsure } = facts;
  if (keysSaved.length === 0) return unsureOr(facts, 'changed');
  const saved = `Key ${listed(keysSaved)} is saved`;
  if (keysRemoved.length > 0) return [`${saved}, and key ${listed(keysRemoved)} was removed.`];
  return unsure.length > 0 ? [`${saved}.`, ...unsureOr(facts, 'removed')] : [`${saved}, and no key was removed.`];
}

function unsureOr({ unsure }: AccessFacts, what: string): string[] {
  if (unsure.length === 0) return [`No key was ${what}.`];
  return [`It is unknown whether ${unsure.join(', or whether ')}; list the keys to see.`];
}
