/**
 * What the product can say: every text and every template of its source, as patterns. Documents and samples show
 * messages; one that no code can print is a false promise.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Fewer letters of its own make a template that fits everything. */
const LEAST_LETTERS = 4;

export class SpokenTexts {
  readonly #patterns: readonly RegExp[];

  constructor(folders: readonly string[]) {
    const texts = new Set(folders.flatMap(sources).flatMap((file) => textsIn(readFileSync(file, 'utf8'))));
    this.#patterns = [...texts].map((pattern) => new RegExp(`^(?:${pattern})$`, 's'));
  }

  /** Whether the text is one that stands in the source, or several of them, sentence after sentence or by commas. */
  canSay(text: string): boolean {
    if (this.#patterns.some((pattern) => pattern.test(text))) return true;
    // Longest beginnings first: a sentence of one template may hold the end of another.
    for (let end = text.lastIndexOf(' '); end > 0; end = text.lastIndexOf(' ', end - 1)) {
      if (!/[.?!:;,]$/.test(text.slice(0, end))) continue;
      const head = text.slice(0, end).replace(/,$/, '');
      if (this.#patterns.some((pattern) => pattern.test(head)) && this.canSay(text.slice(end + 1))) return true;
    }
    return false;
  }
}

function sources(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(folder, file));
}

/** Every literal of a source file as the source of a pattern; what a template fills in may be anything. */
function textsIn(source: string): readonly string[] {
  const found: string[] = [];
  readCode(source, 0, '', found);
  return found.filter(
    (pattern) => pattern.replaceAll(/\.\*\?|\\./g, '').replaceAll(/[^A-Za-z]/g, '').length >= LEAST_LETTERS,
  );
}

/** Reads code up to the brace that closes a template's hole, or to the end; returns where it stopped. */
function readCode(source: string, from: number, end: string, found: string[]): number {
  let depth = 0;
  for (let at = from; at < source.length; ) {
    const char = source[at] ?? '';
    if (source.startsWith('//', at)) at = lineEnd(source, at);
    else if (source.startsWith('/*', at)) at = Math.max(source.indexOf('*/', at + 2), at) + 2;
    else if (char === "'" || char === '"') at = readText(source, at, found);
    else if (char === '`') at = readTemplate(source, at, found);
    else if (char === '/' && isRegexAt(source, at)) at = skipRegex(source, at);
    else {
      if (char === '{') depth += 1;
      if (char === '}' && depth-- === 0 && end === '}') return at;
      at += 1;
    }
  }
  return source.length;
}

function readText(source: string, from: number, found: string[]): number {
  const quote = source[from];
  let text = '';
  let at = from + 1;
  for (; at < source.length && source[at] !== quote && source[at] !== '\n'; at += 1) {
    if (source[at] === '\\') at += 1;
    text += source[at] ?? '';
  }
  found.push(quoted(text));
  return at + 1;
}

function readTemplate(source: string, from: number, found: string[]): number {
  let pattern = '';
  let at = from + 1;
  while (at < source.length && source[at] !== '`') {
    if (source.startsWith('${', at)) {
      at = readCode(source, at + 2, '}', found) + 1;
      pattern += '.*?';
    } else {
      if (source[at] === '\\') at += 1;
      pattern += quoted(source[at] ?? '');
      at += 1;
    }
  }
  found.push(pattern);
  return at + 1;
}

const quoted = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
const lineEnd = (source: string, at: number): number => {
  const end = source.indexOf('\n', at);
  return end < 0 ? source.length : end;
};

/** A slash begins a regular expression where no value stands before it. */
function isRegexAt(source: string, at: number): boolean {
  const before = source.slice(Math.max(0, at - 20), at).trimEnd();
  return /(?:^|[(,=:[!&|?{};+>]|return|case|typeof)$/.test(before);
}

function skipRegex(source: string, from: number): number {
  let inClass = false;
  for (let at = from + 1; at < source.length; at += 1) {
    const char = source[at];
    if (char === '\n') return at;
    if (char === '\\') at += 1;
    else if (char === '[') inClass = true;
    else if (char === ']') inClass = false;
    else if (char === '/' && !inClass) return at + 1;
  }
  return source.length;
}
