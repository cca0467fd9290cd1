/**
 * What we offer to a server. AES-GCM first: it is authenticated encryption in hardware, and with it ssh2 moves data as
 * fast as OpenSSH, while ChaCha20 is several times slower without a native module. SHA-1, CBC and the like are not
 * offered at all.
 */
import type { Algorithms, CipherAlgorithm, KexAlgorithm, MacAlgorithm, ServerHostKeyAlgorithm } from 'ssh2';
import type { SshConfig } from './openssh-config.ts';
import { cannotHonour } from './ssh2-limits.ts';

const HOST_KEYS = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
] as const satisfies readonly ServerHostKeyAlgorithm[];

const KEX = [
  'curve25519-sha256',
  'curve25519-sha256@libssh.org',
  'ecdh-sha2-nistp256',
  'ecdh-sha2-nistp384',
  'ecdh-sha2-nistp521',
  'diffie-hellman-group-exchange-sha256',
  'diffie-hellman-group16-sha512',
  'diffie-hellman-group18-sha512',
  'diffie-hellman-group14-sha256',
] as const satisfies readonly KexAlgorithm[];

const CIPHERS = [
  'aes128-gcm@openssh.com',
  'aes256-gcm@openssh.com',
  'aes128-ctr',
  'aes192-ctr',
  'aes256-ctr',
  'chacha20-poly1305@openssh.com',
] as const satisfies readonly CipherAlgorithm[];

const MACS = [
  'hmac-sha2-256-etm@openssh.com',
  'hmac-sha2-512-etm@openssh.com',
  'hmac-sha2-256',
  'hmac-sha2-512',
] as const satisfies readonly MacAlgorithm[];

/**
 * What ssh2 has and the configuration allows. Host keys come in the user's order, those that `knownKeyTypes` names
 * first, so that a host with several keys shows the one that we know. Throws `ssh.config` where nothing is left.
 */
export function algorithmsFor(config: SshConfig, knownKeyTypes: readonly string[]): Algorithms {
  const configured = config.hostKeyAlgorithms;
  const allowed = allow(config, 'HostKeyAlgorithms', HOST_KEYS);
  const ordered = allowed.toSorted((a, b) => configured.indexOf(a) - configured.indexOf(b));
  const isKnown = (name: string): boolean => knownKeyTypes.includes(name.startsWith('rsa-') ? 'ssh-rsa' : name);
  return {
    kex: allow(config, 'KexAlgorithms', KEX),
    cipher: allow(config, 'Ciphers', CIPHERS),
    hmac: allow(config, 'MACs', MACS),
    compress: ['none'],
    serverHostKey: [...ordered.filter(isKnown), ...ordered.filter((name) => !isKnown(name))],
  };
}

function allow<T extends string>(config: SshConfig, keyword: string, ours: readonly T[]): T[] {
  const value = config.keywords.get(keyword.toLowerCase())?.[0];
  if (value === undefined || value === '') return [...ours];
  const left = ours.filter((name) => value.split(',').includes(name));
  if (left.length === 0) throw cannotHonour(config.alias, `${keyword} ${value}`);
  return left;
}
