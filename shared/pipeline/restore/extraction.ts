/** The content of a restore point goes through `tar` into the work folder, and what tar says is taken down. */
import { displayName } from '../../base/bytes.ts';
import { StillpointError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { RemoteHost } from '../../remote/remote-host.ts';
import type { Repository } from '../../repository/repository.ts';
import { writeTar } from '../../tar/write-tar.ts';
import type { TargetTraits } from './fit-node.ts';
import type { HardLinks } from './hard-links.ts';
import type { Outcome } from './outcome.ts';
import { tarItems } from './tar-items.ts';
import { linesOf, parseTarMessage } from './tar-messages.ts';
import { EXCHANGED, type WorkFolder } from './target.ts';
import { targetExchanged, targetFull } from './target-errors.ts';
import type { SelectedEntry } from './walk.ts';
import { extractTar, NO_WAY } from './work-commands.ts';

export interface ExtractionPorts {
  readonly host: RemoteHost;
  readonly repository: Repository;
  readonly folder: WorkFolder;
  readonly traits: TargetTraits;
  readonly outcome: Outcome;
  readonly links: HardLinks;
  readonly logger: Logger;
  /** Called every few megabytes. */
  readonly onProgress: () => void;
}

/**
 * Fills the folder at the end of `way`, which is the work folder itself where there is none. What tar refuses is in
 * `outcome` afterwards. Errors: `restore.target`, `restore.failed`, `repository.…`.
 */
export async function extract(
  entries: AsyncIterable<SelectedEntry>,
  way: readonly Buffer[],
  { host, repository, folder, traits, outcome, links, logger, onProgress }: ExtractionPorts,
  signal: AbortSignal,
): Promise<void> {
  const input = writeTar(tarItems(entries, { repository, traits, outcome, links, onBatch: onProgress }, signal));
  await using stream = await host.stream(extractTar(folder, way, traits), input, signal);
  const fatal: string[] = [];
  let explanations = 0;
  for await (const line of linesOf(stream.output)) {
    const message = parseTarMessage(line);
    if (message.kind === 'noise') continue;
    logger.log('warn', 'tar has something to say.', { line });
    if (message.kind === 'full') throw targetFull(folder.target, displayName(message.path), message.reason);
    if (message.kind === 'attribute' && isKnownToBeLost(message.what, traits)) continue;
    if (message.kind === 'fatal') fatal.push(message.message);
    else {
      outcome.hear(message);
      explanations += 1;
    }
  }
  const { exitCode } = await stream.finished;
  if (exitCode === EXCHANGED) throw targetExchanged(folder.target);
  if (exitCode === NO_WAY) return outcome.onLostFolder(Buffer.from('.'), 'the way to it is closed to this user');
  if (exitCode !== 0 && (explanations === 0 || fatal.length > 0)) throw tarFailed(folder.target, exitCode, fatal);
  for (const message of fatal.slice(0, 20)) {
    outcome.remark(`tar said: ${message}`, 'Every entry was made. Look at those that this may be about.');
  }
}

/** What the file system has not was counted when the entry was sent. */
function isKnownToBeLost(what: string, { owners, permissions }: TargetTraits): boolean {
  return (owners === 'lost' && what.startsWith('owner')) || (!permissions && what.startsWith('permissions'));
}

function tarFailed(target: string, exitCode: number, messages: readonly string[]): StillpointError {
  return new StillpointError(
    'restore.failed',
    `tar could not restore into "${target}" (exit code ${exitCode}): ${messages.slice(0, 3).join('; ') || 'it gave no reason'}.`,
    {
      advice: 'The restore stopped. Restore again, and look at the log if it fails the same way.',
      details: { exitCode, messages: messages.slice(0, 20) },
      cause: undefined,
    },
  );
}
