import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSealer, OVERHEAD_BYTES, type Sealer } from '../../../shared/repository/crypto/aes-poly1305.ts';

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
    const { createCipheriv } = await import('node:crypto');
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

  it('writes at an offset and touches nothing beside it', async () => {
    const sealer = await anySealer();
    const target = Buffer.alloc(200, 7);
    const length = sealer.sealInto(Buffer.alloc(100, 1), target, 20);
    expect(sealer.open(target.subarray(20, 20 + length))?.equals(Buffer.alloc(100, 1))).toBe(true);
    expect(target.subarray(0, 20).every((byte) => byte === 7)).toBe(true);
    expect(target.subarray(20 + length).every((byte) => byte === 7)).toBe(true);
  });

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
