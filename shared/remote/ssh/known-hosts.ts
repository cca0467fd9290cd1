/**
 * The known_hosts format of OpenSSH (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT") and what it says about a key; pure.
 * A verdict is a value: who is asked, and when work stops, is decided in `host-key.ts`.
 */
import { createHash, createHmac, randomBytes } from 'node:crypto';

export interface KnownHost {
  readonly marker: 'none' | 'revoked' | 'cert-authority';
  /** The first field as it is: patterns with commas between them, or `|1|salt|hash`. */
  readonly names: string;
  readonly keyType: string;
  readonly key: Buffer;
  readonly file: string;
  readonly line: number;
}

export interface HostIdentity {
  /** The name under which keys are kept: HostKeyAlias, or the host name, in lower case. */
  readonly name: string;
  readonly port: number;
}

export type HostKeyVerdict =
  | { readonly kind: 'known'; readonly entry: KnownHost }
  /** `others` are keys of other types that are known for this host; `authorities` sign certificates for it. */
  | { readonly kind: 'unknown'; readonly others: readonly KnownHost[]; readonly authorities: readonly KnownHost[] }
  | { readonly kind: 'changed'; readonly expected: KnownHost }
  | { readonly kind: 'revoked'; readonly entry: KnownHost };

/** Lines that are not entries are skipped, as OpenSSH does. */
export function parseKnownHosts(text: string, file: string): KnownHost[] {
  return text.split('\n').flatMap((line, index) => parseLine(line, file, index + 1));
}

function parseLine(line: string, file: string, number: number): KnownHost[] {
  const fields = line.trim().split(/\s+/);
  const first = fields[0] ?? '';
  if (first === '' || first.startsWith('#')) return [];
  const marked = first.startsWith('@');
  if (marked) fields.shift();
  const [names, keyType, encoded] = fields;
  if (names === undefined || keyType === undefined || encoded === undefined) return [];
  if (marked && first !== '@revoked' && first !== '@cert-authority') return [];
  const key = Buffer.from(encoded, 'base64');
  if (keyTypeOf(key) !== keyType) return [];
  const marker = first === '@revoked' ? 'revoked' : marked ? 'cert-authority' : 'none';
  return [{ marker, names, keyType, key, file, line: number }];
}

/** The type that a public key names in its first field; empty when it is not a key. */
export function keyTypeOf(key: Buffer): string {
  if (key.length < 4) return '';
  const length = key.readUInt32BE(0);
  return length <= key.length - 4 ? key.toString('latin1', 4, 4 + length) : '';
}

/** As OpenSSH prints it: SHA256 in base64 without padding. */
export function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** What the entries say about a key that a host shows. */
export function checkHostKey(entries: readonly KnownHost[], host: HostIdentity, key: Buffer): HostKeyVerdict {
  const type = keyTypeOf(key);
  const about = entriesFor(entries, host);
  const revoked = about.find((entry) => entry.marker === 'revoked' && entry.key.equals(key));
  if (revoked) return { kind: 'revoked', entry: revoked };
  const trusted = about.filter((entry) => entry.marker === 'none');
  const same = trusted.find((entry) => entry.key.equals(key));
  if (same) return { kind: 'known', entry: same };
  const expected = trusted.find((entry) => entry.keyType === type);
  if (expected) return { kind: 'changed', expected };
  // OpenSSH accepts a key that is known for the same name on the ordinary port; it never refuses because of one.
  const plain = host.port === 22 ? [] : entriesFor(entries, { ...host, port: 22 });
  const bare = plain.find((entry) => entry.marker === 'none' && entry.key.equals(key));
  if (bare) return { kind: 'known', entry: bare };
  const authorities = about.filter((entry) => entry.marker === 'cert-authority');
  return { kind: 'unknown', others: trusted, authorities };
}

/** The key types that are known for a host, so that we ask the host for one of these. */
export function knownKeyTypes(entries: readonly KnownHost[], host: HostIdentity): string[] {
  return [...new Set(trustedKeys(entries, host).map((entry) => entry.keyType))];
}

export function trustedKeys(entries: readonly KnownHost[], host: HostIdentity): KnownHost[] {
  const plain = host.port === 22 ? [] : entriesFor(entries, { ...host, port: 22 });
  return [...entriesFor(entries, host), ...plain].filter((entry) => entry.marker === 'none');
}

function entriesFor(entries: readonly KnownHost[], host: HostIdentity): KnownHost[] {
  const name = addressOf(host);
  return entries.filter((entry) => matches(entry.names, name));
}

/** `name`, or `[name]:port` where the port is not the ordinary one. */
export function addressOf(host: HostIdentity): string {
  return host.port === 22 ? host.name : `[${host.name}]:${host.port}`;
}

function matches(names: string, name: string): boolean {
  if (names.startsWith('|1|')) return matchesHash(names, name);
  let found = false;
  for (const pattern of names.toLowerCase().split(',')) {
    const negated = pattern.startsWith('!');
    if (!globToRegExp(negated ? pattern.slice(1) : pattern).test(name)) continue;
    if (negated) return false;
    found = true;
  }
  return found;
}

function globToRegExp(pattern: string): RegExp {
  const source = pattern.replaceAll(/[.*+?^${}()|[\]\\]/g, (character) =>
    character === '*' ? '.*' : character === '?' ? '.' : `\\${character}`,
  );
  return new RegExp(`^${source}$`, 's');
}

function matchesHash(names: string, name: string): boolean {
  const [, , salt, hash] = names.split('|');
  if (salt === undefined || hash === undefined) return false;
  return hashName(name, Buffer.from(salt, 'base64')) === hash;
}

function hashName(name: string, salt: Buffer): string {
  return createHmac('sha1', salt).update(name).digest('base64');
}

/** One line for a known_hosts file, with its line end. */
export function formatKnownHost(host: HostIdentity, key: Buffer, hashed: boolean): string {
  const name = addressOf(host);
  const salt = randomBytes(20);
  const names = hashed ? `|1|${salt.toString('base64')}|${hashName(name, salt)}` : name;
  return `${names} ${keyTypeOf(key)} ${key.toString('base64')}\n`;
}
