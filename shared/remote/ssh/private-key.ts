/**
 * Key files of OpenSSH. The public half is read without the passphrase (from the `.pub` file or from the clear part of
 * the private one), so that a person is asked only for a key that the host wants.
 */
import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { ParsedKey } from 'ssh2';
import { parseKey } from './ssh2.ts';

export type KeyFile =
  | { readonly kind: 'absent' }
  | { readonly kind: 'unusable'; readonly why: string }
  /** The public half alone: the private one is in an agent. */
  | { readonly kind: 'public'; readonly publicKey: ParsedKey }
  | { readonly kind: 'usable'; readonly publicKey: ParsedKey; readonly encrypted: boolean; readonly text: Buffer };

export async function readKeyFile(path: string): Promise<KeyFile> {
  const read = await readFile(path).then(
    (text) => ({ text }),
    (error: NodeJS.ErrnoException) => ({ error }),
  );
  if ('error' in read) {
    if (read.error.code === 'ENOENT' || read.error.code === 'ENOTDIR') return { kind: 'absent' };
    return { kind: 'unusable', why: `cannot be read (${read.error.code ?? read.error.message})` };
  }
  const { text } = read;
  const open = single(parseKey(plainPem(text)));
  if (!(open instanceof Error)) {
    if (!open.isPrivateKey()) return { kind: 'public', publicKey: open };
    return { kind: 'usable', publicKey: open, encrypted: false, text };
  }
  const isLocked = /encrypted/i.test(open.message) || text.includes('BEGIN ENCRYPTED PRIVATE KEY');
  if (!isLocked) return { kind: 'unusable', why: unusable(text, open) };
  const publicKey = clearPublicKey(text) ?? (await publicFile(path));
  if (publicKey === undefined) return { kind: 'unusable', why: 'needs a passphrase and has no .pub file beside it' };
  return { kind: 'usable', publicKey, encrypted: true, text };
}

/** Opens an encrypted key; undefined when the passphrase is wrong. */
export function openKey(text: Buffer, passphrase: string): ParsedKey | undefined {
  const key = single(parseKey(plainPem(text, passphrase), passphrase));
  return key instanceof Error || !key.isPrivateKey() ? undefined : key;
}

/** The public key of a file whose private half is elsewhere, as in an agent. */
export async function publicFile(path: string): Promise<ParsedKey | undefined> {
  const text = await readFile(`${path}.pub`).catch(() => undefined);
  const key = text === undefined ? undefined : single(parseKey(text));
  return key === undefined || key instanceof Error ? undefined : key;
}

/** ssh2 reads no PKCS#8; what it reads has the same key in it. OpenSSH 9.2 reads RSA and ECDSA so. */
function plainPem(text: Buffer, passphrase?: string): Buffer {
  if (!/-----BEGIN (?:ENCRYPTED )?PRIVATE KEY-----/.test(text.toString('latin1'))) return text;
  try {
    const key = createPrivateKey(passphrase === undefined ? text : { key: text, passphrase });
    if (key.asymmetricKeyType === 'rsa') return Buffer.from(key.export({ type: 'pkcs1', format: 'pem' }));
    if (key.asymmetricKeyType === 'ec') return Buffer.from(key.export({ type: 'sec1', format: 'pem' }));
  } catch {
    // A wrong passphrase, or none: ssh2 says what it makes of the file.
  }
  return text;
}

function unusable(text: Buffer, error: Error): string {
  if (clearBlob(text)?.includes('sk-')) return 'is on a security key; put it into an agent and use OpenSSH for it';
  return `cannot be used (${error.message})`;
}

function single(key: ParsedKey | ParsedKey[] | Error): ParsedKey | Error {
  if (!Array.isArray(key)) return key;
  return key[0] ?? new Error('no key in the file');
}

/** The `openssh-key-v1` format (PROTOCOL.key of OpenSSH): cipher, KDF and public key come before what is encrypted. */
function clearPublicKey(text: Buffer): ParsedKey | undefined {
  const blob = clearBlob(text);
  const key = blob === undefined ? undefined : single(parseKey(blob));
  return key === undefined || key instanceof Error ? undefined : key;
}

const MAGIC = 'openssh-key-v1\0';

function clearBlob(text: Buffer): Buffer | undefined {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([^-]+)-----END/.exec(text.toString('latin1'))?.[1];
  if (body === undefined) return undefined;
  const bytes = Buffer.from(body, 'base64');
  if (!bytes.toString('latin1').startsWith(MAGIC)) return undefined;
  let at = MAGIC.length;
  const field = (): Buffer => {
    const length = at + 4 <= bytes.length ? bytes.readUInt32BE(at) : 0;
    const value = bytes.subarray(at + 4, at + 4 + length);
    at += 4 + length;
    return value;
  };
  field(); // cipher
  field(); // key derivation
  field(); // its options
  at += 4; // number of keys, always 1
  return field();
}
