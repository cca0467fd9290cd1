/**
 * What border.wat looks up, for the polynomial of a repository: twice 256 numbers of 64 bits, one after the other. Both tables are
 * linear, so each entry is made of those of its bits.
 */
const DEGREE = 53n;
const WINDOW = 64;

export function cutTables(polynomial: bigint): BigUint64Array<ArrayBuffer> {
  const tables = new BigUint64Array(512);
  for (let bit = 0; bit < 8; bit += 1) {
    let left = BigInt(1 << bit);
    for (let shift = 0; shift < WINDOW; shift += 1) left = modulo(left << 8n, polynomial);
    const above = BigInt(1 << bit) << DEGREE;
    fill(tables.subarray(0, 256), bit, left);
    fill(tables.subarray(256), bit, above | modulo(above, polynomial));
  }
  return tables;
}

function fill(table: BigUint64Array, bit: number, value: bigint): void {
  for (let byte = 0; byte < 256; byte += 1)
    if (((byte >> bit) & 1) === 1) table[byte] = (table[byte] as bigint) ^ value;
}

/** Of at most eight bits above the degree. */
function modulo(value: bigint, polynomial: bigint): bigint {
  let rest = value;
  for (let bit = DEGREE + 7n; bit >= DEGREE; bit -= 1n)
    if (((rest >> bit) & 1n) === 1n) rest ^= polynomial << (bit - DEGREE);
  return rest;
}
