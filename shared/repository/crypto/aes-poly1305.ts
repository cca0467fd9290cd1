/**
 * restic's envelope: IV (16 random bytes) | AES-256-CTR ciphertext | Poly1305-AES tag (16 bytes). The tag is over the
 * ciphertext and is keyed by r and by AES-128(k, IV); it is compared in constant time before anything is decrypted.
 * Source: restic's design document and D. J. Bernstein, "The Poly1305-AES message-authentication code".
 *
 * The IV is where the key stream of a message begins, and it keys the tag, so no block of that stream serves two messages.
 * Messages that are sealed together lie one after the other in one stream, which begins at random, drawn from the system's generator
 * each time anew: their IVs count its blocks. Making a cipher takes longer than a small message.
 */

import { createCipheriv, createDecipheriv, createSecretKey, randomFillSync, timingSafeEqual } from 'node:crypto';
import { invariant, StillpointError } from '../../base/errors.ts';
import { release } from '../../base/release.ts';

const IV_BYTES = 16;
const MAC_BYTES = 16;
/** Of AES. */
const BLOCK_BYTES = 16;
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

/** Where a message lies among others. */
export interface Message {
  readonly offset: number;
  readonly length: number;
}

/** Where the next message begins, or in an empty list the first: each with a block of the key stream, which also an empty one takes. */
export function placeAfter(last: Message | undefined): number {
  return last === undefined ? 0 : last.offset + Math.ceil(Math.max(1, last.length) / BLOCK_BYTES) * BLOCK_BYTES;
}

/** What `placeAfter` may leave free before a message. */
export const MOST_PADDING_BYTES = BLOCK_BYTES;

export function endOf(messages: readonly Message[]): number {
  const last = messages.at(-1);
  return last === undefined ? 0 : last.offset + last.length;
}

/** Seals and opens messages with one key. Make it by `createSealer`, which waits for the library to be loaded. */
export interface Sealer {
  /** A new buffer with the whole envelope. */
  seal(plaintext: Uint8Array): Buffer;
  /** A new buffer with the envelopes of messages one after the other. @param plaintext of all; as `placeAfter` places them */
  sealAll(plaintext: Uint8Array, messages: readonly Message[]): Buffer;
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

  /** @param nonce the IV as AES-128(k) makes it */
  const tag = (nonce: Uint8Array, ciphertext: Uint8Array): Uint8Array => {
    macKey.set(nonce, 16);
    if (ciphertext.length <= PIECE_BYTES) return sodium.crypto_onetimeauth(ciphertext, macKey);
    // The library copies what it is given into memory of its own, which never shrinks.
    const state = sodium.crypto_onetimeauth_init(macKey);
    for (const piece of piecesOf(ciphertext)) sodium.crypto_onetimeauth_update(state, piece);
    return sodium.crypto_onetimeauth_final(state);
  };

  const sealAll = (plaintext: Uint8Array, messages: readonly Message[]): Buffer => {
    const start = randomFillSync(new Uint8Array(IV_BYTES));
    const ciphertext = createCipheriv('aes-256-ctr', encryptionKey, start).update(plaintext);
    const ivs = ivsOf(start, messages);
    const nonces = nonceCipher.update(ivs);
    const bytes = messages.reduce((sum, { length }) => sum + length + OVERHEAD_BYTES, 0);
    const envelopes = Buffer.allocUnsafeSlow(bytes);
    let at = 0;
    for (const [index, { offset, length }] of messages.entries()) {
      const body = ciphertext.subarray(offset, offset + length);
      envelopes.set(ivs.subarray(index * IV_BYTES, (index + 1) * IV_BYTES), at);
      envelopes.set(body, at + IV_BYTES);
      const nonce = nonces.subarray(index * IV_BYTES, (index + 1) * IV_BYTES);
      envelopes.set(tag(nonce, body), at + IV_BYTES + length);
      at += length + OVERHEAD_BYTES;
    }
    release(ciphertext);
    return envelopes;
  };

  return {
    sealAll,
    seal: (plaintext) => sealAll(plaintext, [{ offset: 0, length: plaintext.length }]),
    open(envelope) {
      if (envelope.length < OVERHEAD_BYTES) return undefined;
      const iv = envelope.subarray(0, IV_BYTES);
      const ciphertext = envelope.subarray(IV_BYTES, envelope.length - MAC_BYTES);
      const itsTag = envelope.subarray(envelope.length - MAC_BYTES);
      if (!timingSafeEqual(tag(nonceCipher.update(iv), ciphertext), itsTag)) return undefined;
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

/** CTR counts blocks in all 128 bits of the IV, the highest first, and begins anew behind the last one. */
export function ivsOf(start: Uint8Array, messages: readonly Message[]): Buffer {
  const ivs = Buffer.allocUnsafe(messages.length * IV_BYTES);
  for (const [index, { offset }] of messages.entries()) {
    invariant(offset % BLOCK_BYTES === 0, 'a message begins with a block of the key stream');
    ivs.set(start, index * IV_BYTES);
    let carry = offset / BLOCK_BYTES;
    for (let at = (index + 1) * IV_BYTES - 1; carry > 0 && at >= index * IV_BYTES; at -= 1) {
      const sum = (ivs[at] ?? 0) + carry;
      ivs[at] = sum % 256;
      carry = Math.floor(sum / 256);
    }
  }
  return ivs;
}

function badKey(): StillpointError {
  return new StillpointError('repository.damaged', 'The master key of the repository has the wrong length.', {
    advice: 'The key file is damaged. Restore the folder "keys" of the repository from a copy.',
    cause: undefined,
  });
}
