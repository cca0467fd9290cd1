/**
 * Where restic cuts content, written down as its chunker does it, one byte after the other: what ours, which leaves out all that
 * it can, is held against.
 */
const WINDOW = 64;
const LEAST_BYTES = 512 * 1024;
const MOST_BYTES = 8 * 1024 * 1024;
const CUT_MASK = (1 << 20) - 1;
const DEGREE = 53;

/** Numbers of 64 bits are two of 32 here. */
interface Tables {
  /** What a byte has left in the fingerprint when it falls out of the window. */
  readonly out: readonly [low: Int32Array, high: Int32Array];
  /** What is to be subtracted for the byte that grew out of the degree. */
  readonly mod: readonly [low: Int32Array, high: Int32Array];
}

function tablesOf(polynomial: bigint): Tables {
  const [out, mod]: [bigint[], bigint[]] = [[], []];
  for (let byte = 0n; byte < 256n; byte += 1n) {
    let left = byte;
    for (let shift = 1; shift < WINDOW; shift += 1) left = modulo(left << 8n, polynomial);
    out.push(left);
    const grown = byte << BigInt(DEGREE);
    mod.push(modulo(grown, polynomial) | grown);
  }
  const halves = (numbers: readonly bigint[]): [Int32Array, Int32Array] => [
    Int32Array.from(numbers, (number) => Number(BigInt.asIntN(32, number))),
    Int32Array.from(numbers, (number) => Number(BigInt.asIntN(32, number >> 32n))),
  ];
  return { out: halves(out), mod: halves(mod) };
}

function modulo(value: bigint, polynomial: bigint): bigint {
  let rest = value;
  for (let bit = 61n; bit >= BigInt(DEGREE); bit -= 1n)
    if (((rest >> bit) & 1n) === 1n) rest ^= polynomial << (bit - BigInt(DEGREE));
  return rest;
}

/** The lengths of the pieces of a content. */
export function referenceLengths(content: Uint8Array, polynomial: bigint): number[] {
  const tables = tablesOf(polynomial);
  const lengths: number[] = [];
  for (let at = 0; at < content.length; at += lengths.at(-1) ?? 0) lengths.push(firstLength(content, at, tables));
  return lengths;
}

function firstLength(content: Uint8Array, from: number, { out, mod }: Tables): number {
  const [outLow, outHigh] = out;
  const [modLow, modHigh] = mod;
  // As restic does: one byte of 1 is in the window before the first of the content.
  const window = new Uint8Array(WINDOW);
  window[0] = 1;
  let [low, high, position] = [1, 0, 1];
  const end = Math.min(content.length, from + MOST_BYTES);
  for (let at = from + LEAST_BYTES - WINDOW; at < end; at += 1) {
    const byte = content[at] as number;
    const gone = window[position] as number;
    window[position] = byte;
    position = (position + 1) % WINDOW;
    low ^= outLow[gone] as number;
    high ^= outHigh[gone] as number;
    const top = (high >>> (DEGREE - 8 - 32)) & 0xff;
    high = ((high << 8) | (low >>> 24)) ^ (modHigh[top] as number);
    low = ((low << 8) | byte) ^ (modLow[top] as number);
    if ((low & CUT_MASK) === 0 && at + 1 - from >= LEAST_BYTES) return at + 1 - from;
  }
  return end - from;
}
