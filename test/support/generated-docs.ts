/**
 * Parts of the documentation that are made from the program. Between `<!-- generated: NAME -->` and `<!-- end -->`
 * stands what the program says; the test compares the whole page, and `vitest -u` writes it anew.
 */
import { readFile } from 'node:fs/promises';

const BLOCK = /(<!-- generated: (.+?) -->\n)[^]*?(<!-- end -->)/g;

/** The page as it should be. Every part must be known, and every known part must be on the page. */
export async function pageWithParts(page: URL, parts: ReadonlyMap<string, string>): Promise<string> {
  const unused = new Set(parts.keys());
  const text = (await readFile(page, 'utf8')).replaceAll(BLOCK, (_, head: string, name: string, tail: string) => {
    const part = parts.get(name);
    if (part === undefined) throw new Error(`the page has a part "${name}" that no test makes`);
    unused.delete(name);
    return `${head}\n${part.trimEnd()}\n\n${tail}`;
  });
  if (unused.size > 0) throw new Error(`the page lacks the parts ${[...unused].map((name) => `"${name}"`).join(', ')}`);
  return text;
}

export function markdownTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(titles), line(titles.map(() => '---')), ...rows.map(line)].join('\n');
}
