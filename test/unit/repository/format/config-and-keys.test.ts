import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeConfig, encodeConfig, newConfig } from '../../../../shared/repository/format/config.ts';
import {
  decodeKeyFile,
  encodeKeyFile,
  newMasterKey,
  openMasterKey,
  sealMasterKey,
} from '../../../../shared/repository/format/key-file.ts';
import { isIrreducible, randomPolynomial } from '../../../../shared/repository/format/polynomial.ts';
import { timestampFromNs } from '../../../../shared/repository/timestamp.ts';

/** From restic's own documentation. */
const RESTIC_POLYNOMIAL = 0x25b468838dcb75n;
const OWNER = { created: timestampFromNs(0n), username: 'ada', hostname: 'db<1>' };
const COST = { N: 16, r: 1, p: 1 };

function product(left: bigint, right: bigint): bigint {
  let result = 0n;
  for (let bit = 0n; right >> bit > 0n; bit++) if (((right >> bit) & 1n) === 1n) result ^= left << bit;
  return result;
}

describe('the configuration', () => {
  it.each([1, 2] as const)('of version %i comes back', (version) => {
    const config = newConfig(version);
    expect(decodeConfig(encodeConfig(config), 'here')).toEqual(config);
  });

  it('reads what restic documents', () => {
    const id = '5956a3f67a6230d4a92cefb29529f10196c7d92582ec305fd71ff6d331d6271b';
    const stored = Buffer.from(`{"version":2,"id":"${id}","chunker_polynomial":"25b468838dcb75"}`);
    expect(decodeConfig(stored, 'here')).toEqual({ version: 2, id, chunkerPolynomial: RESTIC_POLYNOMIAL });
    expect(encodeConfig(decodeConfig(stored, 'here'))).toEqual(stored);
  });

  it('names a version that we do not know', () => {
    expect(() => decodeConfig(Buffer.from('{"version":3}'), '/srv/repo')).toThrow('format version 3');
  });

  it.each(['{}', '{"version":2,"id":"x"}', '[]', 'null'])('refuses %s', (stored) => {
    expect(() => decodeConfig(Buffer.from(stored), 'here')).toThrow('the configuration');
  });

  it('has a polynomial that is irreducible', () => {
    expect(isIrreducible(RESTIC_POLYNOMIAL)).toBe(true);
    for (let round = 0; round < 3; round++) {
      const polynomial = randomPolynomial();
      expect(polynomial.toString(2).length).toBe(54);
      expect(isIrreducible(polynomial)).toBe(true);
    }
  });

  it('has one of the degree that the cutter counts on', () => {
    const tooLong = (1n << 61n) | 39n;
    for (const polynomial of [0xbn, tooLong]) {
      expect(isIrreducible(polynomial)).toBe(true);
      const stored = `{"version":2,"id":"${'0'.repeat(64)}","chunker_polynomial":"${polynomial.toString(16)}"}`;
      expect(() => decodeConfig(Buffer.from(stored), 'here')).toThrow('holds a polynomial that cannot be used');
    }
  });

  it('knows a product for one', () => {
    const factor = fc.bigInt({ min: 2n, max: (1n << 26n) - 1n });
    fc.assert(fc.property(factor, factor, (left, right) => !isIrreducible(product(left, right))));
    expect(isIrreducible(product(RESTIC_POLYNOMIAL, RESTIC_POLYNOMIAL))).toBe(false);
  });
});

describe('key files', () => {
  it('open with their password and with no other', async () => {
    const master = newMasterKey();
    const file = decodeKeyFile(encodeKeyFile(await sealMasterKey(master, 'päss', COST, OWNER)), 'the key');
    expect(file).toMatchObject({ ...OWNER, cost: COST });
    const opened = await openMasterKey(file, 'päss', 'the key');
    expect(opened).toEqual(master);
    expect(await openMasterKey(file, 'pass', 'the key')).toBeUndefined();
  });

  it('do not take the machine down by their numbers', async () => {
    const file = await sealMasterKey(newMasterKey(), 'x', COST, OWNER);
    for (const cost of [
      { N: 2 ** 40, r: 8, p: 1 },
      { N: 15, r: 8, p: 1 },
      { N: 16, r: 1, p: 2 ** 24 },
      { N: 2 ** 17, r: 1, p: 1 },
      { N: 2, r: 2 ** 20, p: 2 ** 10 },
      { N: 2 ** 20, r: 8, p: 64 },
    ]) {
      await expect(openMasterKey({ ...file, cost }, 'x', 'the key')).rejects.toThrow('asks for scrypt');
    }
  });

  it('refuse another kind of derivation', async () => {
    const file = encodeKeyFile(await sealMasterKey(newMasterKey(), 'x', COST, OWNER))
      .toString()
      .replace('scrypt', 'argon2');
    expect(() => decodeKeyFile(Buffer.from(file), 'the key')).toThrow('is not a key file');
  });
});
