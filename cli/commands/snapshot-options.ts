/** What is to be kept of which host, for what and for how long: the options that commands which keep snapshots share. */
import type { Command } from 'commander';
import { StillpointError } from '../../shared/base/errors.ts';
import { hostPath } from '../../shared/domain/host-path.ts';
import { requireReason } from '../../shared/domain/kept-marks.ts';
import { requireOwnHost } from '../../shared/domain/kept-source.ts';
import { parseLifetime } from '../../shared/domain/lifetime.ts';
import { hostName, sourceName } from '../../shared/domain/names.ts';
import type { KeepJobRequest } from '../../shared/domain/verbs/keep.ts';
import type { Stillpoint } from '../../shared/stillpoint.ts';
import { HOST } from '../arguments.ts';

export interface KeepOptions {
  readonly source?: string;
  readonly reason?: string;
  readonly expires?: string;
  readonly keepForever?: true;
}

const LIFETIME = '7d';

export function withKeepOptions(command: Command): Command {
  return command
    .argument('<host>', HOST)
    .argument('[paths...]', 'absolute paths on the host')
    .option(
      '--source <name>',
      'instead of paths: those of a source; what it stops or holds is stopped or held meanwhile',
    )
    .option('--reason <text>', 'why it is kept, for whoever finds it on the host')
    .option('--expires <duration>', `how long it is to be kept, such as 90min, 12h, 7d or 4w (default: ${LIFETIME})`)
    .option('--keep-forever', 'it is to be kept until somebody removes it by name');
}

export function keepRequest(
  host: string,
  paths: readonly string[],
  { source, reason = '', expires, keepForever }: KeepOptions,
): KeepJobRequest {
  if (expires !== undefined && keepForever) throw contradiction('--expires and --keep-forever');
  if (source !== undefined && paths.length > 0) throw contradiction('Paths and --source');
  if (source === undefined && paths.length === 0) {
    throw new StillpointError('usage.invalid', 'It is not said what is to be kept.', {
      advice: 'Name paths on the host, or a source with --source.',
      cause: undefined,
    });
  }
  for (const path of paths) hostPath(path);
  return {
    ...{ kind: 'keep-snapshots', host: hostName(host), paths, reason: requireReason(reason) },
    ...(source === undefined ? {} : { source: sourceName(source) }),
    ...(keepForever ? {} : { lifetimeSeconds: parseLifetime(expires ?? LIFETIME) }),
  };
}

/** As the configuration has it, before anybody logs in. A source that it does not have is refused where the job begins. */
export async function requireHostOfSource({ source, host }: KeepJobRequest, stillpoint: Stillpoint): Promise<void> {
  if (source === undefined) return;
  const found = (await stillpoint.listSources()).find(({ name }) => name === source);
  if (found !== undefined) requireOwnHost(found, host);
}

export function contradiction(what: string): StillpointError {
  return new StillpointError('usage.invalid', `${what} are both given.`, {
    advice: 'Leave one of them out.',
    cause: undefined,
  });
}
