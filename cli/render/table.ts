/** Tables as aligned columns with two spaces between them. No box art: the output is also read by `awk`. */
import { type Paint, shown } from './text.ts';

export interface Column<Row> {
  readonly title: string;
  readonly align?: 'left' | 'right';
  readonly cell: (row: Row) => string;
}

/** Every line ends with a newline; no rows give the titles alone. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], paint: Paint): string {
  const cells = rows.map((row) => columns.map((column) => shown(column.cell(row))));
  const widths = columns.map((column, index) =>
    Math.max(width(column.title), ...cells.map((line) => width(line[index] ?? ''))),
  );
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, index) => {
        const gap = ' '.repeat((widths[index] ?? 0) - width(text));
        return columns[index]?.align === 'right' ? gap + text : text + gap;
      })
      .join('  ')
      .trimEnd();
  const titles = paint('bold', line(columns.map((column) => column.title)));
  return [titles, ...cells.map(line)].map((text) => `${text}\n`).join('');
}

/** Columns that a text takes, close enough for names: one per code point. */
function width(text: string): number {
  return Array.from(text).length;
}

/** "  size      2.0 GiB" lines: names on the left, what they are on the right. */
export function renderFacts(facts: readonly (readonly [name: string, value: string])[], indent: string = '  '): string {
  const widest = Math.max(0, ...facts.map(([name]) => name.length));
  return facts.map(([name, value]) => `${indent}${name.padEnd(widest)}  ${value}\n`).join('');
}
