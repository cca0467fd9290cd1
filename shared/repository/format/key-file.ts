/**
 * Key files: plain JSON with scrypt's numbers and the master key, sealed by the key that scrypt makes of a password.
 * A repository has one for each password; all hold the same master key.
 */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { type CipherKey, createSealer } from '../crypto/aes-poly1305.ts';
import { assertPossible, deriveKey, type KeyCost } from '../crypto/kdf.ts';
import { type Timestamp } from '../timestamp.ts';
import { damagedJson, goJson, parseJson, unknownFields } from './go-json.ts';
import { parseTimestamp } from './read-text.ts';

export interface KeyFile {
  readonly created: Timestamp;
  readonly username: string;
  readonly hostname: string;
  readonly cost: KeyCost;
  readonly salt: Buffer;
  /** The sealed master key. */
  readonly data: Buffer;
  /** Fields that we do not know, kept as read. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

export interface KeyOwner {
  readonly created: Timestamp;
  readonly username: string;
  readonly hostname: string;
}

const fileSchema = z.looseObject({
  created: z.string(),
  username: z.string().default(''),
  hostname: z.string().default(''),
  kdf: z.literal('scrypt'),
  N: z.number().int().positive(),
  r: z.number().int().positive(),
  p: z.number().int().positive(),
  salt: z.base64(),
  data: z.base64(),
});

const masterSchema = z.looseObject({
  mac: z.looseObject({ k: z.base64(), r: z.base64() }),
  encrypt: z.base64(),
});

export function newMasterKey(): CipherKey {
  return { encrypt: randomBytes(32), macK: randomBytes(16), macR: clamp(randomBytes(16)) };
}

/** Poly1305 ignores these bits of r; stored without them, as restic stores it. */
function clamp(r: Buffer): Buffer {
  for (const index of [3, 7, 11, 15]) r[index] = (r[index] ?? 0) & 15;
  for (const index of [4, 8, 12]) r[index] = (r[index] ?? 0) & 252;
  return r;
}

export async function sealMasterKey(
  master: CipherKey,
  password: string,
  cost: KeyCost,
  owner: KeyOwner,
): Promise<KeyFile> {
  const salt = randomBytes(64);
  const sealer = await createSealer(await deriveKey(password, salt, cost, 'the new key'));
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  const plaintext = goJson({
    mac: { k: base64(master.macK), r: base64(master.macR) },
    encrypt: base64(master.encrypt),
  });
  return { ...owner, cost, salt, data: sealer.seal(Buffer.from(plaintext)) };
}

/** Undefined when the password is not this key's. */
export async function openMasterKey(file: KeyFile, password: string, what: string): Promise<CipherKey | undefined> {
  const sealer = await createSealer(await deriveKey(password, file.salt, file.cost, what));
  const plaintext = sealer.open(file.data);
  if (plaintext === undefined) return undefined;
  const parsed = masterSchema.safeParse(parseJson(plaintext, what));
  if (!parsed.success) throw damagedJson(what, 'does not hold a master key', parsed.error);
  const { encrypt, mac } = parsed.data;
  const bytes = (text: string): Buffer => Buffer.from(text, 'base64');
  const key = { encrypt: bytes(encrypt), macK: bytes(mac.k), macR: bytes(mac.r) };
  const isWhole = key.encrypt.length === 32 && key.macK.length === 16 && key.macR.length === 16;
  if (!isWhole) throw damagedJson(what, 'holds a master key of the wrong length');
  return key;
}

export function encodeKeyFile(file: KeyFile): Buffer {
  const { created, username, hostname, cost, salt, data, extra } = file;
  const fields = { created, username, hostname, kdf: 'scrypt', N: cost.N, r: cost.r, p: cost.p };
  return Buffer.from(goJson({ ...fields, salt: salt.toString('base64'), data: data.toString('base64'), ...extra }));
}

export function decodeKeyFile(content: Buffer, what: string): KeyFile {
  const parsed = fileSchema.safeParse(parseJson(content, what));
  if (!parsed.success) throw damagedJson(what, 'is not a key file', parsed.error);
  const { created, username, hostname, kdf: _scrypt, N, r, p, salt, data, ...extra } = parsed.data;
  assertPossible({ N, r, p }, what);
  return {
    created: parseTimestamp(created, what),
    username,
    hostname,
    cost: { N, r, p },
    salt: Buffer.from(salt, 'base64'),
    data: Buffer.from(data, 'base64'),
    ...unknownFields(extra, what),
  };
}
