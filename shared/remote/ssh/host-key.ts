/**
 * Whether we talk to the right host. A known key passes; an unknown one is shown to a person, or refused where there is
 * none; a changed or revoked one is a hard stop that no setting of ours overrides.
 */
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StillpointError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Prompter } from '../prompter.ts';
import type { HostIdentity, HostKeyVerdict, KnownHost } from './known-hosts.ts';
import {
  addressOf,
  checkHostKey,
  fingerprintOf,
  formatKnownHost,
  keyTypeOf,
  knownKeyTypes,
  parseKnownHosts,
} from './known-hosts.ts';
import type { SshConfig } from './openssh-config.ts';

export interface HostKeyDesk {
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

export async function prepareHostKeyCheck(desk: HostKeyDesk): Promise<HostKeyCheck> {
  const { config } = desk;
  const files = [...config.userKnownHostsFiles, ...config.globalKnownHostsFiles];
  const entries = (await Promise.all(files.map(readEntries))).flat();
  const host: HostIdentity = { name: (config.hostKeyAlias ?? config.hostName).toLowerCase(), port: config.port };
  // OpenSSH looks an alias up as it stands, without the port.
  const identity: HostIdentity = config.hostKeyAlias === undefined ? host : { ...host, port: 22 };
  return {
    keyTypes: knownKeyTypes(entries, identity),
    async verify(key, signal) {
      const verdict = checkHostKey(entries, identity, key);
      if (verdict.kind === 'known') return;
      if (verdict.kind === 'changed') throw changed(config, identity, verdict.expected, key);
      if (verdict.kind === 'revoked') throw revoked(config, verdict.entry, key);
      await askAbout(desk, identity, key, verdict, signal);
    },
  };
}

async function readEntries(file: string): Promise<KnownHost[]> {
  return parseKnownHosts(await readFile(file, 'utf8').catch(() => ''), file);
}

type Unknown = Extract<HostKeyVerdict, { kind: 'unknown' }>;

async function askAbout(
  desk: HostKeyDesk,
  host: HostIdentity,
  key: Buffer,
  verdict: Unknown,
  signal: AbortSignal,
): Promise<void> {
  const { config, prompter } = desk;
  const mayAsk = config.strictHostKeyChecking === 'ask' && !config.batchMode;
  if (prompter === undefined || !mayAsk) throw unknown(config, key, verdict);
  const accepted = await prompter.confirmHostKey(
    {
      host: config.alias,
      address: addressOf(host),
      keyType: keyTypeOf(key),
      fingerprint: fingerprintOf(key),
      otherKeys: verdict.others.map((other) => `${other.keyType} ${fingerprintOf(other.key)}`),
    },
    signal,
  );
  if (!accepted) throw unknown(config, key, verdict);
  await remember(desk, host, key);
}

/** Appends to the user's first file. Failing to write it down costs another question, not the connection. */
async function remember(desk: HostKeyDesk, host: HostIdentity, key: Buffer): Promise<void> {
  const { config, logger } = desk;
  const file = config.userKnownHostsFiles[0];
  if (file === undefined) return;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await using handle = await open(file, 'a+', 0o600);
    const { size } = await handle.stat();
    const last = Buffer.alloc(1);
    if (size > 0) await handle.read(last, 0, 1, size - 1);
    const lineEnd = size === 0 || last[0] === 0x0a ? '' : '\n';
    // One write, so that a line of another program in the same moment cannot come between.
    await handle.appendFile(lineEnd + formatKnownHost(host, key, config.hashKnownHosts));
    await handle.sync();
  } catch (error) {
    logger.log('warn', 'The accepted host key could not be written down.', { host: config.alias, file, error });
  }
}

function unknown(config: SshConfig, key: Buffer, verdict: Unknown): StillpointError {
  const fingerprint = fingerprintOf(key);
  const { authorities, others } = verdict;
  const known =
    others.length > 0 ? ` Only other keys of it are known (${others.map((one) => one.keyType).join(', ')}).` : '';
  const signed =
    authorities.length > 0
      ? ' known_hosts trusts a certificate authority for this host, but Stillpoint does not read host certificates: the key itself has to be known.'
      : '';
  return new StillpointError(
    'ssh.host-key-unknown',
    `The host "${config.alias}" shows a ${keyTypeOf(key)} key that is not known here: ${fingerprint}.${known}`,
    {
      advice: `Nothing was sent to it.${signed} Compare the fingerprint with "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" (or the file of its type) on the host itself, then run "ssh ${config.alias}" once and accept the key, or add it with "ssh-keyscan -p ${config.port} ${config.hostName} >> ${config.userKnownHostsFiles[0] ?? '~/.ssh/known_hosts'}".`,
      details: { host: config.alias, keyType: keyTypeOf(key), fingerprint },
      cause: undefined,
    },
  );
}

function changed(config: SshConfig, host: HostIdentity, expected: KnownHost, key: Buffer): StillpointError {
  const shown = fingerprintOf(key);
  const known = fingerprintOf(expected.key);
  return new StillpointError(
    'ssh.host-key-changed',
    `The host "${config.alias}" shows another ${expected.keyType} key than the known one: ${shown} instead of ${known} (${expected.file}, line ${expected.line}).`,
    {
      advice: `Nothing was sent to it: somebody may stand between you and the host. If it was set up anew, compare ${shown} with "ssh-keygen -lf" on its console, then remove the old key with: ssh-keygen -f "${expected.file}" -R "${addressOf(host)}"`,
      details: { host: config.alias, expected: known, shown, file: expected.file, line: expected.line },
      cause: undefined,
    },
  );
}

function revoked(config: SshConfig, entry: KnownHost, key: Buffer): StillpointError {
  const fingerprint = fingerprintOf(key);
  return new StillpointError(
    'ssh.host-key-revoked',
    `The host "${config.alias}" shows the key ${fingerprint}, which is marked as revoked (${entry.file}, line ${entry.line}).`,
    {
      advice:
        'Nothing was sent to it: whoever has this key may pretend to be the host. Give the host a new key, then connect again.',
      details: { host: config.alias, fingerprint, file: entry.file, line: entry.line },
      cause: undefined,
    },
  );
}
