/**
 * Choices by the kind of a job: switches, comparisons, lists and tables over the names of verbs. They belong into the
 * definitions and into the tables with a line for each kind, so that a new verb touches those and nothing else.
 */
import { parseSync, Visitor } from 'oxc-parser';
import { type JobKind, VERBS } from '../../shared/domain/verbs/verbs.ts';

/** Where a choice by kind is made: the definitions, what the core has for each, and one table in each shell. */
const TABLES = [
  ...['shared/domain/verbs/', 'shared/jobs/requests.ts', 'shared/jobs/pipeline-verbs.ts'],
  ...['cli/verbs.ts', 'mcp-server/verbs.ts', 'extension/verbs.ts'],
];

/** What looks like one and is none, or may be one: the file, the choice, and why. */
const ALLOWED: readonly (readonly [path: string, choice: string, why: string])[] = [
  ['cli/usage-mistakes.ts', `command.name() === 'repair'`, 'a word of the command line that has words below it'],
  ['mcp-server/shapes/job-result.ts', `['check', 'verify']`, 'the field of a shape that the table gives to both'],
  [
    'mcp-server/shapes/job-result.ts',
    `['keep-snapshots', 'drop-snapshots']`,
    'the field of a shape that the table gives to both',
  ],
  [
    'mcp-server/shapes/job-result.ts',
    `['forget', 'prune', 'repair']`,
    'the field of a shape that the table gives to all',
  ],
];

/** One object may have a field or two that are called as a verb, such as a plan to forget and to prune. */
const TABLE_FROM = 3;

interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

const isKind = (value: unknown): value is JobKind => typeof value === 'string' && Object.hasOwn(VERBS, value);
const literal = (node: unknown): unknown => (node as { value?: unknown } | null)?.value;

/** The choices in a source as they are written; of a switch and a table only the beginning. */
export function choicesIn(path: string, source: string): readonly string[] {
  const found: string[] = [];
  const text = ({ start, end }: SyntaxNode): string => source.slice(start, end);
  // A phase may be called as the verb whose work it is.
  const isPhase = (node: SyntaxNode): boolean => /\bphase$/i.test(text(node));
  const list = (node: SyntaxNode, elements: readonly unknown[]): void => {
    if (elements.length > 1 && elements.every((element) => isKind(literal(element)))) found.push(text(node));
  };
  new Visitor({
    SwitchStatement: ({ discriminant, cases }) => {
      const subject = discriminant as unknown as SyntaxNode;
      if (cases.some(({ test }) => isKind(literal(test))) && !isPhase(subject)) found.push(`switch (${text(subject)})`);
    },
    BinaryExpression: (node) => {
      const { operator, left, right } = node as unknown as Record<'left' | 'right', SyntaxNode> & { operator: string };
      const hasKind = [left, right].some((side) => isKind(literal(side)));
      if (/^[!=]==?$/.test(operator) && hasKind && !isPhase(left) && !isPhase(right))
        found.push(text(node as unknown as SyntaxNode));
    },
    ArrayExpression: (node) => list(node as unknown as SyntaxNode, node.elements),
    ObjectExpression: ({ properties }) => {
      const keys = properties.flatMap((property) => {
        const { key } = property as unknown as { key?: { name?: unknown; value?: unknown } };
        return [key?.name ?? key?.value].filter(isKind);
      });
      if (keys.length >= TABLE_FROM) found.push(`{ ${keys.join(', ')} }`);
    },
  }).visit(parseSync(path, source).program);
  return found;
}

/** Choices that are made elsewhere, and what is allowed and no longer there. */
export function strayChoices(sources: ReadonlyMap<string, string>): readonly string[] {
  const used = new Set<string>();
  const stray = [...sources]
    .filter(([path]) => !TABLES.some((table) => path.startsWith(table)))
    .flatMap(([path, source]) => choicesIn(path, source).map((choice) => [path, choice] as const))
    .filter(([path, choice]) => {
      const allowed = ALLOWED.find(([file, what]) => file === path && what === choice);
      if (allowed !== undefined) used.add(allowed.join());
      return allowed === undefined;
    });
  const idle = ALLOWED.filter((entry) => !used.has(entry.join()));
  return [
    ...stray.map(([path, choice]) => `${path} chooses by the kind of a job: ${choice}`),
    ...idle.map(([path, choice]) => `${path} no longer has what it is allowed: ${choice}`),
  ];
}
