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

export async function deriveKey(password: string, salt: Uint8Array, cost: KeyCost): Promise<CipherKey> {
  const memory = 128 * cost.N * cost.r;
  if (!isPowerOfTwo(cost.N) || cost.r < 1 || cost.p < 1 || cost.p > 64 || memory > MAX_MEMORY_BYTES) {
    throw new StillpointError(
      'repository.unsupported',
      `A key file asks for scrypt with N=${cost.N}, r=${cost.r}, p=${cost.p}.`,
      {
        advice: 'These numbers are not possible or need more than 1 GiB of memory. The key file may be damaged.',
        cause: undefined,
      },
    );
  }
  const bytes = await new Promise<Buffer>((resolve, reject) => {
    const options = { ...cost, maxmem: memory + 128 * cost.r * cost.p + 1024 * 1024 };
    scrypt(password, salt, 64, options, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
  return { encrypt: bytes.subarray(0, 32), macK: bytes.subarray(32, 48), macR: bytes.subarray(48, 64) };
}

function isPowerOfTwo(value: number): boolean {
  return Number.isSafeInteger(value) && value > 1 && Math.log2(value) % 1 === 0;
}
