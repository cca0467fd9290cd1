/**
 * The random irreducible polynomial over GF(2) of degree 53 in a repository's configuration, which restic's
 * content-defined chunker needs, and ours (`workers/content-cutter.ts`).
 */
import { randomBytes } from 'node:crypto';

const DEGREE = 53;

export function randomPolynomial(): bigint {
  for (;;) {
    const random = BigInt(`0x${randomBytes(8).toString('hex')}`);
    const candidate = (random & ((1n << BigInt(DEGREE)) - 1n)) | (1n << BigInt(DEGREE)) | 1n;
    if (isIrreducible(candidate)) return candidate;
  }
}

/** restic has never made one of another degree, and what looks for borders counts on this one. */
export function isUsable(polynomial: bigint): boolean {
  return degreeOf(polynomial) === DEGREE && isIrreducible(polynomial);
}

/** Ben-Or's test: no factor of degree i ≤ n/2 divides x^(2^i) − x. */
export function isIrreducible(polynomial: bigint): boolean {
  const degree = degreeOf(polynomial);
  if (degree < 1) return false;
  let power = 2n;
  for (let i = 1; i <= degree / 2; i++) {
    power = multiplyModulo(power, power, polynomial);
    if (greatestCommonDivisor(polynomial, power ^ 2n) !== 1n) return false;
  }
  return true;
}

function degreeOf(polynomial: bigint): number {
  return polynomial === 0n ? -1 : polynomial.toString(2).length - 1;
}

function modulo(value: bigint, divisor: bigint): bigint {
  const degree = degreeOf(divisor);
  let rest = value;
  for (let shift = degreeOf(rest) - degree; shift >= 0; shift = degreeOf(rest) - degree)
    rest ^= divisor << BigInt(shift);
  return rest;
}

function multiplyModulo(left: bigint, right: bigint, divisor: bigint): bigint {
  let product = 0n;
  for (let rest = right, shifted = left; rest !== 0n; rest >>= 1n, shifted <<= 1n) {
    if ((rest & 1n) === 1n) product ^= shifted;
  }
  return modulo(product, divisor);
}

function greatestCommonDivisor(left: bigint, right: bigint): bigint {
  let [a, b] = [left, right];
  while (b !== 0n) [a, b] = [b, modulo(a, b)];
  return a;
}
