/**
 * Sentences of the sources that say what an end means for the whole: "Nothing was changed", "was removed", "is whole".
 * An error in the middle of a run cannot know that; the end of the run computes it (`shared/domain/consequences.ts`).
 */
import { parseSync, Visitor } from 'oxc-parser';

/** The places that compute such sentences from facts: for jobs, and for acts on keys and locks. */
const COMPUTED = [
  ...['shared/domain/verbs/', 'shared/domain/consequences.ts', 'shared/domain/store-ends.ts'],
  'shared/domain/access-ends.ts',
];

/** Beginnings of sentences that may stand where they are, each with why it is true there. */
const ALLOWED: readonly (readonly [path: string, sentence: string, why: string])[] = [
  [
    'shared/base/error-codes.ts',
    'An object looks like ours',
    'the meaning of a code, which is given where that was done',
  ],
  ['shared/remote/ssh/host-key-errors.ts', 'Nothing was sent to it', 'a host key is judged before the login begins'],
  ['shared/remote/sudo.ts', 'No password was sent.', 'the password is sent by the code below this refusal'],
  ['shared/repository/locks/locks.ts', '… was removed: ….', 'a notice of what the lines above it have done'],
  ['cli/render/kept.ts', 'Nothing was changed.', 'the view of a plan; making one only reads'],
  ['cli/render/maintenance.ts', 'Nothing was changed.', 'the view of a plan; making one only reads'],
  ['cli/render/plan.ts', 'Nothing was changed.', 'the view of a plan; making one only reads'],
  ['cli/render/prepare.ts', 'Nothing was changed.', 'the view of a plan; making one only reads'],
  ['shared/snapshot/lvm/make/work.ts', 'Nothing was changed', 'the script ended before its first step, and says so'],
  [
    'shared/snapshot/lvm/make/work.ts',
    'What was made before',
    'the script says what it took back, and what it could not',
  ],
  ['cli/render/repair.ts', 'Nothing was changed.', 'the view of a plan; making one only reads'],
  ['cli/render/result.ts', 'Nothing of ours was left', 'the report of a sweep that came to its end'],
  ['cli/render/result.ts', 'Nothing was removed', 'the report of a sweep that came to its end'],
  ['mcp-server/shapes/job-result.ts', 'A trace of ours that was removed.', 'what a field of a report holds'],
  ['mcp-server/shapes/job-result.ts', 'What was left alone.', 'what a field of a report holds'],
  ['mcp-server/shapes/job-result.ts', 'What looks like ours', 'what a field of a report holds'],
  ['mcp-server/tool.ts', 'Nothing was done.', 'arguments are checked before the tool is called'],
  ['mcp-server/tools/plan-backup.ts', 'Nothing was changed.', 'the view of a plan; making one only reads'],
  ['extension/verbs.ts', 'Removing what was left behind', 'the name of a phase'],
];

const CLAIMS = [
  // Nothing was changed. No restore point was saved.
  /\b(nothing|none|no (restore points?|packs?|files?|keys?|passwords?|data|snapshots?|repository)) (else |more |of (it|this|ours|yours) |in (it|the repository) |on the host )*(was|were|is|has been|have been|had been) (sent|done|begun|started|changed|removed|deleted|lost|written|stored|saved|committed|connected|read|used|forgotten|pruned|repaired|restored|copied|unlocked|overwritten|touched|made|created|kept|left|swept|harmed|moved)\b/i,
  // The snapshot was removed.
  /\b(was|were|has been|have been|had been) (not |never |then |all )?(removed|left behind|left alone|left as|unchanged|untouched|undone|taken back|rolled back|cleaned up)\b/i,
  // Earlier restore points are whole. The keys are as they were.
  /\b(restore points|repository|host|data|keys|everything|all) (is|are|was|were|stays?|remains?) (whole|safe|intact|unchanged|untouched|as (it|they) (is|are|was|were))\b/i,
  /\b(stays?|remains?) (whole|intact|unchanged|untouched|as (it|they) (is|are|was|were))\b/i,
  // It was not started.
  /\bwas not (started|changed|touched|begun|removed|written|saved)\b/i,
  // It changed nothing.
  /\b(changed|removed|wrote|did|lost|touched|deleted) nothing\b/i,
];

interface Claim {
  readonly path: string;
  /** What a template fills in is "…". */
  readonly sentence: string;
}

export function claimsIn(path: string, source: string): readonly Claim[] {
  const texts: string[] = [];
  new Visitor({
    Literal: ({ value }) => {
      if (typeof value === 'string') texts.push(value);
    },
    TemplateLiteral: ({ quasis }) => {
      texts.push(quasis.map(({ value }) => value.cooked ?? '').join('…'));
    },
  }).visit(parseSync(path, source).program);
  // A script for a host is not a message.
  return texts
    .filter((text) => !text.trim().includes('\n'))
    .flatMap((text) => text.split(/(?<=[.?!])\s+/))
    .filter((sentence) => CLAIMS.some((claim) => claim.test(sentence)))
    .map((sentence) => ({ path, sentence }));
}

/** What the sources claim and may not, and what is allowed and no longer claimed. */
export function strayClaims(sources: ReadonlyMap<string, string>): readonly string[] {
  const used = new Set<string>();
  const stray = [...sources]
    .filter(([path]) => !COMPUTED.some((place) => path.startsWith(place)))
    .flatMap(([path, source]) => claimsIn(path, source))
    .filter(({ path, sentence }) => {
      const allowed = ALLOWED.find(([file, beginning]) => file === path && sentence.startsWith(beginning));
      if (allowed !== undefined) used.add(allowed.join());
      return allowed === undefined;
    });
  const idle = ALLOWED.filter((entry) => !used.has(entry.join()));
  return [
    ...stray.map(({ path, sentence }) => `${path} claims what the end of the job computes: ${sentence}`),
    ...idle.map(([path, sentence]) => `${path} no longer says what it is allowed: ${sentence}`),
  ];
}
