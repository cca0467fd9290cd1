/**
 * Commands that ask, and end well with something that a person should look at: they leave with 8. Jobs have theirs in
 * `verbs.ts`; docs/cli.md is made of both.
 */
export const ASKED_FINDINGS = {
  list: 'a restore point cannot be read, or a repository could not be asked',
  find: 'a restore point cannot be read',
  stats: 'a restore point cannot be read',
  'restore --to -': 'the restore point is itself not whole',
  forget: 'without `--apply`: as with it',
  unlock: 'with `--remove-all`: a lock could not be removed',
  'key list': 'a key cannot be read',
  'snapshot list': 'a set is not whole, or what is known of it cannot be read',
  'snapshot compare': 'something could not be compared',
} as const;

export type AskedCommand = keyof typeof ASKED_FINDINGS;
