/**
 * restic's envelope: IV (16 random bytes) | AES-256-CTR ciphertext | Poly1305-AES tag (16 bytes). The tag is over the
 * ciphertext and is keyed by r and by AES-128(k, IV); it is compared in constant time before anything is decrypted.
 * Source: restic's design document and D. J. Bernstein, "The Poly1305-AES message-authentication code".
 *
 * The random IV also keys the tag, so one IV never serves two messages: it comes from the system's generator, each
 * time anew.
 */

import {
  type Cipheriv,
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  randomFillSync,
  timingSafeEqual,
} from 'node:crypto';
import { StillpointError } from '../../base/errors.ts';
import { release } from '../../base/release.ts';

const IV_BYTES = 16;
const MAC_BYTES = 16;
/** Larger messages are gone through in pieces of this. */
const PIECE_BYTES = 64 * 1024 * 1024;
/** What encryption adds to a message. */
export const OVERHEAD_BYTES = IV_BYTES + MAC_BYTES;

/** 32 bytes for AES-256, and for the tag 16 bytes k (AES-128) and 16 bytes r. */
export interface CipherKey {
  readonly encrypt: Uint8Array;
  readonly macK: Uint8Array;
  readonly macR: Uint8Array;
}

/** Seals and opens messages with one key. Make it by `createSealer`, which waits for the library to be loaded. */
export interface Sealer {
  /** A new buffer with the whole envelope. */
  seal(plaintext: Uint8Array): Buffer;
  /** Writes the envelope at `offset` of `target`, which must have room for plaintext and overhead; returns its length. */
  sealInto(plaintext: Uint8Array, target: Buffer, offset: number): number;
  /** The plaintext, or undefined if the tag does not fit: wrong key or changed bytes. */
  open(envelope: Uint8Array): Buffer | undefined;
}

export async function createSealer(key: CipherKey): Promise<Sealer> {
  // A program that opens no repository does without half a megabyte of it.
  const { default: sodium } = await import('libsodium-wrappers-sumo');
  await sodium.ready;
  if (key.encrypt.length !== 32 || key.macK.length !== 16 || key.macR.length !== 16) throw badKey();
  const nonceCipher = createCipheriv('aes-128-ecb', key.macK, null).setAutoPadding(false);
  // Given as bytes, the key is made again for each message, which for a small one takes longer than the message.
  const encryptionKey = createSecretKey(key.encrypt);
  const macKey = new Uint8Array(32);
  macKey.set(key.macR);

  const tag = (iv: Uint8Array, ciphertext: Uint8Array): Uint8Array => {
    macKey.set(nonceCipher.update(iv), 16);
    if (ciphertext.length <= PIECE_BYTES) return sodium.crypto_onetimeauth(ciphertext, macKey);
    // The library copies what it is given into memory of its own, which never shrinks.
    const state = sodium.crypto_onetimeauth_init(macKey);
    for (const piece of piecesOf(ciphertext)) sodium.crypto_onetimeauth_update(state, piece);
    return sodium.crypto_onetimeauth_final(state);
  };

  const sealInto = (plaintext: Uint8Array, target: Buffer, offset: number): number => {
    const iv = target.subarray(offset, offset + IV_BYTES);
    randomFillSync(iv);
    const body = offset + IV_BYTES;
    copyUpdate(createCipheriv('aes-256-ctr', encryptionKey, iv), plaintext, target, body);
    target.set(tag(iv, target.subarray(body, body + plaintext.length)), body + plaintext.length);
    return plaintext.length + OVERHEAD_BYTES;
  };

  return {
    sealInto,
    seal(plaintext) {
      const envelope = Buffer.allocUnsafe(plaintext.length + OVERHEAD_BYTES);
      sealInto(plaintext, envelope, 0);
      return envelope;
    },
    open(envelope) {
      if (envelope.length < OVERHEAD_BYTES) return undefined;
      const iv = envelope.subarray(0, IV_BYTES);
      const ciphertext = envelope.subarray(IV_BYTES, envelope.length - MAC_BYTES);
      if (!timingSafeEqual(tag(iv, ciphertext), envelope.subarray(envelope.length - MAC_BYTES))) return undefined;
      const decipher = createDecipheriv('aes-256-ctr', encryptionKey, iv);
      if (ciphertext.length <= PIECE_BYTES) return decipher.update(ciphertext);
      const plaintext = Buffer.allocUnsafeSlow(ciphertext.length);
      let at = 0;
      for (const piece of piecesOf(ciphertext)) at += decipher.update(piece).copy(plaintext, at);
      return plaintext;
    },
  };
}

function* piecesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}

function copyUpdate(cipher: Cipheriv, plaintext: Uint8Array, target: Buffer, offset: number): void {
  const ciphertext = cipher.update(plaintext);
  target.set(ciphertext, offset);
  release(ciphertext);
}

function badKey(): StillpointError {
  return new StillpointError('repository.damaged', 'The master key of the repository has the wrong length.', {
    advice: 'The key file is damaged. Restore the folder "keys" of the repository from a copy.',
    cause: undefined,
  });
}
