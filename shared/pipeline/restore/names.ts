/**
 * Names on file systems that are not Linux' own: which of a folder's names may be taken for one another or be refused,
 * and what to call an entry instead. Only the file system itself knows what it does, so what is found here is tried there
 * (`name-trial.ts`); finding too many costs time, and finding too few shows when the entry is made.
 */

/** Marks that stand over other characters, and what is not seen at all. */
const NOT_COMPARED = /[\p{M}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
/** Stands at the end of no name on Windows' file systems. */
const TAIL = /[. ]+$/;

/** Equal for any two names that some file system might take for one. */
export function likenessOf(name: Buffer): string {
  const text = name.toString('utf8').normalize('NFKD').replaceAll(NOT_COMPARED, '');
  return text.toUpperCase().toLowerCase().normalize('NFKD').replace(TAIL, '');
}

/** Any file system takes these; but for their case they are only what they are. */
const PLAIN = /^[A-Za-z0-9_\-+=@#(){}[\]!&,;$%'^~][A-Za-z0-9_\-+=@#(){}[\]!&,;$%'^~. ]*$/;
const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)(\.|$)/i;

function isPlain(name: Buffer): boolean {
  const text = name.toString('latin1');
  return text.length < 200 && PLAIN.test(text) && !TAIL.test(text) && !RESERVED.test(text);
}

/** The names of a folder that have to be tried: those that are like others, and those that are not plain. */
export function doubtfulNames(names: readonly Buffer[]): readonly Buffer[] {
  const alike = Map.groupBy(names, likenessOf);
  return names.filter((name) => !isPlain(name) || (alike.get(likenessOf(name))?.length ?? 0) > 1);
}

const FORBIDDEN = /[\u0000-\u001f"*/:<>?\\|\u007f\ufffd]/g;
const LONGEST = 200;

/** A name that any file system takes, like the given one and unlike all that are `taken`; it is then taken as well. */
export function otherName(name: Buffer, taken: Set<string>): Buffer {
  let text = name.toString('utf8').normalize('NFC').replaceAll(FORBIDDEN, '_').replace(TAIL, '_');
  if (RESERVED.test(text)) text = `_${text}`;
  const dot = text.lastIndexOf('.');
  const end = dot > 0 && text.length - dot <= 20 ? text.slice(dot) : '';
  const stem = shortened(text.slice(0, text.length - end.length), LONGEST - Buffer.byteLength(end));
  for (let number = 1; ; number += 1) {
    const candidate = Buffer.from(number === 1 ? `${stem}${end}` : `${stem} (${number})${end}`);
    const likeness = likenessOf(candidate);
    if (taken.has(likeness)) continue;
    taken.add(likeness);
    return candidate;
  }
}

/** Cut between two characters. */
function shortened(text: string, bytes: number): string {
  return Buffer.from(text)
    .subarray(0, bytes)
    .toString('utf8')
    .replace(/\ufffd+$/, '');
}
