/** Gathers what an act on keys and locks changes in a store, and has its errors say what that comes to. */
import { type AccessAct, type AccessFacts, accessConsequences, NO_ACCESS_FACTS } from '../domain/access-ends.ts';
import { errorWithConsequences } from '../domain/consequences.ts';
import { describeFile } from '../repository/backend/backend.ts';
import type { StoreChange } from '../repository/backend/changes.ts';

/** Errors: those of `work`, whose advice begins with what was done and what was not. */
export async function withAccessEnds<T>(
  act: AccessAct,
  work: (onChange: (change: StoreChange) => void) => Promise<T>,
): Promise<T> {
  let facts = NO_ACCESS_FACTS;
  try {
    return await work((change) => {
      facts = foldChange(facts, change);
    });
  } catch (error) {
    throw errorWithConsequences(error, accessConsequences(act, facts));
  }
}

function foldChange(facts: AccessFacts, change: StoreChange): AccessFacts {
  const { kind, file } = change;
  const { keysSaved, keysRemoved, locksRemoved, unsure } = facts;
  if (kind === 'begun' || (kind === 'unsure' && file.type === 'locks')) return facts;
  if (kind === 'unsure') return { ...facts, unsure: [...unsure, `${describeFile(file)} was ${change.wanted}`] };
  switch (`${file.type} ${kind}`) {
    case 'config saved':
      return { ...facts, isMade: true };
    case 'keys saved':
      return { ...facts, keysSaved: [...keysSaved, file.name] };
    case 'keys removed':
      return { ...facts, keysRemoved: [...keysRemoved, file.name] };
    case 'locks removed':
      return { ...facts, locksRemoved: locksRemoved + 1 };
    default:
      return facts;
  }
}
