/** The elements of a JSON array one by one, so that a listing of a million files is never a million objects at once. */

/** @param bad the error for a text that is not an array */
export function* arrayElements(text: string, bad: () => Error): Generator {
  let at = skipSpace(text, 0);
  if (text[at] !== '[') throw bad();
  at = skipSpace(text, at + 1);
  if (text[at] === ']') return;
  for (;;) {
    const end = endOfElement(text, at);
    yield parse(text.slice(at, end), bad);
    if (text[end] === ']') return;
    if (text[end] !== ',') throw bad();
    at = end + 1;
  }
}

/** Where the comma or bracket behind the element is. */
function endOfElement(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') at = endOfString(text, at);
    else if (character === '{' || character === '[') depth += 1;
    else if (depth === 0 && (character === ',' || character === ']')) return at;
    else if (character === '}' || character === ']') depth -= 1;
  }
  return text.length;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (at < text.length && ' \t\r\n'.includes(text[at] ?? 'x')) at += 1;
  return at;
}

function parse(text: string, bad: () => Error): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw bad();
  }
}
