/**
 * Entries that come to a configuration as a person wrote it. Text is put in and nothing is taken away, so comments, the
 * order and the form of all that is there stay as they are. Pure; what writes the file is `replace-config.ts`.
 */
import { createScanner, findNodeAtLocation, type Node, parseTree } from 'jsonc-parser';
import { invariant } from '../base/errors.ts';

export interface NewEntry {
  readonly table: 'hosts' | 'repositories' | 'sources';
  readonly name: string;
  readonly value: object;
}

/** What a new file begins with. */
const NEW_FILE = '// The configuration of Stillpoint. It holds no passwords.\n';

/** @param text a configuration that is valid, also one of comments only; nothing where there is no file yet */
export function addEntries(text: string, entries: readonly NewEntry[]): string {
  return entries.reduce(addEntry, text.trim() === '' ? NEW_FILE : text);
}

function addEntry(text: string, { table, name, value }: NewEntry): string {
  const form = formOf(text);
  const root = parseTree(text, [], { allowTrailingComma: true });
  if (root === undefined)
    return `${text}${text.endsWith('\n') ? '' : form.eol}${writtenOut({ [table]: { [name]: value } }, '', form)}${form.eol}`;
  const found = findNodeAtLocation(root, [table]);
  return found === undefined
    ? addProperty(text, root, table, { [name]: value }, form)
    : addProperty(text, found, name, value, form);
}

interface Form {
  readonly eol: string;
  readonly indent: string;
}

/** As the file has it. */
function formOf(text: string): Form {
  const [, indent = '  '] = /^([ \t]+)"/m.exec(text) ?? [];
  return { eol: text.includes('\r\n') ? '\r\n' : '\n', indent };
}

function writtenOut(value: object, margin: string, { eol, indent }: Form): string {
  return JSON.stringify(value, undefined, indent).split('\n').join(`${eol}${margin}`);
}

/** Behind all that is in the object, comments too. */
function addProperty(text: string, object: Node, name: string, value: object, form: Form): string {
  invariant(object.type === 'object', 'a configuration and its tables are objects');
  const close = object.offset + object.length - 1;
  const last = object.children?.at(-1);
  const margin = marginOf(text, object.offset);
  const inner =
    last === undefined ? `${margin}${form.indent}` : marginOf(text, last.offset) || `${margin}${form.indent}`;
  const behind = last === undefined ? object.offset + 1 : last.offset + last.length;
  const rest = text.slice(behind, close);
  const content = rest.trimEnd();
  const comma = last === undefined || hasComma(content) ? '' : ',';
  const gap = rest.slice(content.length);
  const end = gap.includes('\n') ? gap : `${form.eol}${margin}`;
  const property = `${form.eol}${inner}${JSON.stringify(name)}: ${writtenOut(value, inner, form)}`;
  return `${text.slice(0, behind)}${comma}${content}${property}${end}${text.slice(close)}`;
}

/** The blanks at the beginning of the line that holds this place. */
function marginOf(text: string, offset: number): string {
  const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset);
  return /^[ \t]*/.exec(line)?.[0] ?? '';
}

/** `SyntaxKind` is a const enum, which is not there at run time. */
const [COMMA, END] = [5, 17];

/** Whether a comma follows the last property; one in a comment is none. */
function hasComma(text: string): boolean {
  const scanner = createScanner(text, true);
  for (let token: number = scanner.scan(); token !== END; token = scanner.scan()) if (token === COMMA) return true;
  return false;
}
