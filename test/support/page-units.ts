/** What a page says, in the pieces in which it can be true or false: table rows, sentences, commands. */

export type UnitKind = 'row' | 'sentence' | 'command';

export interface Unit {
  readonly kind: UnitKind;
  /** In one line. */
  readonly text: string;
  /** The headings above it, the topmost first. */
  readonly headings: readonly string[];
}

/** White space and line breaks are no part of what is said. */
export function inOneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

const LIST_ITEM = /^\s*(?:[-*]|\d+\.) /;
const TABLE_RULE = /^\|[ :|-]+\|$/;

export function unitsOf(page: string): readonly Unit[] {
  const units: Unit[] = [];
  const headings: string[] = [];
  let prose: string[] = [];
  const add = (kind: UnitKind, texts: readonly string[]): void => {
    units.push(...texts.map((text) => ({ kind, text: inOneLine(text), headings: headings.filter(Boolean) })));
  };
  const endProse = (): void => {
    add('sentence', sentences(prose.join(' ')));
    prose = [];
  };
  const lines = page.split('\n');
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? '';
    const [, fence, language] = /^( *)```(\w*)/.exec(line) ?? [];
    const [, marks, title] = /^(#+) (.+)$/.exec(line) ?? [];
    if (fence !== undefined) {
      endProse();
      const end = lines.findIndex((other, at) => at > index && other.startsWith(`${fence}\`\`\``));
      if (language === 'sh') add('command', commands(lines.slice(index + 1, end)));
      index = end < 0 ? lines.length : end;
    } else if (marks !== undefined && title !== undefined) {
      endProse();
      headings.length = marks.length - 1;
      headings[marks.length - 1] = title;
    } else if (line.startsWith('|')) {
      endProse();
      if (TABLE_RULE.test(lines[index + 1] ?? '')) index += 1;
      else add('row', [line]);
    } else if (line.trim() === '' || /^(<!--|!\[)/.test(line)) {
      endProse();
    } else {
      if (LIST_ITEM.test(line)) endProse();
      prose.push(line.replace(LIST_ITEM, ''));
    }
  }
  endProse();
  return units;
}

/** At each end of a sentence, with what closes behind it. One that is cut too often is only asked for in pieces. */
function sentences(prose: string): readonly string[] {
  return prose.split(/(?<=[.!?][)\]"'*_`]*)\s+/).filter((text) => text.trim() !== '');
}

function commands(lines: readonly string[]): readonly string[] {
  return lines
    .join('\n')
    .replaceAll(/\\\n/g, '\\ ')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.trim().startsWith('#'));
}
