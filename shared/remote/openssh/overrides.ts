/**
 * What we put over the user's configuration when OpenSSH's client carries us. Everything else is the user's. An option
 * on the command line counts before every file; docs/ssh.md says for each keyword what becomes of it.
 */
import { CONNECT_BUDGET_MS, KEEP_ALIVE_COUNT, KEEP_ALIVE_INTERVAL_MS } from '../budgets.ts';
import type { SshConfig } from '../ssh/openssh-config.ts';

/** Sessions are opened by us over the control socket, so the client itself starts none, forwards nothing, runs nothing. */
const ALWAYS: Readonly<Record<string, string>> = {
  channeltimeout: 'none',
  clearallforwardings: 'yes',
  controlpersist: 'no',
  escapechar: 'none',
  exitonforwardfailure: 'no',
  fingerprinthash: 'sha256',
  forkafterauthentication: 'no',
  forwardagent: 'no',
  forwardx11: 'no',
  localcommand: 'none',
  loglevel: 'DEBUG1',
  permitlocalcommand: 'no',
  remotecommand: 'none',
  requesttty: 'no',
  stdinnull: 'no',
  tunnel: 'no',
  visualhostkey: 'no',
  // An unknown key is never accepted without a person, even where the user's configuration would.
  nohostauthenticationforlocalhost: 'no',
};

/** Keywords that not every client since 7.4 knows; they are named only where `ssh -G` names them. */
const NEWER = new Set(['channeltimeout', 'forkafterauthentication', 'stdinnull']);

export interface CarrierSettings {
  readonly mayAsk: boolean;
  /** Instead of what the configuration or OpenSSH itself says. */
  readonly keepAlive: { readonly intervalMs: number; readonly count: number } | undefined;
}

/** `-o` arguments for one host on the way. */
export function overridesFor(config: SshConfig, { mayAsk, keepAlive }: CarrierSettings): string[] {
  const known = (keyword: string): boolean => !NEWER.has(keyword) || config.keywords.has(keyword);
  const fixed = Object.entries(ALWAYS).filter(([keyword]) => known(keyword));
  const alive = config.keepAlive ?? keepAlive ?? { intervalMs: KEEP_ALIVE_INTERVAL_MS, count: KEEP_ALIVE_COUNT };
  const options: [string, string][] = [
    ...fixed,
    ['batchmode', mayAsk ? 'no' : 'yes'],
    ['stricthostkeychecking', config.strictHostKeyChecking],
    ['serveraliveinterval', String(Math.max(1, Math.round(alive.intervalMs / 1000)))],
    ['serveralivecountmax', String(alive.count)],
    ...(config.connectTimeoutMs === undefined
      ? ([['connecttimeout', String(CONNECT_BUDGET_MS / 1000)]] as [string, string][])
      : []),
    // Both would ask in the middle of a connection, where no person is watching.
    ...(config.updateHostKeys === 'ask' ? ([['updatehostkeys', 'no']] as [string, string][]) : []),
  ];
  return options.flatMap(([keyword, value]) => ['-o', `${keyword}=${value}`]);
}
