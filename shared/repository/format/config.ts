/** The file `config`: which version the repository has, its id, and the chunker's polynomial. Sealed, never compressed. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { StillpointError } from '../../base/errors.ts';
import { damagedJson, goJson, parseJson, unknownFields } from './go-json.ts';
import { isUsable, randomPolynomial } from './polynomial.ts';

export interface RepositoryConfig {
  readonly version: 1 | 2;
  /** 64 hexadecimal digits. */
  readonly id: string;
  readonly chunkerPolynomial: bigint;
  /** Fields that we do not know, kept as read. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

const schema = z.looseObject({
  version: z.number().int(),
  id: z.string().regex(/^[0-9a-f]{64}$/),
  chunker_polynomial: z.string().regex(/^[0-9a-f]{1,16}$/),
});

export function newConfig(version: 1 | 2): RepositoryConfig {
  return { version, id: randomBytes(32).toString('hex'), chunkerPolynomial: randomPolynomial() };
}

export function encodeConfig(config: RepositoryConfig): Buffer {
  const { version, id, chunkerPolynomial, extra } = config;
  return Buffer.from(goJson({ version, id, chunker_polynomial: chunkerPolynomial.toString(16), ...extra }));
}

export function decodeConfig(plaintext: Buffer, title: string): RepositoryConfig {
  const what = `the configuration of the ${title}`;
  const raw = parseJson(plaintext, what);
  const version = (raw as { readonly version?: unknown } | null)?.version;
  if (typeof version === 'number' && version !== 1 && version !== 2) {
    throw new StillpointError('repository.unsupported', `The ${title} has format version ${version}.`, {
      advice: 'Stillpoint reads and writes versions 1 and 2. Use a newer Stillpoint, or restic.',
      cause: undefined,
    });
  }
  const parsed = schema.safeParse(raw);
  if (!parsed.success) throw damagedJson(what, 'lacks a field that it must have', parsed.error);
  const { version: number, id, chunker_polynomial: polynomial, ...extra } = parsed.data;
  const chunkerPolynomial = BigInt(`0x${polynomial}`);
  if (!isUsable(chunkerPolynomial)) throw damagedJson(what, 'holds a polynomial that cannot be used');
  return {
    version: number === 1 ? 1 : 2,
    id,
    chunkerPolynomial,
    ...unknownFields(extra, what),
  };
}
