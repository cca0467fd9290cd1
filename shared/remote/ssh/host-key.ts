/**
 * Whether we talk to the right host. A known key passes; an unknown one is shown to a person, or refused where there is
 * none; a changed or revoked one is a hard stop that no setting of ours overrides.
 */
import { open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from '../../base/log.ts';
import { makeFolders } from '../../base/make-folders.ts';
import type { Prompter } from '../../domain/prompter.ts';
import { changedKey, revokedKey, unknownKey } from './host-key-errors.ts';
import type { HostIdentity, HostKeyVerdict, KnownHost } from './known-hosts.ts';
import {
  addressOf,
  checkHostKey,
  fingerprintOf,
  formatKnownHost,
  keyTypeOf,
  knownKeyTypes,
  parseKnownHosts,
  trustedKeys,
} from './known-hosts.ts';
import type { SshConfig } from './openssh-config.ts';

export interface HostKeyPorts {
  readonly config: SshConfig;
  readonly prompter: Prompter | undefined;
  readonly logger: Logger;
}

export interface HostKeyCheck {
  /** Key types that are known for the host. */
  readonly keyTypes: readonly string[];
  /** Returns when the key may be trusted; throws `ssh.host-key-…` otherwise. */
  verify(key: Buffer, signal: AbortSignal): Promise<void>;
}

export async function prepareHostKeyCheck(ports: HostKeyPorts): Promise<HostKeyCheck> {
  const { config } = ports;
  const { entries, identity } = await readKnownHosts(config);
  return {
    keyTypes: knownKeyTypes(entries, identity),
    async verify(key, signal) {
      const verdict = checkHostKey(entries, identity, key);
      if (verdict.kind === 'known') return;
      const shown = { config, keyType: keyTypeOf(key), fingerprint: fingerprintOf(key) };
      if (verdict.kind === 'changed') {
        const { file, line, key: known } = verdict.expected;
        throw changedKey(shown, { file, line, fingerprint: fingerprintOf(known) });
      }
      if (verdict.kind === 'revoked') throw revokedKey(shown, placeOf(verdict.entry));
      await askAbout(ports, identity, key, verdict, signal);
    },
  };
}

async function readEntries(file: string): Promise<KnownHost[]> {
  return parseKnownHosts(await readFile(file, 'utf8').catch(() => ''), file);
}

const CERTIFIED =
  ' known_hosts trusts a certificate authority for this host, but the connection without OpenSSH reads no host certificates: the key itself has to be known.';

type Unknown = Extract<HostKeyVerdict, { kind: 'unknown' }>;

async function askAbout(
  ports: HostKeyPorts,
  host: HostIdentity,
  key: Buffer,
  verdict: Unknown,
  signal: AbortSignal,
): Promise<void> {
  const { config, prompter } = ports;
  const shown = { config, keyType: keyTypeOf(key), fingerprint: fingerprintOf(key) };
  const otherKeys = verdict.others.map(describeKey);
  const signed = verdict.authorities.length === 0 ? '' : CERTIFIED;
  const mayAsk = config.strictHostKeyChecking === 'ask' && !config.batchMode;
  if (prompter === undefined || !mayAsk) throw unknownKey(shown, otherKeys, signed);
  const accepted = await prompter.confirmHostKey(
    {
      host: config.alias,
      address: addressOf(host),
      keyType: keyTypeOf(key),
      fingerprint: fingerprintOf(key),
      otherKeys,
    },
    signal,
  );
  if (!accepted) throw unknownKey(shown, otherKeys, signed);
  await remember(ports, host, key);
}

/** Appends to the user's first file. Failing to write it down costs another question, not the connection. */
async function remember(ports: HostKeyPorts, host: HostIdentity, key: Buffer): Promise<void> {
  const { config, logger } = ports;
  const file = config.userKnownHostsFiles[0];
  if (file === undefined) return;
  try {
    await makeFolders(dirname(file), 0o700);
    await using handle = await open(file, 'a+', 0o600);
    const { size } = await handle.stat();
    const last = Buffer.alloc(1);
    if (size > 0) await handle.read(last, 0, 1, size - 1);
    const lineEnd = size === 0 || last[0] === 0x0a ? '' : '\n';
    // One write, so that a line of another program in the same moment cannot come between.
    await handle.appendFile(lineEnd + formatKnownHost(host, key, config.hashKnownHosts));
    await handle.sync();
  } catch (error) {
    logger.log('warn', 'The accepted host key could not be saved.', { host: config.alias, file, error });
  }
}

export interface KnownKeys {
  /** As the host is written in known_hosts. */
  readonly address: string;
  /** Keys that are known for the host, as "type SHA256:…". */
  readonly otherKeys: readonly string[];
  /** The fingerprint in a line of a known_hosts file. */
  readonly fingerprintAt: (file: string, line: number) => string | undefined;
  /** File and line of the mark that a key is revoked. */
  readonly revokedAt: (fingerprint: string) => string | undefined;
}

/** What the files say of a host, for words: who is trusted is decided elsewhere. */
export async function knownKeysOf(config: SshConfig): Promise<KnownKeys> {
  const { entries, identity } = await readKnownHosts(config);
  return {
    address: addressOf(identity),
    otherKeys: trustedKeys(entries, identity).map(describeKey),
    fingerprintAt(file, line) {
      const entry = entries.find((one) => one.file === file && one.line === line);
      return entry && fingerprintOf(entry.key);
    },
    revokedAt(fingerprint) {
      const entry = entries.find((one) => one.marker === 'revoked' && fingerprintOf(one.key) === fingerprint);
      return entry && placeOf(entry);
    },
  };
}

async function readKnownHosts(config: SshConfig): Promise<{ entries: KnownHost[]; identity: HostIdentity }> {
  const files = [...config.userKnownHostsFiles, ...config.globalKnownHostsFiles];
  const entries = (await Promise.all(files.map(readEntries))).flat();
  const host: HostIdentity = { name: (config.hostKeyAlias ?? config.hostName).toLowerCase(), port: config.port };
  // OpenSSH looks an alias up as it is, without the port.
  return { entries, identity: config.hostKeyAlias === undefined ? host : { ...host, port: 22 } };
}

const placeOf = ({ file, line }: KnownHost): string => `${file}, line ${line}`;

function describeKey({ keyType, key }: KnownHost): string {
  return `${keyType} ${fingerprintOf(key)}`;
}
