/**
 * Why OpenSSH's client did not come as far as a connection, as an error of ours: the door through which its words
 * become codes, facts and advice.
 */
import { quotation } from '../../base/bytes.ts';
import type { StillpointError } from '../../base/errors.ts';
import type { ShownHostKey } from '../ssh/host-key-errors.ts';
import { changedKey, revokedKey, unknownKey, unreadableRevocations } from '../ssh/host-key-errors.ts';
import type { SshConfig } from '../ssh/openssh-config.ts';
import {
  cannotConnect,
  closedUnheard,
  connectDeadline,
  loginCutShort,
  loginRefused,
  noCommonAlgorithm,
  notAnSshServer,
  unsetVariable,
} from '../ssh/ssh-errors.ts';
import { type ClientLog, readClientLog } from './client-log.ts';

export interface Failed {
  readonly config: SshConfig;
  readonly log: string;
  /** What was printed beside the log: banners, and the words of a ProxyCommand. */
  readonly stderr: string;
  readonly budgetMs: number;
  /** The questions that were not answered, and why. */
  readonly declined: readonly string[];
  readonly mayAsk: boolean;
  /** Keys of other types that are known for the host, as "type SHA256:…". */
  readonly otherKeys: readonly string[];
  readonly fingerprintAt: (file: string, line: number) => string | undefined;
  /** Where a key is marked as revoked in the known_hosts files. */
  readonly revokedAt: (fingerprint: string) => string | undefined;
}

export function failureOf(failed: Failed): StillpointError {
  const { config } = failed;
  const log = readClientLog(failed.log);
  const said = log.complaints.join('\n');
  const variable = /env var \$\{(\w+)\} has no value/.exec(said)?.[1];
  if (variable !== undefined) return unsetVariable(config, variable);
  return (
    hostKeyFailure(failed, log, said) ??
    loginFailure(failed, log, said) ??
    negotiationFailure(config, said) ??
    wayFailure(failed, log, said)
  );
}

function hostKeyFailure(
  { config, otherKeys, fingerprintAt, revokedAt }: Failed,
  log: ClientLog,
  said: string,
): StillpointError | undefined {
  const shown: ShownHostKey = {
    config,
    keyType: log.hostKey?.type ?? 'host',
    fingerprint: log.hostKey?.fingerprint ?? 'its fingerprint is in the log of OpenSSH',
  };
  const unreadable = /^Error checking host key .* in revoked keys file (.*): ([^:\n]+)$/m.exec(said);
  if (unreadable !== null) return unreadableRevocations(config, unreadable[1] ?? '', unreadable[2] ?? '');
  const revokedBy =
    /Host key \S+ (?:\S+ )?revoked by (?:file )?(\S[^\n]*)/i.exec(said)?.[1] ??
    (/REVOKED HOST KEY|marked as revoked|has been revoked|key \S+ revoked/i.test(said)
      ? (revokedAt(shown.fingerprint) ?? 'known_hosts')
      : undefined);
  if (revokedBy !== undefined) return revokedKey(shown, revokedBy.replace(/\.$/, ''));
  if (/HOST IDENTIFICATION HAS CHANGED/.test(said)) {
    const offending = /Offending (\S+) key in ([^\n]+):(\d+)/.exec(said);
    if (offending === null) return changedKey(shown, undefined);
    const [, , file = '', line = ''] = offending;
    const fingerprint = fingerprintAt(file, Number(line));
    return changedKey(shown, { file, line: Number(line), ...(fingerprint === undefined ? {} : { fingerprint }) });
  }
  if (/Host key verification failed|host key is known for .* and you have requested strict checking/.test(said)) {
    const command = /^.*KnownHostsCommand.*$/m.exec(said)?.[0];
    const hint =
      command === undefined ? '' : ` The command that should know its key did not help: ${quotation(command)}.`;
    return unknownKey(shown, otherKeys, hint);
  }
  return undefined;
}

function loginFailure(
  { config, declined, mayAsk, stderr }: Failed,
  log: ClientLog,
  said: string,
): StillpointError | undefined {
  const tooMany = /Too many authentication failures/i.test(said);
  const gaveUp = mayAsk && declined.length > 0;
  if (!tooMany && !gaveUp && !/Permission denied \(|No more authentication methods/.test(said)) {
    if (!log.loginBegan || !/^(?:Connection (?:closed|reset)|Received disconnect|Disconnected)/m.test(said))
      return undefined;
    const why = /^Received disconnect from .*?:\d+: (.*)$/m.exec(said)?.[1] ?? '';
    return loginCutShort(config, log.acceptedKey, `${stderr}\n${why}`);
  }
  const unasked = log.takes.filter((method) => !mayAsk && (method === 'password' || method === 'keyboard-interactive'));
  const skipped = [...log.unusable, ...declined, ...unasked.map((method) => `${method}: there was no one to ask`)];
  return loginRefused(config, { tried: log.tried, skipped, takes: log.takes, tooMany }, new Error(said));
}

function negotiationFailure(config: SshConfig, said: string): StillpointError | undefined {
  const found = /no matching ([^\n.]+) found\. Their offer: ([^\n]*)/.exec(said);
  return found === null ? undefined : noCommonAlgorithm(config, found[1] ?? '', found[2] ?? '', new Error(said));
}

function wayFailure({ config, budgetMs, stderr }: Failed, log: ClientLog, said: string): StillpointError {
  if (/timed out|Timeout/i.test(said)) return connectDeadline(config, budgetMs);
  if (log.greeting.length > 0) return notAnSshServer(config, log.greeting);
  const proxySaid = config.proxy.kind === 'command' ? stderr : '';
  if (/^kex_exchange_identification: (?:Connection closed|read: Connection reset)/m.test(said))
    return closedUnheard(config, new Error(said), proxySaid);
  const error: Error & { code?: string } = new Error(
    log.complaints.slice(-2).join(' / ') || 'OpenSSH does not say why',
  );
  if (/Could not resolve hostname/.test(said)) error.code = 'ENOTFOUND';
  if (/Connection refused/.test(said)) error.code = 'ECONNREFUSED';
  return cannotConnect(config, error, proxySaid);
}
