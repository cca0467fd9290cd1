/** Listing, finding and saving restore points. */

import type { Clock } from '../base/clock.ts';
import { isStillpointError, StillpointError, toStillpointError } from '../base/errors.ts';
import { mapWithLimit } from '../base/limit.ts';
import type { Finding } from '../domain/finding.ts';
import { type RestorePointId, restorePointId } from '../domain/names.ts';
import { orderPoints } from '../domain/point-order.ts';
import { decodeSnapshot, encodeSnapshot } from './format/snapshot.ts';
import type { RestorePointList } from './point-reader.ts';
import type { RestorePoint, RestorePointDraft } from './restore-point.ts';
import type { StoredFiles } from './stored-files.ts';

export class RestorePointStore {
  readonly #files: StoredFiles;
  readonly #clock: Clock;

  constructor(files: StoredFiles, clock: Clock) {
    this.#files = files;
    this.#clock = clock;
  }

  async list(signal: AbortSignal): Promise<RestorePointList> {
    const names = await this.#files.listNames('snapshots', signal);
    const findings: Finding[] = [];
    const points = await mapWithLimit(names, this.#files.backend.properties.connections, async (name) => {
      try {
        return await this.#load(restorePointId(name), signal);
      } catch (error) {
        signal.throwIfAborted();
        // Removed by another process since it was listed: not damage.
        if (isStillpointError(error, 'backend.not-found')) return undefined;
        if (!isStillpointError(error, 'repository.damaged')) throw error;
        findings.push({ severity: 'damage', message: toStillpointError(error).message, affects: [name] });
        return undefined;
      }
    });
    const read = points.filter((point) => point !== undefined);
    return { ...orderPoints(read, this.#clock.now()), findings };
  }

  async find(wanted: string, signal: AbortSignal): Promise<RestorePoint> {
    if (wanted === 'latest') {
      const { points, findings } = await this.list(signal);
      if (findings.length > 0) throw this.#unknownLatest(findings);
      const latest = points.at(-1);
      if (latest !== undefined) return latest;
      throw unknownPoint(`The ${this.#files.title} holds no restore point.`, 'Back up into it first.');
    }
    const prefix = wanted.toLowerCase();
    const names = /^[0-9a-f]{1,64}$/.test(prefix) ? await this.#files.listNames('snapshots', signal) : [];
    const matches = names.filter((name) => name.startsWith(prefix));
    const [only] = matches;
    if (only === undefined) throw unknownPoint(`The ${this.#files.title} has no restore point "${wanted}".`);
    if (matches.length === 1) return this.#load(restorePointId(only), signal);
    throw new StillpointError('repository.ambiguous-point', `"${wanted}" fits ${matches.length} restore points.`, {
      advice: `Give more of the id: ${matches
        .slice(0, 4)
        .map((name) => name.slice(0, prefix.length + 4))
        .join(', ')}.`,
      details: { matches: matches.slice(0, 20) },
      cause: undefined,
    });
  }

  async save(draft: RestorePointDraft, signal: AbortSignal): Promise<RestorePoint> {
    const name = await this.#files.save('snapshots', encodeSnapshot(draft), signal);
    return { ...draft, id: restorePointId(name) };
  }

  async #load(id: RestorePointId, signal: AbortSignal): Promise<RestorePoint> {
    const json = await this.#files.load('snapshots', id, signal);
    return { ...decodeSnapshot(json, `restore point ${id.slice(0, 8)}`), id };
  }

  /** The one that cannot be read may be the latest: an older one in its place would pass for it. */
  #unknownLatest(findings: readonly Finding[]): StillpointError {
    const names = findings.flatMap(({ affects }) => affects);
    const short = names.slice(0, 4).map((name) => name.slice(0, 8));
    const which = names.length > short.length ? `${short.join(', ')} and others` : short.join(', ');
    return new StillpointError(
      'repository.damaged',
      `Which restore point of the ${this.#files.title} is the latest cannot be determined: ${which} cannot be read.`,
      {
        advice: 'Name the one that you want by its id; list the restore points to see those that can be read.',
        details: { unreadable: names.slice(0, 20) },
        cause: undefined,
      },
    );
  }
}

function unknownPoint(message: string, advice = 'List the restore points to see what there is.'): StillpointError {
  return new StillpointError('repository.unknown-point', message, {
    advice,
    cause: undefined,
  });
}
