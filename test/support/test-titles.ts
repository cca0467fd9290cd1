/** The titles of the tests in a file, read from its syntax tree, so that no test has to run to be found. */
import { parseSync } from 'oxc-parser';

interface SyntaxNode {
  readonly type: string;
  readonly [key: string]: unknown;
}

const WORDS = new Set(['describe', 'test', 'it']);
/** What is named so never runs. `skipIf` and `runIf` do not count: they say why, and the end of a run prints it. */
const NEVER = new Set(['skip', 'todo']);
/** What a title has in the place of a value: `%s`, `$name`, `${name}`. */
const PLACEHOLDER = /%[sdifjoO#$c]|\$\{[^}]*\}|\$[\w.]+/;

/** Titles of tests and of groups of them, as they are written. What is below a group that never runs is not told. */
export function testTitles(path: string, text: string): readonly string[] {
  const titles: string[] = [];
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    if (Array.isArray(node)) {
      for (const item of node) visit(item);
      return;
    }
    const call = node as SyntaxNode;
    if (call.type === 'CallExpression') {
      const words = calledWords(call['callee']);
      const title = writtenText((call['arguments'] as readonly unknown[])[0], text);
      if (WORDS.has(words[0] ?? '') && title !== undefined) {
        if (words.some((word) => NEVER.has(word))) return;
        titles.push(title);
      }
    }
    for (const value of Object.values(call)) visit(value);
  };
  visit(parseSync(path, text).program);
  return titles;
}

/** Whether `wanted` is one of the titles, or the fixed part of one that has values in it. */
export function hasTitle(titles: readonly string[], wanted: string): boolean {
  if (!/\p{L}{2}/u.test(wanted.replaceAll(new RegExp(PLACEHOLDER, 'g'), ''))) return false;
  return titles.some((title) => title === wanted || fixedParts(title).includes(wanted));
}

/** Without the punctuation that a value leaves at its sides. */
function fixedParts(title: string): readonly string[] {
  const parts = title.split(PLACEHOLDER);
  return parts.length === 1 ? [] : parts.map((part) => part.replaceAll(/^[\s,:;()"“”]+|[\s,:;()"“”]+$/g, ''));
}

/** `describe.skipIf(a).each(b)` → describe, skipIf, each. */
function calledWords(callee: unknown): readonly string[] {
  const { type, name, object, property, callee: inner, tag } = callee as SyntaxNode;
  if (type === 'Identifier') return [name as string];
  if (type === 'MemberExpression') return [...calledWords(object), (property as SyntaxNode)['name'] as string];
  if (type === 'CallExpression') return calledWords(inner);
  return type === 'TaggedTemplateExpression' ? calledWords(tag) : [];
}

function writtenText(node: unknown, text: string): string | undefined {
  const { type, value, start, end } = (node ?? { type: '' }) as SyntaxNode;
  if (type === 'Literal' && typeof value === 'string') return value;
  return type === 'TemplateLiteral' ? text.slice((start as number) + 1, (end as number) - 1) : undefined;
}
