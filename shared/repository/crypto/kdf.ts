/** From a password to a key, by scrypt, as restic's key files describe it. */
import { scrypt } from 'node:crypto';
import { StillpointError } from '../../base/errors.ts';
import type { CipherKey } from './aes-poly1305.ts';

/** scrypt's cost: memory is 128·N·r bytes, time grows with N·r·p. */
export interface KeyCost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/** 32 MiB and about a tenth of a second: what restic falls back to. */
export const DEFAULT_KEY_COST: KeyCost = { N: 32768, r: 8, p: 1 };

/** A key file is not authenticated before its key is derived, so its numbers may not take the machine down. */
const MAX_MEMORY_BYTES = 1024 ** 3;
/** In units of `effortOf`: what a gigabyte of memory takes, four times over; some seconds. */
export const MOST_EFFORT = 4 * (MAX_MEMORY_BYTES / 128);

/** What the time grows with. */
export function effortOf({ N, r, p }: KeyCost): number {
  return N * r * p;
}

/** @param what the key file, for errors. Errors: `repository.unsupported` for numbers that scrypt or we do not take. */
export function assertPossible(cost: KeyCost, what: string): void {
  const { N, r, p } = cost;
  const isDefined = isPowerOfTwo(N) && r >= 1 && p >= 1 && r * p < 2 ** 30 && Math.log2(N) < 16 * r;
  if (!isDefined || 128 * N * r > MAX_MEMORY_BYTES || effortOf(cost) > MOST_EFFORT)
    throw impossible(cost, what, undefined);
}

export async function deriveKey(password: string, salt: Uint8Array, cost: KeyCost, what: string): Promise<CipherKey> {
  assertPossible(cost, what);
  const bytes = await new Promise<Buffer>((resolve, reject) => {
    const refuse = (cause: unknown): void => reject(impossible(cost, what, cause));
    const options = { ...cost, maxmem: 128 * cost.N * cost.r + 128 * cost.r * cost.p + 1024 * 1024 };
    try {
      scrypt(password, salt, 64, options, (error, key) => (error === null ? resolve(key) : refuse(error)));
    } catch (error) {
      refuse(error);
    }
  });
  return { encrypt: bytes.subarray(0, 32), macK: bytes.subarray(32, 48), macR: bytes.subarray(48, 64) };
}

function impossible({ N, r, p }: KeyCost, what: string, cause: unknown): StillpointError {
  const message = `The file of ${what} asks for scrypt with N=${N}, r=${r}, p=${p}, which is not possible or takes too much memory or time.`;
  return new StillpointError('repository.unsupported', message, {
    advice:
      'It may be damaged. Passwords with other keys are not affected; bring the file back from a copy if there is one.',
    cause,
  });
}

function isPowerOfTwo(value: number): boolean {
  return Number.isSafeInteger(value) && value > 1 && Math.log2(value) % 1 === 0;
}
