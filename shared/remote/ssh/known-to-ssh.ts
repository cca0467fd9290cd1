/**
 * Whether `ssh NAME` would find a host by that name: a rule of the SSH configuration is written for it, or what it stands for has
 * an address. So a name that is mistyped is told from one that is only not written down as a `Host` of its own.
 */
import { lookup } from 'node:dns/promises';
import { abortable } from '../../base/cancel.ts';
import { isStillpointError } from '../../base/errors.ts';
import { type ConfigFiles, hostRules } from './config-hosts.ts';
import { resolveSshConfig } from './openssh-config.ts';

/** A resolver that does not answer must not keep a mistyped name from being told. */
const LOOKUP_MS = 10_000;

export async function isKnownToSsh(name: string, files: ConfigFiles, signal: AbortSignal): Promise<boolean> {
  const rules = await hostRules(files);
  if (rules.some((patterns) => isFor(name, patterns))) return true;
  try {
    const { hostName, proxy } = await resolveSshConfig({ ...files, alias: name }, signal);
    // Behind a proxy the name is looked up there
    if (proxy.kind !== 'none') return true;
    await abortable(lookup(hostName), AbortSignal.any([signal, AbortSignal.timeout(LOOKUP_MS)]));
    return true;
  } catch (error) {
    signal.throwIfAborted();
    if (isStillpointError(error) && error.code !== 'ssh.config') throw error;
    return false;
  }
}

/** What fits everything is written for no host. */
function isFor(name: string, patterns: readonly string[]): boolean {
  const fits = (pattern: string): boolean => asExpression(pattern).test(name);
  if (patterns.some((pattern) => pattern.startsWith('!') && fits(pattern.slice(1)))) return false;
  return patterns.some((pattern) => !pattern.startsWith('!') && !/^\*+$/.test(pattern) && fits(pattern));
}

/** As ssh_config(5): "*" is any text, "?" one character. */
function asExpression(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's');
}
