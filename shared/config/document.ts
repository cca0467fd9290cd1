/**
 * A configuration file as a document: its values, and where each of them is, so that whatever is wrong can be said
 * with line and column. Comments and trailing commas are allowed; a key that is written twice is not, because one of
 * the two would be lost without a word.
 */
import {
  createScanner,
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
  stripComments,
} from 'jsonc-parser';

export type DocumentPath = readonly (string | number)[];

/** One thing that is wrong in the file. `line` and `column` count from 1. */
export interface Problem {
  readonly line: number;
  readonly column: number;
  /** "sources.shop.host", or "" for the file as a whole. */
  readonly path: string;
  /** What is wrong, a sentence. */
  readonly message: string;
  /** What to write instead, a sentence. */
  readonly advice: string;
}

export interface ConfigDocument {
  readonly value: unknown;
  readonly problems: readonly Problem[];
  /** Says where the value (or with `at: 'key'` its key) stands; of a path that is not there, the nearest that is. */
  problem(path: DocumentPath, at: 'key' | 'value', message: string, advice: string): Problem;
}

const SYNTAX: Readonly<Record<string, readonly [message: string, advice: string]>> = {
  PropertyNameExpected: ['A key is missing here.', 'Write a key in double quotes, such as "hosts".'],
  ValueExpected: ['A value is missing here.', 'Write a value, or remove the key or comma before it.'],
  ColonExpected: ['A colon is missing here.', 'Write ":" between the key and its value.'],
  CommaExpected: ['A comma is missing before this.', 'Write "," between two entries.'],
  CloseBraceExpected: ['A closing brace is missing.', 'Write "}" to end the object.'],
  CloseBracketExpected: ['A closing bracket is missing.', 'Write "]" to end the list.'],
  EndOfFileExpected: [
    'There is something after the end of the document.',
    'Keep one object "{ … }" and remove the rest.',
  ],
  UnexpectedEndOfString: ['The string is not closed.', 'Write the closing double quote on the same line.'],
  UnexpectedEndOfComment: ['The comment is not closed.', 'Write "*/" to end it.'],
  InvalidEscapeCharacter: ['The backslash in this text means nothing.', 'Write "\\\\" for a backslash.'],
  InvalidCharacter: ['The text holds a control character.', 'Write it as an escape, such as "\\t".'],
  InvalidUnicode: ['The escape is not a character.', 'Write "\\u" and four hexadecimal digits.'],
};

const MAX_DEPTH = 64;

export function parseDocument(content: string): ConfigDocument {
  const position = locator(content);
  const tooDeep = offsetTooDeep(content);
  if (tooDeep !== undefined) {
    const [message, advice] = [`The brackets are nested more than ${MAX_DEPTH} deep here.`, 'Remove those not needed.'];
    const problem: Problem = { ...position(tooDeep), path: '', message, advice };
    return { value: {}, problems: [problem], problem: () => problem };
  }
  const errors: ParseError[] = [];
  const root = parseTree(content, errors, { allowTrailingComma: true, disallowComments: false });
  const at = (offset: number, path: string, message: string, advice: string): Problem => ({
    ...position(offset),
    path,
    message,
    advice,
  });
  const problems: Problem[] = [];
  // After the first mistake in the grammar, the parser's further complaints mostly follow from it.
  const first = errors[0];
  if (first !== undefined) {
    const [message, advice] = SYNTAX[printParseErrorCode(first.error)] ?? [
      'This is not JSON.',
      'Write texts in double quotes; other values are numbers, true, false, objects and lists.',
    ];
    problems.push(at(first.offset, '', message, advice));
  } else if (root !== undefined) {
    for (const { key, path } of lostKeys(root, [])) {
      const [message, advice] =
        key.value === '__proto__'
          ? ['This key cannot be used.', 'Choose another name.']
          : ['This key is written twice.', 'Keep one of the two.'];
      problems.push(at(key.offset, formatPath(path), message, advice));
    }
  }
  return {
    // An empty file, or one of comments only, is an empty configuration.
    value: root === undefined ? {} : (getNodeValue(root) as unknown),
    problems: stripComments(content).trim() === '' ? [] : problems,
    problem: (path, which, message, advice) => {
      const node = root === undefined ? undefined : nearestNode(root, path, which);
      return at(node?.offset ?? 0, formatPath(path), message, advice);
    },
  };
}

/** The parser calls itself for each bracket, so what it is given is bounded first. A configuration is five deep. */
function offsetTooDeep(content: string): number | undefined {
  const scanner = createScanner(content, true);
  let depth = 0;
  for (;;) {
    scanner.scan();
    const offset = scanner.getTokenOffset();
    const first = content[offset];
    if (first === undefined) return undefined;
    if (first === '{' || first === '[') depth += 1;
    if (first === '}' || first === ']') depth -= 1;
    if (depth > MAX_DEPTH) return offset;
  }
}

/** `["sources", "my shop", "paths", 1]` → `sources["my shop"].paths[1]` */
function formatPath(path: DocumentPath): string {
  let out = '';
  for (const part of path) {
    if (typeof part === 'number') out += `[${part}]`;
    else if (/^[A-Za-z_$][A-Za-z0-9_$-]*$/.test(part)) out += out === '' ? part : `.${part}`;
    else out += `[${JSON.stringify(part)}]`;
  }
  return out;
}

function nearestNode(root: Node, path: DocumentPath, which: 'key' | 'value'): Node {
  for (let length = path.length; length > 0; length -= 1) {
    const node = findNodeAtLocation(root, path.slice(0, length));
    if (node === undefined) continue;
    const key = node.parent?.type === 'property' ? node.parent.children?.[0] : undefined;
    return which === 'key' || length < path.length ? (key ?? node) : node;
  }
  return root;
}

/** Keys that would be lost without a word on the way to a JavaScript object. */
function* lostKeys(node: Node, path: DocumentPath): Generator<{ key: Node; path: DocumentPath }> {
  const seen = new Set<string>();
  for (const [index, child] of (node.children ?? []).entries()) {
    if (node.type === 'array') yield* lostKeys(child, [...path, index]);
    const [key, value] = child.type === 'property' ? (child.children ?? []) : [];
    if (key === undefined) continue;
    const name = String(key.value);
    if (seen.has(name) || name === '__proto__') yield { key, path: [...path, name] };
    seen.add(name);
    if (value !== undefined) yield* lostKeys(value, [...path, name]);
  }
}

function locator(content: string): (offset: number) => { line: number; column: number } {
  const starts = [0];
  for (const match of content.matchAll(/\r\n|\n|\r/g)) starts.push(match.index + match[0].length);
  return (offset) => {
    const line = Math.max(1, starts.findLastIndex((start) => start <= offset) + 1);
    return { line, column: offset - (starts[line - 1] ?? 0) + 1 };
  };
}
