/** Bytes as people read them, and names of files made safe to show. Nothing here is ever parsed again. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** 1536 → "1.5 KiB". */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${UNITS[unit] ?? 'B'}`;
}

/**
 * What is not seen, or changes how its neighbours are seen: control characters, marks that turn the direction of
 * writing, characters without width, and tags. A name could hide behind them what it says.
 */
const UNSEEN =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/**
 * A name of bytes for the eye: UTF-8 where it is, `\xNN` for what is not text, control characters visible. A quotation
 * mark is shown as `\x22`, so that a name in a sentence cannot end the quotation that it is in.
 */
export function displayName(name: Uint8Array): string {
  const text = Buffer.from(name.buffer, name.byteOffset, name.byteLength);
  const decoded = text.toString('utf8');
  const exact = Buffer.from(decoded, 'utf8').equals(text);
  const shown = exact ? decoded : Array.from(text, byteToText).join('');
  return displayText(shown).replaceAll('"', String.raw`\x22`);
}

/** A sentence that may hold what others wrote, with everything in it visible. */
export function displayText(text: string): string {
  return text.replaceAll(UNSEEN, escapeCharacter);
}

/** What a program or a store said, as a quotation that it cannot end. */
export function quotation(text: string): string {
  return `"${displayText(text).replaceAll('"', "'")}"`;
}

function byteToText(byte: number): string {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
}

function escapeCharacter(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\u{${code.toString(16)}}`;
}
