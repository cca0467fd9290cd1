import { createCipheriv, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createSealer,
  endOf,
  ivsOf,
  type Message,
  OVERHEAD_BYTES,
  placeAfter,
  type Sealer,
} from '../../../shared/repository/crypto/aes-poly1305.ts';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

/** D. J. Bernstein, "The Poly1305-AES message-authentication code", appendix B. */
const VECTORS = [
  {
    message: 'f3f6',
    k: 'ec074c835580741701425b623235add6',
    r: '851fc40c3467ac0be05cc20404f3f700',
    nonce: 'fb447350c4e868c52ac3275cf9d4327e',
    tag: 'f4c633c3044fc145f84f335cb81953de',
  },
  {
    message: '',
    k: '75deaa25c09f208e1dc4ce6b5cad3fbf',
    r: 'a0f3080000f46400d0c7e9076c834403',
    nonce: '61ee09218d29b0aaed7e154a2c5509cc',
    tag: 'dd3fab2251f11ac759f0887129cc2ee7',
  },
  {
    message: '663cea190ffb83d89593f3f476b6bc24d7e679107ea26adb8caf6652d0656136',
    k: '6acb5f61a7176dd320c5c1eb2edcdc74',
    r: '48443d0bb0d21109c89a100b5ce2c208',
    nonce: 'ae212a55399729595dea458bc621ff0e',
    tag: '0ee1c16bb73f0f4fd19881753c01cdbe',
  },
] as const;

function anySealer(): Promise<Sealer> {
  return createSealer({ encrypt: randomBytes(32), macK: randomBytes(16), macR: randomBytes(16) });
}

describe('the envelope', () => {
  it.each(VECTORS)('has the tag of the paper for $message', async ({ message, k, r, nonce, tag }) => {
    const sealer = await createSealer({ encrypt: Buffer.alloc(32), macK: hex(k), macR: hex(r) });
    expect(sealer.open(hex(nonce + message + tag))?.length).toBe(message.length / 2);
  });

  it('has the ciphertext of NIST SP 800-38A, F.5.5', async () => {
    const encrypt = hex('603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4');
    const sealer = await createSealer({ encrypt, macK: Buffer.alloc(16), macR: Buffer.alloc(16) });
    // With r = 0 the tag is AES-128 of the nonce under the zero key, whatever the ciphertext.
    const nonce = 'f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff';
    const tag = createCipheriv('aes-128-ecb', Buffer.alloc(16), null)
      .setAutoPadding(false)
      .update(hex(nonce))
      .toString('hex');
    const opened = sealer.open(hex(`${nonce}601ec313775789a5b7a7f504bbf3d228${tag}`));
    expect(opened?.toString('hex')).toBe('6bc1bee22e409f96e93d7e117393172a');
  });

  it('gives back every message, with fresh random bytes each time', async () => {
    const sealer = await anySealer();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), (message) => {
        const sealed = sealer.seal(message);
        expect(sealed.length).toBe(message.length + OVERHEAD_BYTES);
        expect(sealer.open(sealed)?.equals(message)).toBe(true);
        expect(sealer.seal(message).equals(sealed)).toBe(false);
      }),
    );
  });

  it('seals messages together, each to be opened by itself, and no block of the key stream twice', async () => {
    const sealer = await anySealer();
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { minLength: 1, maxLength: 20 }), (contents) => {
        const messages: Message[] = [];
        for (const { length } of contents) messages.push({ offset: placeAfter(messages.at(-1)), length });
        const plaintext = randomBytes(endOf(messages));
        for (const [index, content] of contents.entries()) plaintext.set(content, messages[index]?.offset);
        const sealed = sealer.sealAll(plaintext, messages);
        const blocks = new Set<bigint>();
        const ivs = new Set<bigint>();
        let at = 0;
        for (const content of contents) {
          const envelope = sealed.subarray(at, (at += content.length + OVERHEAD_BYTES));
          expect(sealer.open(envelope)?.equals(content)).toBe(true);
          const start = BigInt(`0x${envelope.toString('hex', 0, 16)}`);
          ivs.add(start);
          for (let block = 0; block < Math.ceil(content.length / 16); block += 1) blocks.add(start + BigInt(block));
        }
        expect(at).toBe(sealed.length);
        expect(ivs.size).toBe(contents.length);
        expect(blocks.size).toBe(contents.reduce((sum, { length }) => sum + Math.ceil(length / 16), 0));
      }),
    );
  });

  it.each(['00000000000000000000000000000000', '000102030405060708090a0b0cfffffe', 'fffffffffffffffffffffffffffffffe'])(
    'counts the blocks of the key stream as the cipher does, from %s',
    (text) => {
      const key = randomBytes(32);
      const start = hex(text);
      const zeros = Buffer.alloc(70_000 * 16);
      const stream = createCipheriv('aes-256-ctr', key, start).update(zeros);
      for (const block of [0, 1, 2, 3, 255, 256, 257, 65_535, 65_536, 69_999]) {
        const offset = block * 16;
        const iv = ivsOf(start, [{ offset, length: 16 }]);
        const alone = createCipheriv('aes-256-ctr', key, iv).update(Buffer.alloc(16));
        expect(alone.equals(stream.subarray(offset, offset + 16)), `block ${block}`).toBe(true);
      }
    },
  );

  it('shows every flipped bit', async () => {
    const sealer = await anySealer();
    const sealed = sealer.seal(randomBytes(60));
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Buffer.from(sealed);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(sealer.open(changed), `bit ${bit}`).toBeUndefined();
    }
  });

  it('shows every cut and everything added', async () => {
    const sealer = await anySealer();
    const sealed = sealer.seal(randomBytes(50));
    for (let length = 0; length < sealed.length; length++)
      expect(sealer.open(sealed.subarray(0, length))).toBeUndefined();
    expect(sealer.open(Buffer.concat([sealed, Buffer.of(0)]))).toBeUndefined();
  });

  it('opens with no other key', async () => {
    expect((await anySealer()).open((await anySealer()).seal(randomBytes(10)))).toBeUndefined();
  });
});
