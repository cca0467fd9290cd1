/**
 * What we offer to a server. AES-GCM first: it is authenticated encryption in hardware, and with it ssh2 moves data as
 * fast as OpenSSH, while ChaCha20 is several times slower without a native module. SHA-1, CBC and the like are not
 * offered at all.
 */
import type { Algorithms, ServerHostKeyAlgorithm } from 'ssh2';

const HOST_KEYS = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
] as const satisfies readonly ServerHostKeyAlgorithm[];

/**
 * `configured` are OpenSSH's host key algorithms in the user's order; what `knownKeyTypes` names comes first, so that a
 * host with several keys shows the one that we know.
 */
export function algorithmsFor(configured: readonly string[], knownKeyTypes: readonly string[]): Algorithms {
  const known = HOST_KEYS.filter((name) => configured.length === 0 || configured.includes(name));
  const ordered =
    configured.length === 0 ? known : known.toSorted((a, b) => configured.indexOf(a) - configured.indexOf(b));
  const isKnown = (name: string): boolean => knownKeyTypes.includes(name.startsWith('rsa-') ? 'ssh-rsa' : name);
  const serverHostKey = [...ordered.filter(isKnown), ...ordered.filter((name) => !isKnown(name))];
  return {
    kex: [
      'curve25519-sha256',
      'curve25519-sha256@libssh.org',
      'ecdh-sha2-nistp256',
      'ecdh-sha2-nistp384',
      'ecdh-sha2-nistp521',
      'diffie-hellman-group-exchange-sha256',
      'diffie-hellman-group16-sha512',
      'diffie-hellman-group18-sha512',
      'diffie-hellman-group14-sha256',
    ],
    cipher: [
      'aes128-gcm@openssh.com',
      'aes256-gcm@openssh.com',
      'aes128-ctr',
      'aes192-ctr',
      'aes256-ctr',
      'chacha20-poly1305@openssh.com',
    ],
    hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
    compress: ['none'],
    serverHostKey: serverHostKey.length > 0 ? serverHostKey : [...HOST_KEYS],
  };
}
